"""How jobs end, and what reaches their processes."""
# ruff: noqa: S101 - the checks are assertions

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs

from nrun import Script, State
from nrun.model import Bundle, Files, Handle, JobPath
from nrun.packaging.snapshot import keep, survey
from nrun_testing.checks.base import ENDLESS, FAILING, Checks, check
from nrun_testing.rig import Work

if TYPE_CHECKING:
    from nrun_testing.rig import Rig

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


class RunningChecks(Checks):
    """Jobs run as they were asked to, and are seen to."""

    @check
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

    @check
    async def test_a_nonzero_exit_code_is_a_failure_with_that_code(self, rig: Rig) -> None:
        """Promise 4."""
        async with rig.backend() as backend:
            for code in (1, 3, 125):
                handle = await rig.submit(backend, rig.launch(f"exits-{code}", Work(exit_code=code)))
                end = await rig.end_of(backend, handle)
                assert (end.state, end.exit_code) == (State.FAILED, code), f"exit code {code} was seen as {end}"

    @check
    async def test_a_second_attempt_is_a_job_of_its_own(self, rig: Rig) -> None:
        """A tag names the attempt too."""
        async with rig.backend() as backend:
            first = await rig.submit(backend, rig.launch("job", Work(exit_code=1)), number=1)
            assert (await rig.end_of(backend, first)).state is State.FAILED
            second = await rig.submit(backend, rig.launch("job", Work()), number=2)
            assert (await rig.end_of(backend, second)).state is State.SUCCEEDED
            assert (await rig.end_of(backend, first)).state is State.FAILED, "the first attempt changed afterwards"

    @check
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

    @check
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

    @check
    async def test_arguments_and_environment_arrive_byte_for_byte(self, rig: Rig) -> None:
        """No shell, quoting or encoding on the way changes a word."""
        self.needs_processes()
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

    @check
    async def test_jobs_may_have_any_name_a_folder_can_have(self, rig: Rig) -> None:
        """Each runs, knows its name, is found by its tag, and has its own log."""
        self.needs_processes()
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

    @check
    async def test_what_a_job_left_is_brought_into_the_record(self, rig: Rig) -> None:
        """Into the folder of its attempt; asking again changes nothing."""
        self.needs_processes()
        leave = Script(inline='echo kept >"$NRUN_JOB_DIR/result.json"', entrypoint="sh")
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch_tasks("job", [leave]))
            await rig.end_of(backend, handle)
            folder = rig.attempt("job").folder
            for _ in range(2):
                await backend.fetch({handle: folder})
                assert (folder / "result.json").read_text() == "kept\n"
            await backend.fetch({})

    @check
    async def test_shipped_code_is_where_the_job_starts(self, rig: Rig) -> None:
        """A bundle that was staged; or the backend refuses code."""
        self.needs_processes()
        tree = rig.cwd / "tree"
        tree.mkdir()
        (tree / "data.txt").write_text("shipped")
        store = rig.cwd / "bundles"
        store.mkdir()
        bundle = Bundle(keep(survey([Files(tree, ["data.txt"])]), store), store)
        async with rig.backend() as backend:
            if "code" in backend.capabilities.refuses:
                return
            for _ in range(2):
                told: list[tuple[int, int]] = []
                await backend.stage([bundle], lambda *sizes, told=told: told.append(sizes))
                assert all(0 <= done <= total for done, total in told)
            launch = rig.launch_tasks("job", [Script(inline="cat data.txt", entrypoint="sh")])
            commands = tuple(attrs.evolve(command, cwd=JobPath("code")) for command in launch.commands)
            handle = await rig.submit(backend, attrs.evolve(launch, commands=commands), bundle=bundle)
            await rig.end_of(backend, handle)
            assert await rig.log(backend, handle) == b"shipped"


def _hex(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").hex()
