"""Secrets at work: found when a job is handed over, and kept out of whatever is written down or shown."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
import time
from typing import TYPE_CHECKING, Any

from nrun.engine.handover import told
from nrun.errors import ConfigError, NrunError
from nrun.model import LogChunk
from nrun.planning import secrets_in, task_folders
from nrun.record.folder import DESCRIPTION

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
        self._hidden: dict[str, None] = {}

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
            value = SecretValue(await self._resolve(secret))
            self._values[secret] = time.monotonic(), value
            self._hidden.update(dict.fromkeys(_forms(value.reveal())))
        return value

    async def _resolve(self, secret: Secret) -> str:
        try:
            resolver = self._hooks.secrets.get(secret.resolver).resolver()
            async with asyncio.timeout(self._timeout_s):
                found = resolver(secret.name)
                return _fit(await found if inspect.isawaitable(found) else found)
        except Exception as error:
            hint = error.hint if isinstance(error, NrunError) and error.hint else ""
            msg = f"the secret {secret.reference} cannot be had: {told(error)}" + (f" ({hint})" if hint else "")
            raise NrunError(msg) from error

    def redacted(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events without any value that is known here."""
        if not self._hidden:
            return events
        from nrun.events import from_json, to_json
        from nrun.secret import MASK

        pattern = re.compile("|".join(map(re.escape, _longest_first(self._hidden))))
        return [from_json(_replaced(to_json(event), pattern, MASK)) for event in events]

    async def masked(self, chunks: AsyncGenerator[LogChunk, None]) -> AsyncGenerator[LogChunk, None]:
        """A log with every value that is known here covered by as many asterisks, so that offsets stay true."""
        hidden = [form.encode("utf-8", "surrogateescape") for form in _longest_first(self._hidden)]
        pattern = re.compile(b"|".join(map(re.escape, hidden)))
        held: LogChunk | None = None
        async for chunk in chunks:
            if held is not None and held.offset + len(held.data) != chunk.offset:
                yield held
                held = None
            start = held.offset if held is not None else chunk.offset
            data = pattern.sub(_asterisks, (held.data if held is not None else b"") + chunk.data)
            ready = len(data) - _begun(data, hidden)
            if ready:
                yield LogChunk(chunk.stream, start, data[:ready])
            held = LogChunk(chunk.stream, start + ready, data[ready:]) if ready < len(data) else None
        if held is not None:
            yield held

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._hidden)


async def recorded_secrets(folder: ExperimentFolder, hooks: Hooks) -> Secrets:
    """Those of the secrets of a recorded experiment that can be had here: enough to hide them."""
    secrets = Secrets(hooks, LOOK_TIMEOUT_S)
    with contextlib.suppress(OSError, ConfigError):
        for secret in secrets_in((folder.path / DESCRIPTION).read_text("utf-8")):
            with contextlib.suppress(NrunError):
                await secrets.value(secret)
    return secrets


def _fit(value: object) -> str:
    """`value` if a process can be given it. Raises NrunError, which must not show it."""
    if not isinstance(value, str):
        msg = f"its resolver gave a {type(value).__name__}, not text"
        raise NrunError(msg)
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        msg = "its value has a lone surrogate, which cannot be written"
        raise NrunError(msg) from None
    if "\0" in value:
        msg = "its value has a NUL character, which no process can be given"
        raise NrunError(msg)
    return value


def _forms(value: str) -> set[str]:
    """What a value looks like wherever it may turn up: as it is, line by line, and as programs quote and encode it."""
    import base64
    import json
    import shlex
    from urllib.parse import quote, quote_plus

    data = value.encode("utf-8", "surrogateescape")
    shown = data.decode("utf-8", "backslashreplace")  # as Python prints it to its errors
    forms = {value, shown, *(line.strip() for text in (value, shown) for line in text.splitlines())}
    forms |= {repr(value)[1:-1], json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms |= {encode(data).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    forms |= {shlex.quote(value).strip("'"), quote(data, safe=""), quote(data), quote_plus(data)}
    return {form for form in forms if len(form) >= SHORTEST} if len(value) >= SHORTEST else set()


def _longest_first(forms: dict[str, None]) -> list[str]:
    return sorted(forms, key=len, reverse=True)


def _replaced(value: Any, pattern: re.Pattern[str], by: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return pattern.sub(by, value)
    if isinstance(value, dict):
        return {key: _replaced(item, pattern, by) for key, item in value.items()}
    return [_replaced(item, pattern, by) for item in value] if isinstance(value, list) else value


def _asterisks(found: re.Match[bytes]) -> bytes:
    return b"*" * len(found[0])


def _begun(data: bytes, hidden: Sequence[bytes]) -> int:
    """How many bytes at the end may be the beginning of something that is to be hidden."""
    most = 0
    for one in hidden:
        at = data.find(one[:1], max(0, len(data) - len(one) + 1))
        while at >= 0 and not one.startswith(data[at:]):
            at = data.find(one[:1], at + 1)
        most = max(most, len(data) - at if at >= 0 else 0)
    return most
