#!/bin/sh
# The nodes that jobs keep away from: sh nodes.sh ROOT note|list|forget [NODE...]. It says which there are then.
# In the file `nodes`, each line has until when, in seconds since the epoch, a node, and why. To note are the lines of the
# input: seconds from now on, nodes with commas between them, why. Of several nodes, those that Slurm says are ill.
# shellcheck disable=SC2088 # a tilde as it is given
case $1 in '~') root=$HOME ;; '~/'*) root=$HOME/${1#??} ;; *) root=$1 ;; esac
cd "$root" 2>/dev/null || exit 0
what=$2
shift 2
tab=$(printf '\t')
now=$(date +%s)
while [ "$what" = note ] && IFS=$tab read -r seconds names why; do
    case $names in
        *,*) names=$(timeout 30 sinfo -h -N -n "$names" -t down,drain,fail,no_respond -o %N </dev/null 2>/dev/null) ;;
    esac
    for node in $names; do
        printf '%s\t%s\t%s\n' "$((now + seconds))" "$node" "$why"
    done >>nodes
done
[ -s nodes ] || exit 0
while IFS=$tab read -r until node why; do
    [ "$until" -gt "$now" ] 2>/dev/null || continue
    for one in "$@"; do
        [ "$one" != "$node" ] || continue 2
    done
    [ "$what" != forget ] || [ "$#" -gt 0 ] || continue
    printf '%s\t%s\t%s\n' "$until" "$node" "$why"
done <nodes >"nodes.$$"
mv "nodes.$$" nodes
cat nodes
