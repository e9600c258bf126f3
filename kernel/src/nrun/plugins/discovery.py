"""Which plugins are installed: read from the metadata of distributions, importing nothing.

`importlib.metadata` answers the same question, but importing it costs more than a third of the budget
of `nrun --help`; so the one file that matters is read here. Only folders on the path are looked at.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from nrun.markers import API_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_GROUP_PREFIX = API_GROUP.rpartition(".")[0] + ".v"
_VALUE = re.compile(r"[\w.]+")


class PluginRef(NamedTuple):
    """An entry point: what a distribution says it provides, before anything of it is imported."""

    name: str
    module: str
    distribution: str
    version: str
    group: str


def discover(path: Iterable[str] | None = None) -> list[PluginRef]:
    """Every plugin of any API version on `path` (default: `sys.path`), sorted by name.

    A distribution that occurs twice counts where it is found first, as for imports.
    """
    seen: set[str] = set()
    found: list[PluginRef] = []
    for folder in sys.path if path is None else path:
        for info, name, version in _distributions(folder or "."):
            if name not in seen:
                seen.add(name)
                found.extend(_entry_points(info, name, version))
    return sorted(found)


def _distributions(folder: str) -> Iterator[tuple[str, str, str]]:
    """The metadata folders in `folder`, each with the name (normalised) and version of its distribution."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - pathlib is not imported on this path
    except OSError:
        return
    for entry in names:
        stem, dot, suffix = entry.rpartition(".")
        if dot and suffix in {"dist-info", "egg-info"}:
            name, _, version = stem.partition("-")
            yield f"{folder}/{entry}", re.sub(r"[-_.]+", "-", name).lower(), version.partition("-")[0]


def _entry_points(info: str, distribution: str, version: str) -> Iterator[PluginRef]:
    try:
        with open(f"{info}/entry_points.txt", encoding="utf-8") as file:  # noqa: PTH123 - as above
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return
    if _GROUP_PREFIX not in text:
        return
    group = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            group = line.strip("[] ")
        elif group.startswith(_GROUP_PREFIX) and "=" in line and line[0] not in "#;":
            name, _, value = (part.strip() for part in line.partition("="))
            module = _VALUE.match(value)
            if module:
                yield PluginRef(name, module[0], distribution, version, group)
