#!/bin/sh
# Has jobs end and be queued again, as when they are preempted: sh preempt.sh ROOT. Each line of the input is the folder
# of an attempt below ROOT, a tab, and its job. Each line of the answer is a folder, and why it could not be done.
# shellcheck disable=SC2088 # a tilde as it is given
case $1 in '~') set -- "$HOME" ;; '~/'*) set -- "$HOME/${1#??}" ;; esac
cd "$1" || exit 72
tab=$(printf '\t')
while IFS=$tab read -r folder job; do
    signal=$(sed -n 's/^#SBATCH --signal=B:\([A-Z0-9]*\)@.*/\1/p;/^[^#]/q' "$folder/sbatch.sh")
    if [ -n "$signal" ]; then
        set -- scancel --batch --signal="$signal" "$job"
    else
        set -- scontrol requeue "$job"
    fi
    words=$("$@" 2>&1 </dev/null) && words=''
    printf '%s\t%s\n' "$folder" "$(printf '%s' "$words" | tr '\n\t' '  ')"
done
