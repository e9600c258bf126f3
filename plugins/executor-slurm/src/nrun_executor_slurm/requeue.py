"""How a job ends in time before its time limit and is queued again: text for its batch script. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nrun_executor_slurm.executor import SlurmExecutor

DEADLINE = re.compile(r"([A-Z][A-Z0-9]*)@([1-9]\d{0,4})", re.ASCII)
"""A signal, and how many seconds before the time limit it comes."""
NOT_FOR_THIS = frozenset({"KILL", "STOP", "TERM", "HUP", "INT", "CHLD", "ALRM"})
"""Signals that cannot be caught, that ask to stop, or that the script needs itself."""
SPARE_S = 10
"""How long before the time limit the processes must be gone, so that the job can be queued again in time."""

_READY = """\
# SIG{signal} comes {seconds} s before the time limit, or earlier. It is handed on to the processes, which save and end;
# then the job is queued again, until they leave the file $NRUN_DONE_FILE.
rm -f exit.json requeue # in this order: a marker without `requeue` is the end
printf '%s %s\\n' "$(date +%s)" "${{SLURM_JOB_ID:-}}" >>runs
NRUN_RESTARTS=$(($(wc -l <runs) - 1))
export NRUN_RESTARTS NRUN_DONE_FILE="$PWD/done"
_nrun_stopped='' _nrun_timer='' _nrun_late='' _nrun_code=143
_nrun_deadline() {{
    [ -z "$_nrun_timer" ] || return 0
    : >requeue
    scancel --signal={signal} "$SLURM_JOB_ID"
    (sleep {grace_s} && kill -ALRM "$$") &
    _nrun_timer=$!
}}
trap _nrun_deadline {signal}
trap '_nrun_late=1' ALRM
trap '_nrun_stopped=1' TERM HUP
"""
_RUN = """\
sh "$PWD/launch.sh" &
_nrun_job=$!
while [ -z "$_nrun_late" ]; do # a signal cuts the wait short
    _nrun_code=0
    wait "$_nrun_job" || _nrun_code=$?
    kill -0 "$_nrun_job" 2>/dev/null || break
done # what has not ended in time is killed with the job
[ -z "$_nrun_timer" ] || kill "$_nrun_timer" 2>/dev/null
if [ ! -e requeue ] || [ -e "$NRUN_DONE_FILE" ] || [ -n "$_nrun_stopped" ]; then
    rm -f requeue
    exit "$_nrun_code"
fi
if [ -e requeues ] && [ "$(wc -l <requeues)" -ge {most} ]; then
    echo "its time limit came near, and it was queued again as often as it may: {most} times" >requeue
    exit 124
fi
date +%s >>requeues
_nrun_follow_up() {{ # a job like this, where Slurm may not start this one again; never two
    _nrun_comment="nrun:follows/$SLURM_JOB_ID/"
    _nrun_waiting=$(squeue -h -u "$(id -u)" -t PENDING -o '%i|%k') || return
    _nrun_next=$(printf '%s\\n' "$_nrun_waiting" | grep -F "|$_nrun_comment" | head -n 1)
    [ -n "$_nrun_next" ] || _nrun_next=$(sbatch --parsable --dependency="afterany:$SLURM_JOB_ID" \\
        --chdir="$PWD" --comment="$_nrun_comment" "$PWD/sbatch.sh") || return
    printf '%s\\n' "${{_nrun_next%%[|;]*}}" >next.part
    mv next.part next
}}
while [ -z "$_nrun_stopped" ]; do # until the controller answers, or this is killed, for it is queued again
    _nrun_said=$(scontrol requeue "$SLURM_JOB_ID" 2>&1) && exit 0
    case $_nrun_said in
        *disabled* | *denied*) _nrun_follow_up && exit 0 ;;
    esac
    sleep 2
done
rm -f requeue
exit "$_nrun_code"
"""


def ready(executor: SlurmExecutor) -> str:
    """What stands before the processes are started."""
    signal, seconds = _deadline(executor)
    return _READY.format(signal=signal, seconds=seconds, grace_s=max(1, seconds - SPARE_S))


def run(executor: SlurmExecutor) -> str:
    """What starts the processes, waits for them and queues the job again."""
    return _RUN.format(most=executor.max_requeues)


def _deadline(executor: SlurmExecutor) -> tuple[str, int]:
    found = DEADLINE.fullmatch(executor.deadline_signal or "")
    assert found is not None  # noqa: S101 - the executor has checked it
    return found[1], int(found[2])
