"""`BackendSuite`: whether a backend keeps the promises of `nrun.protocols.Backend`.

Subclass it in a test module, with one fixture, and pytest runs every check against your backend::

    class TestPbs(BackendSuite):
        @pytest.fixture
        def make_executor(self):
            return lambda work: PbsExecutor(queue="test")

A backend that runs processes gets its work as a script and may ignore `work`. Each check is given a record
of its own, and whatever it started is stopped when it is over.
"""
# ruff: noqa: S101 - the checks are assertions

from __future__ import annotations

import asyncio
import functools
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs
import pytest

from nrun import Script, State
from nrun.model import Bundle, Handle, JobPath
from nrun.plugins import installed
from nrun.record import claim_folder, copy_worker
from nrun_testing.audit import doings
from nrun_testing.rig import Rig, Work, carried_over

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterator
    from typing import Any

    from nrun import Backend, Executor
    from nrun.model import Place

ENDLESS = Work(runs_for_s=600.0)
"""It ends only by being stopped."""
FAILING = 3
SOON_S = 0.1
OFTEN = 100
"""More often than a backend that waits could speak in that time."""
FEATURES = frozenset({"groups", "code"})
TITLE = "a title's $(odd) `name`"
ODD_TEXTS = (
    *("", " ", "two words", " around ", "\ttab", "one\ntwo\n\n", "carriage\rreturn", "\x01\x07\x1b[31m\x7f"),
    *("it's", '"double"', "$HOME ${HOME} $(id) $((1))", "`id`", "back\\slash\\n", "%s%d%%", "!!", "#", "~", "*?[a]"),
    *(";&|<>(){a,b}", "-", "-n", "--", "--help", "=", "grüße 北京 🚀", "e\u0301", "\u2028", "not utf-8: \udcff\udc80"),
)
ODD_VARIABLES = ("PLAIN", "lower", "WITH.DOT", "two words", "it's", '"double"', "$HOME", "`id`", "a\nb", "-n", "GRÜẞE")
ODD_NAMES = (
    *("two words", "it's", '"double"', "$HOME $(id)", "`id`", "back\\slash", "a\nb", "\x01\x1b[31m\x7f"),
    *("-rf", "--help", "*", ";&|<>", "%s", "grüße 北京 🚀", "~", "#"),
)
TELL_WORDS = """\
import json, os, sys
words = [os.fsencode(word).hex() for word in sys.argv[1:]]
env = {os.fsencode(name).hex(): os.fsencode(value).hex() for name, value in os.environ.items()}
print(json.dumps([words, env]))
"""


def _check(
    scenario: Callable[[BackendSuite, Rig], Coroutine[Any, Any, None]],
) -> Callable[[BackendSuite, Rig], None]:
    """A check as pytest calls it: in an event loop of its own, never for longer than some deadlines."""

    @functools.wraps(scenario)
    def run(suite: BackendSuite, rig: Rig) -> None:
        async def whole() -> None:
            try:
                async with asyncio.timeout(3 * rig.deadline_s):
                    await scenario(suite, rig)
            finally:
                await rig.stop_what_is_left()

        asyncio.run(whole())

    return run


class BackendSuite:
    """One check for each thing that the engine, and whoever looks after jobs later, relies on."""

    deadline_s: ClassVar[float] = 30.0
    """Longest that a job may take to start or to stop, and a call to answer."""
    brief_s: ClassVar[float] = 0.5
    """How long a job runs that must be seen running; more than the pace at which the backend looks."""
    runs_no_processes: ClassVar[str] = ""
    """Why this backend runs no processes, if it does not. Shown with each check that is skipped for it."""

    @pytest.fixture
    def make_executor(self) -> Callable[[Work], Executor]:
        """Override it: a function that gives an executor whose jobs do some `Work`, always for the same place."""
        msg = f"{type(self).__name__} must have a fixture make_executor"
        raise NotImplementedError(msg)

    def make_backend(self, place: Place) -> Backend:
        """A backend for `place`, not opened: the one that the installed plugin declares."""
        return installed().executors.get(place.kind).backend()(place)

    @pytest.fixture
    def rig(self, make_executor: Callable[[Work], Executor], tmp_path: Path) -> Rig:
        """A record and a current folder of its own for each check."""
        folder = claim_folder(tmp_path / "home", TITLE)
        copy_worker(folder)
        return Rig(
            make_executor=make_executor,
            make_backend=self.make_backend,
            folder=folder,
            cwd=tmp_path,
            deadline_s=self.deadline_s,
            brief=Work(runs_for_s=self.brief_s),
        )

    @classmethod
    def checks(cls) -> list[str]:
        """Names of all the checks."""
        return [name for name in dir(cls) if name.startswith("test_")]

    def _needs_processes(self) -> None:
        if self.runs_no_processes:
            pytest.skip(f"this backend runs no processes: {self.runs_no_processes}")

    # ---- before anything is opened

    def test_capabilities_are_known_before_opening_and_refusals_have_reasons(self, rig: Rig) -> None:
        """Promises 7 and 8."""
        known = rig.backend().capabilities
        assert known.batch >= 1, "a batch holds at least one job"
        assert known.concurrency is None or known.concurrency >= 1, "at least one job must run at a time"
        unknown = set(known.refuses) - FEATURES
        assert not unknown, f"nothing in nrun asks for {unknown}; it knows {sorted(FEATURES)}"
        silent = [feature for feature, reason in known.refuses.items() if not reason.strip()]
        assert not silent, f"refused without a reason: {silent}"

    def test_the_same_jobs_give_the_same_plan(self, rig: Rig) -> None:
        """Promise 1: no clock, no chance, no memory."""
        launches = [rig.launch("first", Work(output="hi")), rig.launch("second", Work(exit_code=3))]
        backend = rig.backend()
        once, again, elsewhere = backend.plan(launches), backend.plan(launches), rig.backend().plan(launches)
        assert list(once) == list(again) == list(elsewhere), "planning twice gave different submissions"
        named = sorted(job for submission in once for job in submission.jobs)
        assert named == ["first", "second"], f"every job is in exactly one submission, not {named}"
        for submission in once:
            assert set(submission.files) == set(submission.jobs), "each job of a submission has its files, if only none"

    def test_planning_touches_nothing(self, rig: Rig) -> None:
        """Promise 1: no I/O. The first plan may import; the second may not touch a thing."""
        launches = [rig.launch("job", Work(output="hi"))]
        backend = rig.backend()
        backend.plan(launches)
        with doings() as done:
            backend.plan(launches)
        assert not done, f"planning did: {done}"

    # ---- how jobs end

    @_check
    async def test_a_job_is_seen_running_then_succeeded(self, rig: Rig) -> None:
        """Promise 4: with exit code 0 and a time span that makes sense."""
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch("job", rig.brief))
            running = await rig.wait_for(backend, handle, State.RUNNING)
            assert running.exit_code is None, "a running job has no exit code"
            end = await rig.end_of(backend, handle)
        assert end.state is State.SUCCEEDED, f"exit code 0 is success, not {end}"
        assert end.exit_code == 0, f"the exit code is 0, not {end.exit_code}"
        assert end.source, "an observation says what told it"
        if end.started_at is not None and end.ended_at is not None:
            assert end.started_at <= end.ended_at <= end.observed_at + 1, f"times in the wrong order: {end}"

    @_check
    async def test_a_nonzero_exit_code_is_a_failure_with_that_code(self, rig: Rig) -> None:
        """Promise 4."""
        async with rig.backend() as backend:
            for code in (1, 3, 125):
                handle = await rig.submit(backend, rig.launch(f"exits-{code}", Work(exit_code=code)))
                end = await rig.end_of(backend, handle)
                assert (end.state, end.exit_code) == (State.FAILED, code), f"exit code {code} was seen as {end}"

    @_check
    async def test_a_second_attempt_is_a_job_of_its_own(self, rig: Rig) -> None:
        """A tag names the attempt too."""
        async with rig.backend() as backend:
            first = await rig.submit(backend, rig.launch("job", Work(exit_code=1)), number=1)
            assert (await rig.end_of(backend, first)).state is State.FAILED
            second = await rig.submit(backend, rig.launch("job", Work()), number=2)
            assert (await rig.end_of(backend, second)).state is State.SUCCEEDED
            assert (await rig.end_of(backend, first)).state is State.FAILED, "the first attempt changed afterwards"

    @_check
    async def test_every_attempt_of_a_batch_is_answered(self, rig: Rig) -> None:
        """Promise 7: as many as the backend takes at once, here up to eight."""
        async with rig.backend() as backend:
            count = min(8, backend.capabilities.batch)
            launches = [rig.launch(f"job-{index}", Work(exit_code=index % 2)) for index in range(count)]
            answers = await rig.hand_over(backend, launches)
            assert set(answers) == {rig.attempt(launch.job).tag for launch in launches}
            for index, launch in enumerate(launches):
                answer = answers[rig.attempt(launch.job).tag]
                assert isinstance(answer, Handle), f"job {launch.job} was not taken: {answer}"
                end = await rig.end_of(backend, answer)
                assert end.exit_code == index % 2, f"{launch.job} got the exit code of another job: {end}"

    @_check
    async def test_a_group_shares_one_fate(self, rig: Rig) -> None:
        """All must succeed, and one that fails stops the others; or the backend refuses groups."""
        async with rig.backend() as backend:
            if "groups" in backend.capabilities.refuses:
                return
            good = await rig.submit(backend, rig.launch("good", Work(), rig.brief))
            bad = await rig.submit(backend, rig.launch("bad", ENDLESS, Work(exit_code=FAILING)))
            assert (await rig.end_of(backend, good)).state is State.SUCCEEDED
            end = await rig.end_of(backend, bad)
            assert (end.state, end.exit_code) == (State.FAILED, FAILING), f"one task failed, the group ended so: {end}"

    # ---- what reaches a process

    @_check
    async def test_arguments_and_environment_arrive_byte_for_byte(self, rig: Rig) -> None:
        """No shell, quoting or encoding on the way changes a word."""
        self._needs_processes()
        variables = dict(zip(ODD_VARIABLES, ODD_TEXTS[: len(ODD_VARIABLES)], strict=True))
        variables |= {f"V{index}": text for index, text in enumerate(ODD_TEXTS)}
        task = Script(inline=TELL_WORDS, entrypoint="python", args=ODD_TEXTS, env=variables)
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch_tasks("job", [task]))
            await rig.end_of(backend, handle)
            words, env = json.loads(await rig.log(backend, handle))
        for text, word in zip(ODD_TEXTS, words, strict=True):
            assert word == _hex(text), f"the argument {text!r} arrived as {bytes.fromhex(word)!r}"
        for name, value in variables.items():
            assert _hex(name) in env, f"the variable {name!r} did not arrive"
            arrived = env[_hex(name)]
            assert arrived == _hex(value), f"the variable {name!r}={value!r} arrived as {bytes.fromhex(arrived)!r}"

    @_check
    async def test_jobs_may_have_any_name_a_folder_can_have(self, rig: Rig) -> None:
        """Each runs, knows its name, is found by its tag, and has its own log."""
        self._needs_processes()
        task = Script(inline=TELL_WORDS, entrypoint="python")
        async with rig.backend() as backend:
            for name in ODD_NAMES:
                handle = await rig.submit(backend, rig.launch_tasks(name, [task]))
                end = await rig.end_of(backend, handle)
                assert end.state is State.SUCCEEDED, f"the job {name!r} ended so: {end}"
                _, env = json.loads(await rig.log(backend, handle))
                arrived = bytes.fromhex(env[_hex("NRUN_JOB_NAME")])
                assert arrived == name.encode(), f"the job {name!r} is told that it is {arrived!r}"
                assert set(await backend.find([rig.attempt(name)])) == {handle.tag}, f"{name!r} was not found"

    @_check
    async def test_shipped_code_is_where_the_job_starts(self, rig: Rig) -> None:
        """A bundle that was staged; or the backend refuses code."""
        self._needs_processes()
        tree = rig.cwd / "tree"
        tree.mkdir()
        (tree / "data.txt").write_text("shipped")
        bundle = Bundle("0" * 64, tree)
        async with rig.backend() as backend:
            if "code" in backend.capabilities.refuses:
                return
            await backend.stage([bundle])
            await backend.stage([bundle])
            launch = rig.launch_tasks("job", [Script(inline="cat data.txt", entrypoint="sh")])
            commands = tuple(attrs.evolve(command, cwd=JobPath("code")) for command in launch.commands)
            handle = await rig.submit(backend, attrs.evolve(launch, commands=commands), bundle=bundle)
            await rig.end_of(backend, handle)
            assert await rig.log(backend, handle) == b"shipped"

    # ---- handles, tags and other processes

    @_check
    async def test_a_handle_is_json_and_serves_another_process(self, rig: Rig) -> None:
        """Promise 2: to look, to read, to stop."""
        async with rig.backend() as backend:
            ends = carried_over(await rig.submit(backend, rig.launch("ends", Work(output="hi"))))
            stays = carried_over(await rig.start(backend, "stays", ENDLESS))
        async with rig.backend() as other:
            assert (await rig.end_of(other, ends)).state is State.SUCCEEDED
            assert await rig.log(other, ends) == b"hi"
            await rig.wait_for(other, stays, State.RUNNING)
            assert not await other.cancel([stays], grace_s=rig.deadline_s / 3)
            assert (await rig.end_of(other, stays)).state is not State.SUCCEEDED

    @_check
    async def test_what_was_submitted_is_found_and_nothing_else(self, rig: Rig) -> None:
        """Promise 3: alive or ended, by job and attempt; the handle found is as good as the first."""
        async with rig.backend() as backend:
            ended = await rig.submit(backend, rig.launch("ended", Work(exit_code=FAILING)))
            alive = await rig.submit(backend, rig.launch("alive", ENDLESS))
            await rig.end_of(backend, ended)
        never = [rig.attempt("ended", 2), rig.attempt("alive", 2), rig.attempt("never")]
        async with rig.backend() as other:
            asked = [rig.attempt("ended"), *never, rig.attempt("alive")]
            found = await other.find(asked)
            assert set(found) == {ended.tag, alive.tag}, f"it found {sorted(map(str, found))}"
            assert all(handle.tag == tag for tag, handle in found.items())
            assert (await rig.end_of(other, found[ended.tag])).exit_code == FAILING
            await rig.wait_for(other, found[alive.tag], State.RUNNING)
            assert await other.find(never) == {}
            assert await other.find([]) == {}

    @_check
    async def test_observing_answers_for_every_handle(self, rig: Rig) -> None:
        """Promise 4: one call for many, running, ended and unknown."""
        async with rig.backend() as backend:
            ended = await rig.submit(backend, rig.launch("ended", Work()))
            alive = await rig.start(backend, "alive", ENDLESS)
            await rig.end_of(backend, ended)
            unknown = Handle(rig.attempt("unknown").tag, {})
            seen = await backend.observe([ended, unknown, alive])
            assert {handle: one.state for handle, one in seen.items()} == {
                ended: State.SUCCEEDED,
                unknown: State.UNKNOWN,
                alive: State.RUNNING,
            }
            assert seen[unknown].reason, "an observation that knows nothing says why"
            assert await backend.observe([]) == {}

    @_check
    async def test_a_damaged_handle_never_ends_a_running_job(self, rig: Rig) -> None:
        """Promises 4 and 5: only positive evidence ends a job; what cannot be read is UNKNOWN."""
        async with rig.backend() as backend:
            alive = await rig.start(backend, "alive", ENDLESS)
        async with rig.backend() as other:
            for damaged in _damaged(alive):
                seen = (await other.observe([damaged]))[damaged]
                assert not seen.state.ended, f"a handle with {dict(damaged.data)} was seen as {seen}"
            await rig.wait_for(other, alive, State.RUNNING)

    # ---- being told of changes

    @_check
    async def test_ends_are_told(self, rig: Rig) -> None:
        """Of jobs this backend submitted, and of jobs it observed unended."""
        async with rig.backend() as other:
            adopted = await rig.submit(other, rig.launch("adopted", rig.brief))
        async with rig.backend() as backend:
            if not (await backend.observe([adopted]))[adopted].state.ended:
                await _told_of(backend, {adopted})
            own = await rig.submit(backend, rig.launch("own", rig.brief))
            await _told_of(backend, {own})
            assert (await rig.end_of(backend, own)).state is State.SUCCEEDED

    @_check
    async def test_waiting_for_changes_really_waits(self, rig: Rig) -> None:
        """It is not a busy loop: nothing happens here, so there is next to nothing to tell."""
        async with rig.backend() as backend:
            await rig.start(backend, "alive", ENDLESS)
            told = 0
            try:
                async with asyncio.timeout(SOON_S):
                    while True:
                        await backend.changes()
                        told += 1
                        await asyncio.sleep(0)
            except TimeoutError:
                pass
            assert told < OFTEN, f"changes() returned {told} times in {SOON_S} s while nothing changed"

    @_check
    async def test_a_wait_that_is_given_up_loses_nothing(self, rig: Rig) -> None:
        """Promise 6: a cancelled call leaves the backend usable."""
        async with rig.backend() as backend:
            handle = await rig.start(backend, "job", rig.brief)
            for _ in range(3):
                waiting = asyncio.create_task(_wait_for_changes(backend))
                await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.wait([waiting])
                if not waiting.cancelled():
                    return  # the job ended in this very moment, and it was told
            await _told_of(backend, {handle})
            assert (await rig.end_of(backend, handle)).state is State.SUCCEEDED

    # ---- logs

    @_check
    async def test_a_log_resumes_at_every_offset(self, rig: Rig) -> None:
        """Exactly what is from that byte on, also when that is nothing."""
        text = "line one\nzwei €\n" + "x" * 70_000
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch("job", Work(output=text)))
            await rig.end_of(backend, handle)
            whole = text.encode()
            for offset in (0, 1, 14, 15, 16, 4096, len(whole) - 1, len(whole), len(whole) + 10):
                got = await rig.log(backend, handle, offset=offset)
                assert got == whole[offset:], f"from byte {offset} came {len(got)} bytes of {len(whole[offset:])}"

    @_check
    async def test_a_log_that_is_not_there_is_empty(self, rig: Rig) -> None:
        """Not an error: the job may not have started."""
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch("silent", Work()))
            await rig.end_of(backend, handle)
            assert await rig.log(backend, handle) == b""

    @_check
    async def test_a_followed_log_ends_with_its_job(self, rig: Rig) -> None:
        """Not before, and having given everything."""
        work = attrs.evolve(rig.brief, output="begin\n", last_output="end\n")
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch("job", work))
            got = await rig.log(backend, handle, follow=True)
            seen = (await backend.observe([handle]))[handle]
            assert seen.state.ended, f"the log ended while the job was {seen.state.value}"
            assert got == (b"begin\n" if self.runs_no_processes else b"begin\nend\n")

    # ---- stopping

    @_check
    async def test_cancelling_stops_that_job_and_no_other(self, rig: Rig) -> None:
        """And again changes nothing: the wish may come twice."""
        async with rig.backend() as backend:
            mine = await rig.start(backend, "mine", ENDLESS)
            other = await rig.start(backend, "other", ENDLESS)
            for _ in range(2):
                left = await backend.cancel([mine], grace_s=rig.deadline_s / 3)
                assert not left, f"cancel left {left}"
            end = await rig.end_of(backend, mine)
            assert end.state is not State.SUCCEEDED, f"a job that was stopped was seen as {end}"
            await rig.wait_for(backend, other, State.RUNNING)

    @_check
    async def test_cancelling_an_ended_job_changes_nothing(self, rig: Rig) -> None:
        """Its end stays what it was."""
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch("job", Work()))
            end = await rig.end_of(backend, handle)
            assert not await backend.cancel([handle], grace_s=0.0)
            assert not await backend.cancel([], grace_s=0.0)
            again = (await backend.observe([handle]))[handle]
            assert (again.state, again.exit_code) == (end.state, end.exit_code), f"it was {end}, now it is {again}"

    @_check
    async def test_a_job_that_will_not_stop_is_killed(self, rig: Rig) -> None:
        """After the grace, with all that it started."""
        self._needs_processes()
        deaf = Script(inline="trap '' TERM INT HUP\necho ready\nsleep 600 & sleep 600\n", entrypoint="sh")
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch_tasks("deaf", [deaf]))
            await rig.wait_for(backend, handle, State.RUNNING)
            while not await rig.log(backend, handle):  # noqa: ASYNC110 - logs send no events
                await asyncio.sleep(SOON_S)
            left = await backend.cancel([handle], grace_s=SOON_S)
            assert not left, f"cancel left {left}"
            assert (await rig.end_of(backend, handle)).state is not State.SUCCEEDED

    # ---- closing

    @_check
    async def test_closing_leaves_jobs_alone(self, rig: Rig) -> None:
        """Promise 9: they go on and end as if nothing had been."""
        async with rig.backend() as backend:
            await rig.start(backend, "job", rig.brief)
        async with rig.backend() as other:
            handle = (await other.find([rig.attempt("job")]))[rig.attempt("job").tag]
            assert (await rig.end_of(other, handle)).state is State.SUCCEEDED

    @_check
    async def test_closing_leaks_nothing(self, rig: Rig) -> None:
        """Promise 9: no task, thread or descriptor, even with a job still running."""
        async with rig.backend() as backend:  # what is set up once per process or loop is set up now
            await rig.start(backend, "first", ENDLESS)
        before = _belongings()
        async with rig.backend() as backend:
            await rig.start(backend, "second", ENDLESS)
            waiting = asyncio.create_task(_wait_for_changes(backend))
            await asyncio.sleep(SOON_S)
            waiting.cancel()
            await asyncio.wait([waiting])
        await asyncio.sleep(SOON_S)
        tasks, threads, descriptors = _belongings()
        assert tasks <= before[0], f"tasks left behind: {tasks - before[0]}"
        assert threads <= before[1], f"threads left behind: {threads - before[1]}"
        assert descriptors <= before[2], f"{descriptors - before[2]} descriptors left open"


def _hex(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").hex()


def _damaged(handle: Handle) -> Iterator[Handle]:
    """The handle without anything, and with each of its values lost or of another type."""
    yield Handle(handle.tag, {})
    for key in handle.data:
        yield Handle(handle.tag, {name: value for name, value in handle.data.items() if name != key})
        yield Handle(handle.tag, {**handle.data, key: None})
        yield Handle(handle.tag, {**handle.data, key: ["?"]})


async def _wait_for_changes(backend: Backend) -> Collection[Handle]:
    return await backend.changes()


async def _told_of(backend: Backend, handles: set[Handle]) -> None:
    """Wait until `changes` has spoken of all the handles."""
    missing = set(handles)
    while missing:
        missing -= set(await backend.changes())
        await asyncio.sleep(0)


def _belongings() -> tuple[set[asyncio.Task[Any]], set[threading.Thread], int]:
    """Tasks, threads (but those of the loop itself) and the number of descriptors."""
    threads = {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}
    return asyncio.all_tasks(), threads, len(list(Path("/dev/fd").iterdir()))
