"""Jobs that ask Slurm for the same become one array: one batch script for all of them. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from nrun.model import Submission
from nrun_executor_slurm.script import CLAIMED, OUTPUT, SCRIPT, options, submission, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun.model import Launch
    from nrun_executor_slurm.executor import SlurmExecutor

ELEMENTS = "elements"
"""In the folder of an array: where the folder of each element's attempt is, a line each."""
POINTER = "array"
"""In the folder of an attempt: which element it is, and of which array."""
RANGE = "#SBATCH --array="
_OUTPUT = "%a.log"
_BODY = """\
# Jobs of {title}, written by nrun: element N is the one whose folder line N + 1 of `elements` names.
folder=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" elements)
# What Slurm says of the element belongs into its folder: there it is the same file under another name.
[ -e "$folder/{log}" ] || ln "$SLURM_ARRAY_TASK_ID.log" "$folder/{log}" 2>/dev/null
cd "$folder" || exit 72
[ -s job ] || printf '%s_%s\\n' "$SLURM_ARRAY_JOB_ID" "$SLURM_ARRAY_TASK_ID" >job
exec sh "$PWD/{script}"
"""


def submissions(launches: Sequence[Launch]) -> list[Submission]:
    """What is handed over for jobs that are submitted at once: those alike are one array."""
    alike: dict[object, list[tuple[Launch, Submission]]] = {}
    for launch in launches:
        one = submission(launch)
        executor = cast("SlurmExecutor", launch.executor)  # another would have been refused
        asked = *options(executor, "").items(), executor.comment, executor.max_parallel
        alike.setdefault(launch.job if executor.heterogeneous else asked, []).append((launch, one))
    return [_array(some) if len(some) > 1 else some[0][1] for some in alike.values()]


def _array(some: Sequence[tuple[Launch, Submission]]) -> Submission:
    files = {}
    for launch, one in some:
        files[launch.job] = {CLAIMED if name == SCRIPT else name: text for name, text in one.files[launch.job].items()}
    first = some[0][0]
    executor = cast("SlurmExecutor", first.executor)
    given = options(executor, first.experiment)
    if given.get("output") == OUTPUT:
        given["output"] = _OUTPUT
    body = _BODY.format(title=json.dumps(first.experiment), log=OUTPUT, script=CLAIMED)
    elements = f"{RANGE}{_range(len(some), executor.max_parallel)}\n"
    return Submission(jobs=tuple(files), files=files, request=f"#!/bin/sh\n{written(given)}{elements}{body}")


def parts(one: Submission, most: int) -> list[Submission]:
    """An array as several of at most `most` elements. They share how many may run at once; each has one at least."""
    if len(one.jobs) <= most:
        return [one]
    before, _, rest = one.request.partition(RANGE)
    elements, _, body = rest.partition("\n")
    at_once = elements.partition("%")[2]
    count = -(-len(one.jobs) // most)
    share = max(1, int(at_once) // count) if at_once else None
    found = []
    for start in range(0, len(one.jobs), most):
        jobs = one.jobs[start : start + most]
        files = {job: one.files[job] for job in jobs}
        request = f"{before}{RANGE}{_range(len(jobs), share)}\n{body}"
        found.append(Submission(jobs=jobs, files=files, request=request))
    return found


def _range(count: int, at_once: int | None) -> str:
    return f"0-{count - 1}" + (f"%{at_once}" if at_once is not None and at_once < count else "")
