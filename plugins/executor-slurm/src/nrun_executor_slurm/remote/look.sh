#!/bin/sh
# What is known of jobs: sh look.sh ROOT SECONDS. Each line of the input is the folder of an attempt below ROOT.
# The answer has the markers in these folders, when their files were written, and the queue as it was at most SECONDS
# ago: whoever asks for it sooner, from whatever process, gets what another was told.
# shellcheck disable=SC2088 # a tilde as it is given
case $1 in '~') set -- "$HOME" "$2" ;; '~/'*) set -- "$HOME/${1#??}" "$2" ;; esac
cd "$1" || exit 72
folders=$(cat)
printf 'now\t%s\n' "$(date +%s.%3N)"

is_fresh() { # of that many seconds: the queue, or that there was no answer
    [ -n "$(find queue down -newermt "-$1 seconds" 2>/dev/null)" ]
}
ask() {
    at=$(date +%s.%3N)
    if SLURM_TIME_FORMAT=%s timeout 30 squeue -h -r -t all -u "$(id -u)" \
        -o '%i|%T|%S|%N|%r|%k' >"queue.$$" 2>queue.err </dev/null; then
        printf 'at|%s\n' "$at" >>"queue.$$"
        mv "queue.$$" queue
        rm -f down
    else
        tr '\n\t' '  ' <queue.err >"queue.$$"
        mv "queue.$$" down
    fi
}
if ! is_fresh "$2"; then
    find queue.lock -maxdepth 0 -mmin +1 -exec rmdir {} \; 2>/dev/null
    if mkdir queue.lock 2>/dev/null; then
        trap 'rmdir queue.lock 2>/dev/null; rm -f "queue.$$"' EXIT
        trap 'exit 1' HUP INT TERM
        ask
        rmdir queue.lock
        trap - EXIT
    else # another is asking at this moment
        tries=0
        while [ "$tries" -lt 50 ] && [ -e queue.lock ] && ! is_fresh "$2"; do
            sleep 0.1
            tries=$((tries + 1))
        done
    fi
fi
[ ! -e down ] || printf 'down\t%s\n' "$(cat down)"
[ ! -e queue ] || sed 's/^/queue	/' queue

# After the queue: what ended before it was asked has left its marker by now.
[ -n "$folders" ] || exit 0
printf '%s\n' "$folders" | while IFS= read -r folder; do
    if [ -r "$folder/exit.json" ] && read -r line <"$folder/exit.json"; then
        printf 'exit\t%s\t%s\n' "$folder" "$line"
    fi
    [ ! -e "$folder/requeue" ] || printf 'requeue\t%s\t\n' "$folder"
done
printf '%s\n' "$folders" | sed 's:.*:&/exit.json\n&/start.json\n&/out.log\n&/err.log:' |
    xargs -d '\n' -r stat --printf 'time\t%n\t%.3Y %s\n' 2>/dev/null
exit 0
