#!/bin/sh
# Why jobs have failed, as far as their folders tell: sh explain.sh ROOT. Each line of the input is the folder of an
# attempt below ROOT. Each line of the answer is a folder, "memory" or "disk", and what was found.
# shellcheck disable=SC2088 # a tilde as it is given
case $1 in '~') set -- "$HOME" ;; '~/'*) set -- "$HOME/${1#??}" ;; esac
cd "$1" || exit 72
while IFS= read -r folder; do
    if words=$(tail -q -c 20000 "$folder/slurm.log" "$folder"/err.log "$folder"/task-*/err.log 2>/dev/null |
        grep -a -i -m 1 -E '^slurmstepd[^ ]*: error: .*(oom.kill|memory limit)'); then
        printf '%s\tmemory\t%s\n' "$folder" "$(printf '%s' "${words#*: error: }" | tr '\t' ' ')"
    elif ! head -c 65536 /dev/zero 2>/dev/null >"$folder/probe.part"; then
        printf '%s\tdisk\t%s\n' "$folder" "$(pwd)"
    fi
    rm -f "$folder/probe.part"
done
