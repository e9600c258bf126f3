"""What nrun raises: every error says what is wrong, where, and what to do about it.

The class decides the exit code of the command line: 2 for bad input, 3 for a broken plugin,
4 when a backend could not do its work, 1 for jobs that failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    Fault = Literal["unknown host", "refused", "host key", "authentication", "timeout", "lost", "failed"]
    """Why a host could not be used: nobody knows its name; nothing listens there; its key is unknown, or another than
    before; it lets nobody in who comes so; it takes too long; the connection broke; it could not do what was asked."""


class NrunError(Exception):
    """Root of everything nrun raises on purpose.

    `hint` says what to do; `plugin` names the distribution at fault, when it is a plugin's; `where` is the
    line of the user's script it came from, filled in by who ran the script.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, plugin: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.plugin = plugin
        self.where: str | None = None

    def __str__(self) -> str:
        lines = [self.message]
        if self.where:
            lines.append(f"  at: {self.where}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        if self.plugin:
            lines.append(f"  plugin: {self.plugin}")
        return "\n".join(lines)


class UsageError(NrunError):
    """The input cannot be used as it is; nothing was done."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration does not fit its target, or cannot be written down or read back."""


class PlanError(UsageError):
    """An experiment cannot be planned: names, dependencies, or something its executor refuses."""


class UnknownName(UsageError, AttributeError):  # noqa: N818 - reads as what it says
    """A name that nothing installed provides. An AttributeError, so that `hasattr` works."""


class PackagingError(UsageError):
    """Code cannot travel as it is; nothing was sent."""


class RecordError(UsageError):
    """The record on disk cannot be found, read or written."""


class InCharge(RecordError):  # noqa: N818 - reads as what it says
    """Another process is looking after the experiment."""


class PluginError(NrunError):
    """A plugin that takes part in a run failed; its distribution is named."""

    exit_code = 3


class BackendError(NrunError):
    """A backend could not do what was asked of it. Says nothing about any job's state."""

    exit_code = 4


class TransportError(BackendError):
    """A host could not be reached, or could not do what was asked of it; `fault` is the kind of trouble."""

    def __init__(self, message: str, *, fault: Fault, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.fault = fault


class ResultError(NrunError):
    """A job has no result to give: not finished, failed, or not expressible as JSON."""


class JobsFailed(NrunError):  # noqa: N818 - reads as what it says
    """An experiment ended with jobs that did not succeed. `jobs` maps their names to the reason."""

    def __init__(self, message: str, jobs: dict[str, str], *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.jobs = jobs


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?`, or an empty text when nothing known is close to `name`."""
    close = nearest(name, known, 3)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def nearest(name: str, known: Iterable[str], most: int) -> list[str]:
    """What comes closest to `name`, in another case if nothing else does."""
    from difflib import get_close_matches  # only errors pay for it

    written = list(known)
    small = {one.lower(): one for one in written}
    found = get_close_matches(name, written, n=most, cutoff=0.6)
    return found or [small[one] for one in get_close_matches(name.lower(), small, n=most, cutoff=0.6)]
