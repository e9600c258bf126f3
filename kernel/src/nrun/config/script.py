"""`Script`: a task that runs a file or a piece of text with an interpreter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from typing import TYPE_CHECKING, Any

import attrs
from attrs.validators import instance_of

from nrun.arguments import UserData
from nrun.errors import ConfigError
from nrun.text import environment, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def _text(value: object) -> str:
    return text_of(value, "what a Script runs, and by what,")


def _env(values: Mapping[str, object]) -> dict[str, str]:
    return environment(values, "Script.env")


def _program(value: object) -> str:
    if isinstance(value, list | tuple):
        import shlex

        return shlex.join(_args(value))
    return _text(value)


def _args(values: object) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        msg = f"Script.args must be a list of words, not {type(values).__name__}: {values!r}"
        raise ConfigError(msg, hint=f"write {str(values).split()!r}")
    return tuple(text_of(value, "Script.args") for value in values)


@attrs.frozen(eq=False, repr=False)
class Script(UserData):
    """Run a file (`path`) or a piece of text (`inline`) with `entrypoint`.

    Arguments and environment reach the process byte for byte: no shell ever sees them. The entrypoint is a program and
    perhaps options for it, `python -u`, as one text or a list; `python` is the interpreter of the executor (locally:
    the one that launches). With `m`, `path` is the name of a module and is run as `entrypoint -m path`.
    """

    path: str = attrs.field(default="", converter=_text)
    inline: str = attrs.field(default="", converter=_text, kw_only=True)
    args: tuple[str, ...] = attrs.field(default=(), converter=_args, kw_only=True)
    env: Mapping[str, str] = attrs.field(factory=dict, converter=_env, kw_only=True)
    entrypoint: str = attrs.field(default="bash", converter=_program, kw_only=True)
    m: bool = attrs.field(default=False, kw_only=True)
    metadata: Mapping[str, Any] = attrs.field(factory=dict, converter=copy, validator=instance_of(dict), kw_only=True)
    """What there is to remember of it: kept in the record, and told to no process."""

    def __attrs_post_init__(self) -> None:
        if bool(self.path) == bool(self.inline):
            what = "both path and inline" if self.path else "neither path nor inline"
            raise ConfigError(f"Script has {what}; give exactly one of them")
        if not self.words:
            msg = "Script.entrypoint is empty; name the program that runs the script, such as bash or python"
            raise ConfigError(msg)
        if self.m and self.inline:
            raise ConfigError("Script(m=True) runs a module; give its name as path")

    @property
    def words(self) -> tuple[str, ...]:
        """The program that runs the script, and its options. Raises ValueError for quotes that are not closed."""
        if re.fullmatch(r"[^\s'\"\\]+", self.entrypoint):
            return (self.entrypoint,)
        import shlex

        return tuple(shlex.split(self.entrypoint))

    @property
    def name(self) -> str:
        """A short name for the job: the file's, or the first words of the text."""
        if self.inline:
            return re.sub(r"\W+", "_", self.inline.strip()[:20]).strip("_") or "script"
        return self.path.rpartition("/")[2] or self.path
