"""What a conformance check holds in its hands: the engine's part in it, without the engine."""

# ruff: noqa: S101 - what it asserts, checks rely on

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import attrs

from nrun import Script, State
from nrun.model import Attempt, Handle, Tag
from nrun.planning import Job, Plan, Surroundings, launch_of
from nrun.secret import SecretValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from nrun import Backend, Executor
    from nrun.model import Bundle, Launch, Observation, Place, Refused
    from nrun.planning import Task
    from nrun.record import ExperimentFolder

    Secrets = Mapping[str, Mapping[str, str]]

LOOK_AGAIN_S = 0.02


@attrs.frozen(kw_only=True)
class Work:
    """What a job of a check does: print, run for a while, print again, exit."""

    runs_for_s: float = 0.0
    exit_code: int = 0
    output: str = ""
    last_output: str = ""

    def script(self) -> Script:
        """This work, for a backend that runs processes."""
        text = 'printf %s "$1"\nsleep "$2"\nprintf %s "$3"\nexit "$4"\n'
        args = (self.output, f"{self.runs_for_s:g}", self.last_output, str(self.exit_code))
        return Script(inline=text, args=args, entrypoint="sh")


@attrs.define(eq=False, kw_only=True)
class Rig:
    """Plans, submits, waits, and stops what is left."""

    make_executor: Callable[[Work], Executor]
    make_backend: Callable[[Place], Backend]
    folder: ExperimentFolder
    cwd: Path
    deadline_s: float
    brief: Work
    """Work that can be seen running and then ends."""
    _submitted: list[Handle] = attrs.field(factory=list)

    def backend(self) -> Backend:
        """Another backend for the same place, not opened: to the jobs it is another process."""
        return self.make_backend(self.make_executor(Work()).place())

    def launch(self, name: str, *works: Work) -> Launch:
        """A job that does all of `works`, side by side."""
        return self.launch_tasks(name, [work.script() for work in works], self.make_executor(works[0]))

    def launch_tasks(self, name: str, tasks: Sequence[Task], executor: Executor | None = None) -> Launch:
        """A job that runs `tasks`, side by side."""
        job = Job(name=name, tasks=tuple(tasks), executors=(executor or self.make_executor(Work()),))
        surroundings = Surroundings(cwd=str(self.cwd), path=(str(self.cwd),), main=None)
        return launch_of(job, Plan(title=self.folder.title, jobs=(job,), surroundings=surroundings))

    def attempt(
        self, name: str, number: int = 1, bundle: Bundle | None = None, secrets: Secrets | None = None
    ) -> Attempt:
        """One try of a job, as the engine names it."""
        values = {
            folder: {variable: SecretValue(value) for variable, value in variables.items()}
            for folder, variables in (secrets or {}).items()
        }
        folder = self.folder.attempt(name, number)
        return Attempt(tag=Tag(self.folder.id, name, number), folder=folder, bundle=bundle, secrets=values)

    async def hand_over(
        self,
        backend: Backend,
        launches: Sequence[Launch],
        number: int = 1,
        bundle: Bundle | None = None,
        secrets: Secrets | None = None,
    ) -> Mapping[Tag, Handle | Refused]:
        """Plan and submit; what is taken is stopped when the check is over."""
        attempts = {launch.job: self.attempt(launch.job, number, bundle, secrets) for launch in launches}
        answers = await backend.submit(backend.plan(launches), attempts)
        self._submitted += [answer for answer in answers.values() if isinstance(answer, Handle)]
        return answers

    async def submit(
        self,
        backend: Backend,
        launch: Launch,
        number: int = 1,
        bundle: Bundle | None = None,
        secrets: Secrets | None = None,
    ) -> Handle:
        """Submit a job that is expected to be taken. `secrets` are values by variable, by the folder of a task."""
        answers = await self.hand_over(backend, [launch], number, bundle, secrets)
        answer = answers[self.attempt(launch.job, number).tag]
        assert isinstance(answer, Handle), f"the job {launch.job!r} was not taken: {answer}"
        return answer

    async def start(self, backend: Backend, name: str, work: Work) -> Handle:
        """Submit a job and wait until it is seen running."""
        handle = await self.submit(backend, self.launch(name, work))
        await self.wait_for(backend, handle, State.RUNNING)
        return handle

    async def wait_for(self, backend: Backend, handle: Handle, *states: State) -> Observation:
        """Observe until the job is in one of `states`. Fails when it ends in another, or when time is up."""
        seen: Observation | None = None
        try:
            async with asyncio.timeout(self.deadline_s):
                while True:
                    seen = (await backend.observe([handle]))[handle]
                    if seen.state in states:
                        return seen
                    assert not seen.state.ended, f"the job {handle.tag} ended otherwise: {seen}"
                    await asyncio.sleep(LOOK_AGAIN_S)
        except TimeoutError:
            wanted = " or ".join(state.value for state in states)
            msg = f"the job {handle.tag} was not {wanted} within {self.deadline_s} s; last seen: {seen}"
            raise AssertionError(msg) from None

    async def end_of(self, backend: Backend, handle: Handle) -> Observation:
        """Observe until the job has ended."""
        return await self.wait_for(backend, handle, State.SUCCEEDED, State.FAILED, State.CANCELLED)

    async def log(self, backend: Backend, handle: Handle, *, offset: int = 0, follow: bool = False) -> bytes:
        """The output of a job from `offset` on. Fails when chunks do not join without gap or overlap."""
        data = b""
        reading = backend.logs(handle, stream="out", offset=offset, follow=follow)
        async with contextlib.aclosing(reading) as chunks:
            async for chunk in chunks:
                at = offset + len(data)
                assert chunk.offset == at, f"a chunk says it is from byte {chunk.offset}, but it follows byte {at}"
                data += chunk.data
        return data

    async def stop_what_is_left(self) -> None:
        """Stop the jobs of the check that have not ended."""
        async with self.backend() as backend:
            seen = await backend.observe(self._submitted)
            left = [handle for handle in self._submitted if not seen[handle].state.ended]
            if left:
                await backend.cancel(left, grace_s=0.0)


def carried_over(handle: Handle) -> Handle:
    """The handle as another process reads it from a record."""
    return Handle(Tag.parse(str(handle.tag)), json.loads(json.dumps(dict(handle.data))))
