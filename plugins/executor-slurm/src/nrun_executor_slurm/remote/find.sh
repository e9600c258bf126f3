#!/bin/sh
# What became of attempts that may have been submitted: sh find.sh ROOT. Each line of the input is a folder below ROOT.
# An attempt that waits to be submitted will not be any more once its sbatch.ready is renamed here. That of an element
# lies in the folder of its array: all elements are submitted, or none.
# shellcheck disable=SC2088 # a tilde as it is given
case $1 in '~') set -- "$HOME" ;; '~/'*) set -- "$HOME/${1#??}" ;; esac
cd "$1" 2>/dev/null || exit 0
now=$(date +%s)
while IFS= read -r folder; do
    job='' element='' array='' batch=$folder
    if [ -r "$folder/job" ] && read -r job <"$folder/job" && [ -n "$job" ]; then
        printf '%s\tjob\t%s\n' "$folder" "$job"
        continue
    elif mv "$folder/sbatch.ready" "$folder/sbatch.revoked" 2>/dev/null; then
        printf '%s\tnever\t\n' "$folder"
        continue
    elif [ -r "$folder/array" ] && read -r element array <"$folder/array"; then
        batch=${folder%/jobs/*}/arrays/$array
    fi
    if [ -n "$array" ] && [ -r "$batch/job" ] && read -r job <"$batch/job" && [ -n "$job" ]; then
        printf '%s\tjob\t%s_%s\n' "$folder" "$job" "$element"
    elif [ -n "$array" ] && mv "$batch/sbatch.ready" "$batch/sbatch.revoked" 2>/dev/null; then
        printf '%s\tnever\t\n' "$folder"
    elif [ -e "$batch/refused" ] || [ ! -e "$batch/sbatch.sh" ]; then
        printf '%s\tnever\t\n' "$folder"
    else
        claimed=$(stat -c %Z "$batch/sbatch.sh" 2>/dev/null || echo "$now")
        printf '%s\tclaimed\t%s %s %s\n' "$folder" "$((now - claimed))" "$element" "$array"
    fi
done
