"""Secrets: a `Secret` says where a value is to be found, a `SecretValue` holds one and does not show it."""

from __future__ import annotations

import re
from typing import ClassVar, NoReturn

import attrs

from nrun.data import Data
from nrun.errors import ConfigError

URL = "secret://"
"""What a secret begins with in files and on the command line: `secret://env/HF_TOKEN`."""
MASK = "***"
_REFERENCE = re.compile(r"([a-z][a-z0-9+.-]*):([^\0]+)", re.DOTALL)
_ESCAPED = re.compile(r"\\*secret://")


@attrs.frozen(eq=False, repr=False)
class Secret(Data):
    """Stands for a text that nobody but the job is to see: `Secret("env:HF_TOKEN")`.

    What is before the colon names a resolver, what is after it says which of its secrets. It holds no value, so it may
    be printed, written down and planned with. The value is found when the job is submitted, and only the job gets it.
    Raises ConfigError for a text that is not such a reference.
    """

    __nrun_special__: ClassVar[bool] = True
    reference: str = attrs.field()

    @reference.validator
    def _check(self, _: object, value: object) -> None:
        if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
            # The text itself is not shown: it may be the token, given by mistake.
            msg = "a secret is given as resolver:name, which says where its value is to be found"
            raise ConfigError(msg, hint='such as run.Secret("env:HF_TOKEN") or run.Secret("file:~/.token")')

    @classmethod
    def parse(cls, text: str) -> Secret:
        """The secret that a text such as `secret://env/HF_TOKEN` names. Raises ConfigError for any other text."""
        scheme, slash, name = text.removeprefix(URL).partition("/")
        return cls(f"{scheme}:{name}" if text.startswith(URL) and slash else "")

    @property
    def resolver(self) -> str:
        """The name of what resolves it."""
        return self.reference.partition(":")[0]

    @property
    def name(self) -> str:
        """What the resolver is asked for."""
        return self.reference.partition(":")[2]

    def __str__(self) -> str:
        """As it is written in files and on the command line."""
        return f"{URL}{self.resolver}/{self.name}"

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"


class SecretValue:
    """The value of a secret. It shows itself as `***` and cannot be copied, pickled or written as JSON."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value, for the one place that has to have it."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("the value of a secret cannot be pickled or copied")


def escape(text: str) -> str:
    """`text` as it is written, so that it is not taken for a secret: with one more backslash before `secret://`."""
    return f"\\{text}" if _ESCAPED.match(text) else text


def unescape(text: str) -> str:
    """The text that `escape` was given."""
    return text[1:] if text.startswith("\\") and _ESCAPED.match(text) else text
