"""Words of a command that only the job can fill in, for launchers and containers. Others do without this module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun.data import Data

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.model import Word


@attrs.frozen(eq=False, repr=False)
class JobVariable(Data):
    """What a variable holds in the environment of the job. A job that has no such variable ends before it starts."""

    name: str = attrs.field(validator=attrs.validators.matches_re("[A-Za-z_][A-Za-z0-9_]*"))

    def quoted(self, _quote: Callable[[Word], str]) -> str:
        """As a shell must read it."""
        return f'"${{{self.name}?this job has no such variable}}"'


@attrs.frozen(eq=False, repr=False)
class Joined(Data):
    """Words that are one: `Joined((JobPath("data"), ":/data"))`."""

    words: tuple[Word, ...]

    def quoted(self, quote: Callable[[Word], str]) -> str:
        """As a shell must read it; `quote` does that for each."""
        return "".join(map(quote, self.words))
