"""Which files of the code that two experiments shipped differ, and how: by the manifests of their bundles."""

from __future__ import annotations

import contextlib
import difflib
from typing import TYPE_CHECKING

import attrs

from nrun.packaging.snapshot import shown
from nrun.packaging.store import Damaged, Entry, Store, entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nrun.model import Json

MOST_TEXTS = 50
"""So many files have their lines compared."""
LONGEST_TEXT_BYTES = 200_000
LONGEST_DIFF_LINES = 200
_KINDS = {"f": "file", "x": "executable", "l": "link"}


@attrs.frozen
class Changed:
    """A file that is not the same in both, or is only in one of them."""

    before: Entry | None
    after: Entry | None
    bundles: tuple[str, str]

    def facts(self) -> tuple[Json, Json]:
        """What is known of it before and after; None where there is no such file."""
        return _facts(self.before), _facts(self.after)


def changed_files(ours: Mapping[int, str], theirs: Mapping[int, str], store: Path) -> dict[str, Changed]:
    """The files that differ in bundles of executors with the same numbers, by name; none of what is gone."""
    pairs: dict[tuple[str, str], str] = {}
    for number in sorted(ours.keys() & theirs.keys()):
        if ours[number] != theirs[number]:
            pairs.setdefault((ours[number], theirs[number]), f"executor {number}: ")
    found: dict[str, Changed] = {}
    for (before, after), prefix in pairs.items():
        with contextlib.suppress(OSError, Damaged):
            here, there = (
                {entry.name: entry for entry in entries(Store(str(store)).manifest(bundle))}
                for bundle in (before, after)
            )
            for name in sorted(here.keys() | there.keys()):
                if here.get(name) != there.get(name):
                    place = ("" if len(pairs) == 1 else prefix) + shown(name)
                    found[place] = Changed(here.get(name), there.get(name), (before, after))
    return found


def differences(changed: Mapping[str, Changed], store: Path) -> dict[str, str]:
    """The lines that differ in files with text, as a unified diff of bounded length: of the first files alone."""
    texts: dict[str, str] = {}
    for place, one in changed.items():
        if len(texts) == MOST_TEXTS:
            break
        before, after = (_lines(entry, bundle, store) for entry, bundle in zip(*_sides(one), strict=True))
        if before is not None and after is not None:
            lines = list(difflib.unified_diff(before, after, place, place, lineterm=""))
            if not lines:
                continue  # what differs is not in the text
            more = len(lines) - LONGEST_DIFF_LINES
            texts[place] = "\n".join(lines[:LONGEST_DIFF_LINES] + ([f"… {more} more lines"] if more > 0 else []))
    return texts


def _sides(one: Changed) -> tuple[Sequence[Entry | None], Sequence[str]]:
    return (one.before, one.after), one.bundles


def _lines(entry: Entry | None, bundle: str, store: Path) -> list[str] | None:
    """The lines of a file; None of what is no text, or too long."""
    if entry is None or entry.kind == "l" or entry.size > LONGEST_TEXT_BYTES:
        return None
    try:
        text = b"".join(Store(str(store)).stream(bundle, [entry.content]))
        return None if b"\0" in text else text.decode().splitlines()
    except (OSError, Damaged, UnicodeDecodeError):
        return None


def _facts(entry: Entry | None) -> Json:
    if entry is None:
        return None
    content = ("target", shown(entry.content)) if entry.kind == "l" else ("sha256", entry.content.hex())
    return {"kind": _KINDS[entry.kind], "size": entry.size, content[0]: content[1]}
