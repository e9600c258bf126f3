"""Hands jobs over to Slurm, never twice, and finds what became of them when the answer was lost."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

import attrs

from nrun import BackendError
from nrun.model import Handle, Refused
from nrun.planning import secret_files
from nrun_executor_slurm import answers
from nrun_executor_slurm.arrays import ELEMENTS, POINTER, parts
from nrun_executor_slurm.names import array_comment, array_folder, array_of, comment_of, folder_of
from nrun_executor_slurm.script import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nrun.model import Attempt, Submission, Tag
    from nrun_executor_slurm.answers import Said
    from nrun_executor_slurm.cluster import Cluster

SETTLE_S = 130.0
"""After so long, a submission that nobody knows of was none: `submit.sh` gives sbatch two minutes."""


@attrs.frozen
class Batch:
    """What one sbatch is given: a script in a folder, for one job or for the elements of an array."""

    submission: Submission
    attempts: Sequence[Attempt]
    folder: str
    comment: str
    files: Mapping[str, str]
    """By their paths below `job_dir`."""
    array: bool

    def job_of(self, number: int, job: str) -> str:
        """What the job of one of its attempts is called, where Slurm calls it all `job`."""
        return f"{job}_{number}" if self.array else job


def batch(one: Submission, attempts: Mapping[str, Attempt]) -> Batch:
    """A submission with its place on the cluster."""
    tags = [attempts[job].tag for job in one.jobs]
    folders = [folder_of(tag) for tag in tags]
    files: dict[str, str] = {}
    for job, folder in zip(one.jobs, folders, strict=True):
        texts = {**one.files[job], "attempt": _attempt_file(attempts[job].tag)}
        texts |= {f"{path}.kept": text for path, text in secret_files(attempts[job].secrets).items()}
        files |= {f"{folder}/{path}": text for path, text in texts.items()}
    several = [attempts[job] for job in one.jobs]
    if SCRIPT in one.files[one.jobs[0]]:
        return Batch(one, several, folders[0], comment_of(tags[0]), files, array=False)
    experiment = tags[0].experiment
    array = array_of(experiment, folders)
    folder = array_folder(experiment, array)
    files[f"{folder}/{SCRIPT}"] = one.request
    files[f"{folder}/{ELEMENTS}"] = "".join(f"../../jobs/{path.partition('/jobs/')[2]}\n" for path in folders)
    files |= {f"{path}/{POINTER}": f"{number} {array}\n" for number, path in enumerate(folders)}
    comment = one.files[one.jobs[0]].get("comment")
    if comment is not None:
        files[f"{folder}/comment"] = comment
    return Batch(one, several, folder, array_comment(experiment, array), files, array=True)


async def submit(
    cluster: Cluster, submissions: Sequence[Submission], attempts: Mapping[str, Attempt]
) -> dict[Tag, Handle | Refused]:
    """All files in one transfer for each experiment, then all jobs in one command."""
    batches = [batch(part, attempts) for one in submissions for part in parts(one, cluster.most_elements)]
    wanted = [attempt for one in batches for attempt in one.attempts]
    await cluster.mind_folder()
    await cluster.send(wanted, {path: text for one in batches for path, text in one.files.items()})
    await cluster.lay_out(wanted)
    lines = [f"{one.folder}\t{one.comment}" for one in batches]
    told = answers.submitted(await cluster.program("submit.sh", lines=lines, repeatable=False))
    given: dict[Tag, Handle | Refused] = {}
    too_large: list[Submission] = []
    for one in batches:
        said = told.get(one.folder, answers.Said("lost", ""))
        if said.job is not None:
            for number, attempt in enumerate(one.attempts):
                given[attempt.tag] = handle_of(attempt, one.job_of(number, said.job))
            continue
        most, _, words = said.more.partition(" ") if said.what == "limit" else ("", "", said.more)
        if most.isdigit() and 0 < int(most) < len(one.attempts):
            cluster.most_elements = int(most)
            too_large.append(one.submission)
        elif said.what in {"refused", "limit"}:
            refused = Refused(f"sbatch: {answers.complaint(words)}")
            given |= {attempt.tag: refused for attempt in one.attempts}
    if too_large:
        given |= await submit(cluster, too_large, attempts)
    return given


async def find(cluster: Cluster, attempts: Collection[Attempt]) -> dict[Tag, Handle]:
    """By what lies in their folders; where that leaves a doubt, by the comments of the jobs in the queue."""
    by_folder = {folder_of(attempt.tag): attempt for attempt in attempts}
    if not by_folder:
        return {}
    told = answers.submitted(await cluster.program("find.sh", lines=by_folder))
    found: dict[Tag, Handle] = {}
    doubtful: list[tuple[Attempt, str]] = []
    youngest = SETTLE_S
    for folder, attempt in by_folder.items():
        said = told.get(folder)
        if said is None or said.what == "never":
            continue  # no folder of ours is there at all
        if said.job is not None:
            found[attempt.tag] = handle_of(attempt, said.job)
        else:
            age, comment = _claim(said, attempt.tag)
            doubtful.append((attempt, comment))
            youngest = min(youngest, age)
    if doubtful:
        found |= await _find_in_queue(cluster, doubtful, settled=youngest >= SETTLE_S)
    return found


def _claim(said: Said, tag: Tag) -> tuple[float, str]:
    """How long ago somebody began to submit it, and what the queue would have it by."""
    age, *element = said.more.split()
    comment = f"{array_comment(tag.experiment, element[1])}_{element[0]}" if len(element) > 1 else comment_of(tag)
    return float(age) if age.isdigit() else 0.0, comment


async def _find_in_queue(
    cluster: Cluster, wanted: Sequence[tuple[Attempt, str]], *, settled: bool
) -> dict[Tag, Handle]:
    seen = await cluster.look((), 0.0)
    if seen.queue is None or seen.down:
        msg = f"Slurm does not say which jobs there are: {seen.down or 'no answer'}"
        raise BackendError(msg)
    jobs = {}
    for job, listed in sorted(seen.queue.items(), key=lambda entry: int(entry[0].partition("_")[0])):  # newest last
        _, underline, element = job.partition("_")
        jobs[listed.comment.partition(" ")[0] + underline + element] = job
    found = {attempt.tag: handle_of(attempt, jobs[comment]) for attempt, comment in wanted if comment in jobs}
    if len(found) < len(wanted) and not settled:
        msg = "some jobs were being submitted when the answer was lost; Slurm may still be at it"
        raise BackendError(msg)
    return found


def handle_of(attempt: Attempt, job: str) -> Handle:
    """The handle of an attempt that is a job of Slurm's, or an element of one."""
    return Handle(attempt.tag, {"job": job, "at": time.time()}, attempt.folder)


def _attempt_file(tag: Tag) -> str:
    """What the job is told of itself."""
    values = {"NRUN_TAG": str(tag), "NRUN_EXPERIMENT_ID": tag.experiment, "NRUN_ATTEMPT": str(tag.attempt)}
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
