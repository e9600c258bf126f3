"""`PatternPackager`: what the user writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from nrun import Files, Packager
from nrun.text import text_of
from nrun_packager_pattern.patterns import chosen, expression

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path
    from typing import Self

    from nrun import Packing


def _texts(value: str | PathLike[str] | Iterable[str | PathLike[str]]) -> str | tuple[str, ...]:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(text_of(text, "a pattern or path") for text in value)
    return text_of(value, "a pattern or path")


def _not_empty(_packager: object, field: attrs.Attribute[str | tuple[str, ...]], value: str | tuple[str, ...]) -> None:
    if not all(_several(value)) or not value:
        msg = f"{field.name} names nothing"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class PatternPackager(Packager):
    """Ships the files that patterns name, whether they are in a repository or not.

    In a pattern `*`, `?` and `[…]` stand for parts of a name and `**` for any folders; a folder stands for what is
    below it. What `.nrunignore` or `.gitignore` ignore stays behind, unless it is named without a wildcard.
    """

    include_pattern: str | tuple[str, ...] = attrs.field(converter=_texts, validator=_not_empty)
    """What travels: a pattern, or several. They start at the current folder."""
    relative_path: str | tuple[str, ...] = attrs.field(default="", converter=_texts)
    """The folder that names in the bundle start at: the current one, another for all patterns, or one for each."""
    exclude: str | tuple[str, ...] = attrs.field(default=(), converter=_texts)
    """Patterns of names in the bundle that stay behind."""

    def __attrs_post_init__(self) -> None:
        patterns, relative = self.include_pattern, self.relative_path
        if not isinstance(relative, str) and len(relative) != len(_several(patterns)):
            msg = (
                f"include_pattern has {len(_several(patterns))} and relative_path {len(relative)} elements: "
                "give one for each pattern, or one text for all"
            )
            raise ValueError(msg)

    def at(self, source: Path) -> Self:
        """Jobs start where `source` lies below `relative_path`, if that is one."""
        roots = set(_several(self.relative_path))
        return self.rooted(source / roots.pop() if len(roots) == 1 else source, source)

    async def select(self, source: Path, packing: Packing) -> list[Files]:
        """The files that patterns name. Raises PackagingError for a pattern that matches nothing."""
        return await asyncio.to_thread(self._select, source, packing)

    def _select(self, source: Path, packing: Packing) -> list[Files]:
        patterns = _several(self.include_pattern)
        folders = [self.relative_path] * len(patterns) if isinstance(self.relative_path, str) else self.relative_path
        excluded = [expression(pattern) for pattern in _several(self.exclude)]
        found: dict[Path, dict[str, None]] = {}
        for pattern, folder in zip(patterns, folders, strict=True):
            root, names = chosen(pattern, folder, source, packing)
            kept = (name for name in names if not any(each.fullmatch(name) for each in excluded))
            found.setdefault(root, {}).update(dict.fromkeys(kept))
        return [Files(root, list(names)) for root, names in found.items()]


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value
