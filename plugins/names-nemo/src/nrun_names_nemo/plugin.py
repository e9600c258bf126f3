"""What this distribution provides, declared without importing it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from nrun import NameSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMES = {
    "dryrun_fn": "Print a task with all its arguments, and the executor",
    "help": "Print what can be typed after a function",
    "import_executor": "An executor that a file of Python defines",
    "lazy_imports": "Imports as they are, with what to write where one fails",
    "LazyEntrypoint": "The task of an entrypoint that is named, with overrides",
    "OptionalDefaultConfig": "Annotation of an argument that may be left to its default",
    "OptionalDefaultPartial": "As OptionalDefaultConfig",
    "cli.create_cli": "The nrun command",
    "cli.list_entrypoints": "The entrypoints that are loaded, by namespace",
}


@hookimpl
def nrun_names() -> Iterable[NameSpec]:
    """Each of them is a function or annotation of `nrun_names_nemo.names`."""
    for name, summary in _NAMES.items():
        yield NameSpec(name=name, summary=summary, load=functools.partial(_load, name.rpartition(".")[2]))


def _load(name: str) -> object:
    from nrun_names_nemo import names

    return getattr(names, name)
