"""Secrets at work: found when a job is handed over, and kept out of whatever is written down or shown."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
import time
from typing import TYPE_CHECKING, Any

from nrun.engine.handover import told
from nrun.errors import ConfigError, NrunError, PluginError
from nrun.model import LogChunk
from nrun.planning import secrets_in, task_folders
from nrun.record.folder import DESCRIPTION
from nrun.text import text_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from nrun.events import Event
    from nrun.model import Launch
    from nrun.plugins import Hooks
    from nrun.record import ExperimentFolder
    from nrun.secret import Secret, SecretValue

RESOLVE_TIMEOUT_S = 60.0
LOOK_TIMEOUT_S = 5.0
"""Deadline of a resolver for somebody who only looks at a log."""
FRESH_S = 60.0
"""How long a value is used again: the jobs of a batch share it, a retry on another day does not."""
SHORTEST = 6
"""Shorter values are not hidden: they would be found everywhere."""


class Secrets:
    """The secrets of one run: their values, and how these are hidden."""

    def __init__(self, hooks: Hooks, timeout_s: float = RESOLVE_TIMEOUT_S) -> None:
        self._hooks = hooks
        self._timeout_s = timeout_s
        self._values: dict[Secret, tuple[float, SecretValue]] = {}
        self.hidden: tuple[str, ...] = ()
        """What is not to be seen, the longest first."""

    async def of(self, launch: Launch) -> dict[str, dict[str, SecretValue]]:
        """The values for a job, as an `Attempt` has them. Raises NrunError that says which cannot be had, and why."""
        found: dict[str, dict[str, SecretValue]] = {}
        for folder, command in zip(task_folders(launch), launch.commands, strict=True):
            for variable, secret in command.secrets.items():
                found.setdefault(folder, {})[variable] = await self.value(secret)
        return found

    async def value(self, secret: Secret) -> SecretValue:
        """The value of a secret, from its resolver. Raises NrunError."""
        from nrun.secret import SecretValue

        at, value = self._values.get(secret, (0.0, None))
        if value is None or time.monotonic() - at > FRESH_S:
            text = await self._resolve(secret)
            value = SecretValue(text)
            self._values[secret] = time.monotonic(), value
            self.hidden = tuple(sorted({*self.hidden, *_forms(text)}, key=len, reverse=True))
        return value

    async def _resolve(self, secret: Secret) -> str:
        try:
            resolver = self._hooks.secrets.get(secret.resolver).resolver()
            async with asyncio.timeout(self._timeout_s):
                found = resolver(secret.name)
                return _checked(await found if inspect.isawaitable(found) else found)
        except Exception as error:
            hint = error.hint if isinstance(error, NrunError) and error.hint else ""
            msg = f"the secret {secret.reference} cannot be had: {told(error)}" + (f" ({hint})" if hint else "")
            raise NrunError(msg) from error

    def safe(self, error: Exception) -> Exception:
        """The error; if it would show a value that is known here, one that says the same without it."""
        if not self.hidden:
            return error
        import traceback

        trace = "".join(traceback.format_exception(error))
        text = self._pattern().sub("***", str(error) if isinstance(error, NrunError) else trace.rstrip())
        kind = PluginError if isinstance(error, PluginError) else NrunError
        return kind(text) if self._pattern().search(trace) else error

    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.hidden)))

    def redacted(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events without any value that is known here."""
        if not self.hidden:
            return events
        from nrun.events import from_json, to_json

        pattern = self._pattern()
        return [from_json(_replaced(to_json(event), pattern)) for event in events]

    async def masked(self, chunks: AsyncGenerator[LogChunk, None]) -> AsyncGenerator[LogChunk, None]:
        """A log with every value that is known here covered by as many asterisks, so that offsets stay true."""
        hidden = [form.encode("utf-8", "surrogateescape") for form in self.hidden]
        pattern = re.compile(b"|".join(map(re.escape, hidden)))
        held = LogChunk("", 0, b"")  # what may be the beginning of a value
        async for chunk in chunks:
            if held.data and held.offset + len(held.data) != chunk.offset:
                yield held
                held = LogChunk("", 0, b"")
            data = pattern.sub(lambda found: b"*" * len(found[0]), held.data + chunk.data)
            start, ready = chunk.offset - len(held.data), len(data) - _begun(data, hidden)
            if ready:
                yield LogChunk(chunk.stream, start, data[:ready])
            held = LogChunk(chunk.stream, start + ready, data[ready:])
        if held.data:
            yield held


async def recorded_secrets(folder: ExperimentFolder, hooks: Hooks) -> Secrets:
    """Those of the secrets of a recorded experiment that can be had here: enough to hide them."""
    secrets = Secrets(hooks, LOOK_TIMEOUT_S)
    with contextlib.suppress(OSError, ConfigError):
        for secret in secrets_in((folder.path / DESCRIPTION).read_text("utf-8")):
            with contextlib.suppress(NrunError):
                await secrets.value(secret)
    return secrets


def _checked(value: object) -> str:
    """`value` if a process can be given it. Raises NrunError, which does not show it."""
    try:
        return text_of(value, "a secret")
    except ConfigError:
        msg = f"what its resolver gave (a {type(value).__name__}) is no text, or has characters no process can be given"
        raise NrunError(msg) from None


def _forms(value: str) -> set[str]:
    """What a value looks like wherever it may turn up: as it is, line by line, and as programs quote and encode it."""
    import base64
    import json
    import shlex
    from urllib.parse import quote, quote_plus

    if len(value) < SHORTEST:
        return set()
    data = value.encode("utf-8", "surrogateescape")
    shown = data.decode("utf-8", "backslashreplace")  # as Python prints it to its errors
    forms = {value, shown, *(line.strip() for text in (value, shown) for line in text.splitlines())}
    forms |= {repr(value)[1:-1], json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms |= {encode(data).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    forms |= {shlex.quote(value).strip("'"), quote(data, safe=""), quote(data), quote_plus(data)}
    return {form for form in forms if len(form) >= SHORTEST}


def _replaced(value: Any, pattern: re.Pattern[str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _replaced(item, pattern) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, pattern) for item in value]
    return pattern.sub("***", value) if isinstance(value, str) else value


def _begun(data: bytes, hidden: Sequence[bytes]) -> int:
    """How many bytes at the end may be the beginning of something that is to be hidden."""
    most = 0
    for one in hidden:
        at = data.find(one[:1], max(0, len(data) - len(one) + 1))
        while at >= 0 and not one.startswith(data[at:]):
            at = data.find(one[:1], at + 1)
        most = max(most, len(data) - at if at >= 0 else 0)
    return most
