#!/bin/sh
# What became of attempts that may have been submitted: sh find.sh ROOT. Each line of the input is a folder below ROOT.
# An attempt that waits to be submitted will not be any more once its sbatch.ready is renamed here.
# shellcheck disable=SC2088 # a tilde as it is given
case $1 in '~') set -- "$HOME" ;; '~/'*) set -- "$HOME/${1#??}" ;; esac
cd "$1" 2>/dev/null || exit 0
now=$(date +%s)
while IFS= read -r folder; do
    job=''
    if [ -r "$folder/job" ] && read -r job <"$folder/job" && [ -n "$job" ]; then
        printf '%s\tjob\t%s\n' "$folder" "$job"
    elif mv "$folder/sbatch.ready" "$folder/sbatch.revoked" 2>/dev/null; then
        printf '%s\tnever\t\n' "$folder"
    elif [ -e "$folder/refused" ] || [ ! -e "$folder/sbatch.sh" ]; then
        printf '%s\tnever\t\n' "$folder"
    else
        claimed=$(stat -c %Z "$folder/sbatch.sh" 2>/dev/null || echo "$now")
        printf '%s\tclaimed\t%s\n' "$folder" "$((now - claimed))"
    fi
done
