"""Looks at every plugin, and runs the checks they bring."""

from __future__ import annotations

import asyncio
import glob
import inspect
from typing import TYPE_CHECKING

from nrun import CheckSpec, UsageError
from nrun.cli.findings import Finding
from nrun.plugins import PluginState
from nrun_command_plugins.provides import provided_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import CheckResult
    from nrun.plugins import Hooks, PluginRecord

CHECK_TIMEOUT_S = 30.0
"""How long one check may take."""
PROBE_TIMEOUT_S = 180.0
"""How long the checks of an executor may take, which may wait for a job."""

_REMEDIES = {
    PluginState.FAILED: "update or uninstall {distribution}, or leave it out: NRUN_DISABLE_PLUGINS={name}",
    PluginState.INCOMPATIBLE: "install a version of {distribution} for this nrun, or the nrun it was written for",
    PluginState.SHADOWED: "uninstall one of the distributions named",
}


def diagnose(hooks: Hooks) -> list[Finding]:
    """Every plugin with its state, then every check with its answers."""
    provided_by(hooks)  # collects every kind, so that a plugin that fails at declaring is known to have failed
    checked = [finding for declared in hooks.checks for finding in asyncio.run(_run(declared.spec))]
    return [_of_plugin(record) for record in hooks.host.records] + checked


def examine(profile: str, *, probe: bool) -> list[Finding]:
    """Whether jobs can run where a site profile says. Raises UsageError if it cannot tell."""
    from nrun import Executor
    from nrun.config import build
    from nrun.files import load
    from nrun.record import home_folder

    files = sorted((home_folder() / "profiles").glob(f"{glob.escape(profile)}.*"))
    executor = build(load(files[0])) if files else None
    if not isinstance(executor, Executor):
        msg = f"there is no profile {profile!r} of an executor in {home_folder() / 'profiles'}"
        raise UsageError(msg, hint="a profile is a file that describes an executor, such as cluster.yaml")
    check = getattr(executor, "check", None)
    if check is None:
        msg = f"{type(executor).__name__} brings no checks of its own"
        raise UsageError(msg, hint="`nrun plugins doctor` runs those for this machine")
    spec = CheckSpec(name=profile, summary="", check=lambda: check(probe=probe))
    return asyncio.run(_run(spec, PROBE_TIMEOUT_S))


def _of_plugin(record: PluginRecord) -> Finding:
    ok = record.state in {PluginState.LOADED, PluginState.DISABLED}
    remedy = _REMEDIES.get(record.state, "").format(distribution=record.ref.distribution, name=record.name)
    message = f"{record.state.value}{f': {record.cause}' if record.cause else ''}"
    subject = f"plugin {record.name} ({record.ref.distribution} {record.ref.version})"
    return Finding(subject=subject, ok=ok, message=message, remedy=remedy, detail=record.detail)


async def _run(spec: CheckSpec, timeout_s: float = CHECK_TIMEOUT_S) -> list[Finding]:
    subject = f"check {spec.name}"
    try:
        async with asyncio.timeout(timeout_s):
            answer = spec.check()
            results: Sequence[CheckResult] = await answer if inspect.isawaitable(answer) else answer
    except Exception as error:  # noqa: BLE001 - a check that raises has not passed, and others go on
        return [Finding(subject=subject, ok=False, message=f"{type(error).__name__}: {error}")]
    return [Finding(subject=subject, ok=r.ok, message=r.message, remedy=r.remedy) for r in results]
