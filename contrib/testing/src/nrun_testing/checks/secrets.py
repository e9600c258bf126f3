"""Secrets reach their job, byte for byte, and stand nowhere else."""
# ruff: noqa: S101 - the checks are assertions

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nrun import Script
from nrun.secret import Secret
from nrun_testing.checks.base import Checks, check
from nrun_testing.checks.running import ODD_TEXTS, TELL_WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from nrun_testing.rig import Rig

CANARY = "canary-7f3a91c2"


class SecretChecks(Checks):
    """The values of secrets come with the attempt; plans have none."""

    @check
    async def test_secrets_are_in_no_handle_and_no_observation(self, rig: Rig) -> None:
        """All that the engine writes down of a job."""
        async with rig.backend() as backend:
            launch = rig.launch_tasks("job", [Script(inline="true", env={"TOKEN": Secret("test:token")})])
            plan = repr(backend.plan([launch]))
            handle = await rig.submit(backend, launch, secrets={"": {"TOKEN": CANARY}})
            seen = await rig.end_of(backend, handle)
        for what, text in {"plan": plan, "handle": json.dumps(dict(handle.data)), "observation": repr(seen)}.items():
            assert CANARY not in text, f"the {what} has the value of a secret: {text}"

    @check
    async def test_secrets_arrive_byte_for_byte_and_are_left_nowhere(self, rig: Rig) -> None:
        """When the job has ended and what it left was fetched, no file of it has them."""
        self.needs_processes()
        values = {f"TOKEN_{index}": f"{CANARY}{text}" for index, text in enumerate(ODD_TEXTS)}
        references = {name: Secret(f"test:{name}") for name in values}
        task = Script(inline=TELL_WORDS, entrypoint="python", env=references)
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch_tasks("job", [task]), secrets={"": values})
            await rig.end_of(backend, handle)
            _, env = json.loads(await rig.log(backend, handle))
            await backend.fetch({handle: rig.attempt("job").folder})
        for name, value in values.items():
            arrived = env.get(name.encode().hex())
            assert arrived == value.encode("utf-8", "surrogateescape").hex(), (
                f"the secret {value!r} arrived as {arrived}"
            )
        assert not files_with(CANARY, rig.folder.home), "a file has the value of a secret"

    @check
    async def test_each_task_of_a_group_has_its_own_secrets(self, rig: Rig) -> None:
        """Or groups are refused."""
        self.needs_processes()
        leave = 'printf %s "$TOKEN" >"$NRUN_JOB_DIR/result.json"'
        task = Script(inline=leave, entrypoint="sh", env={"TOKEN": Secret("test:token")})
        secrets = {f"task-{index}": {"TOKEN": f"{CANARY}-{index}"} for index in range(2)}
        async with rig.backend() as backend:
            if "groups" in backend.capabilities.refuses:
                return
            handle = await rig.submit(backend, rig.launch_tasks("job", [task, task]), secrets=secrets)
            await rig.end_of(backend, handle)
            folder = rig.attempt("job").folder
            await backend.fetch({handle: folder})
        for name, values in secrets.items():
            assert (folder / name / "result.json").read_text() == values["TOKEN"], f"{name} has the secret of another"


def files_with(text: str, folder: Path) -> list[Path]:
    """The files below a folder that contain a text."""
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]
