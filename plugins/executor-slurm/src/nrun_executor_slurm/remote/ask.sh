#!/bin/sh
# What accounting and the controller know of jobs: sh ask.sh ID,ID,... Arrays are asked for as a whole.
export SLURM_TIME_FORMAT=%s
jobs=$(printf '%s\n' "$1" | tr ',' '\n' | sed 's/_.*//' | sort -u)
ids=$(printf '%s' "$jobs" | tr '\n' ',')
timeout 30 sacct -n -P -X -j "$ids" -o JobID,State,ExitCode,Start,End,NodeList </dev/null 2>/dev/null | sed 's/^/sacct	/'
for job in $jobs; do
    told=$(timeout 30 scontrol show job -o "$job" 2>&1 </dev/null) || told=$(printf '%s' "$told" | tr '\n' ' ')
    printf '%s\n' "$told" | sed "s/^/scontrol	$job	/"
done
exit 0
