#!/bin/sh
# What accounting and the controller know of jobs: sh ask.sh ID,ID,...
export SLURM_TIME_FORMAT=%s
timeout 30 sacct -n -P -X -j "$1" -o JobID,State,ExitCode,Start,End,NodeList </dev/null 2>/dev/null | sed 's/^/sacct	/'
for job in $(printf '%s' "$1" | tr ',' ' '); do
    told=$(timeout 30 scontrol show job -o "$job" 2>&1 </dev/null) || told=$(printf '%s' "$told" | tr '\n' ' ')
    printf '%s\n' "$told" | sed "s/^/scontrol	$job	/"
done
exit 0
