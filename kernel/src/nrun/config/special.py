"""Values that stand for others: a `Reference` for one elsewhere, a `Sweep` for several, an `Unread` for an object."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import attrs

from nrun.data import Data
from nrun.errors import ConfigError

_INDEX = r"""\[(?:-?\d+|'[^'\]]*'|"[^"\]]*")\]"""
_STEP = rf"(?:[^\W\d]\w*(?:-\w+)*|-?\d+)(?:{_INDEX})*"
_TARGET = re.compile(rf"(?:\.{{0,2}}(?:{_STEP}|(?:{_INDEX})+)(?:\.{_STEP})*|[a-z]\w*:[^}}]*)")
_SLOT = re.compile(r"(?<!\\)\$\{([^{}]*)\}")


@attrs.frozen(eq=False, repr=False)
class Sweep(Data):
    """Several values for one argument, in the order they were written; a run uses one of them."""

    __nrun_special__: ClassVar[bool] = True
    points: tuple[Any, ...]


@attrs.frozen(eq=False, repr=False)
class Reference(Data):
    """The value of another argument, or of a resolver, possibly with text around it.

    `parts` alternates text and target, beginning and ending with text: `run-${seed}` is `("run-", "seed", "")`.
    A target is a path (`a.b` from the root, `.x` a sibling, `..x` the parent's) or a resolver with its
    argument (`env:HOME`).
    """

    __nrun_special__: ClassVar[bool] = True
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Reference:
        r"""The reference that `text` is. `\${` is text. Raises ConfigError for a target that cannot be one."""
        parts = _SLOT.split(text)
        for target in parts[1::2]:
            if not _TARGET.fullmatch(target):
                msg = f"${{{target[:80]}}} is not a reference"
                raise ConfigError(msg, hint="write ${path.to.it}, ${.sibling}, ${..of_parent} or ${env:NAME}")
        if len(parts) == 1 or any(re.search(r"(?<!\\)\$\{", part) for part in parts[::2]):
            msg = f"the reference in {text[:80]!r} is not closed"
            raise ConfigError(msg, hint="write } after it, or \\${ if it is text")
        parts[::2] = [part.replace("\\${", "${") for part in parts[::2]]
        return cls(tuple(parts))

    @property
    def targets(self) -> tuple[str, ...]:
        """What is referred to, in order."""
        return self.parts[1::2]

    @property
    def is_whole(self) -> bool:
        """Whether there is no text around it, so that it has the type of what it refers to."""
        return len(self.parts) == 3 and not self.parts[0] and not self.parts[2]  # noqa: PLR2004 - text, target, text

    def __str__(self) -> str:
        r"""As it is written; `\${` for text that would be read as a reference."""
        return "".join(f"${{{p}}}" if i % 2 else p.replace("${", "\\${") for i, p in enumerate(self.parts))


@attrs.frozen(repr=False)
class Unread:
    """An object that a document names, read without importing anything: only its form is known, as JSON."""

    __nrun_special__: ClassVar[bool] = True
    form: str

    def __repr__(self) -> str:
        import json

        tag, *rest = json.loads(self.form).items()
        return {"$enum": f"{tag[1]}.{dict(rest).get('name')}", "$object": f"{tag[1]}(...)"}.get(tag[0], str(tag[1]))
