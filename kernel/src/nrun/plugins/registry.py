"""Declarations of one kind, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from nrun.errors import PluginError, UnknownName, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nrun.declare import Declared, Spec
    from nrun.plugins.host import PluginRecord

SpecT = TypeVar("SpecT", bound="Spec")


class Registry(Generic[SpecT]):
    """What the loaded plugins declared of one kind; `kind` is the word for it in messages."""

    def __init__(self, kind: str, declared: Sequence[Declared[SpecT]], failed: Sequence[PluginRecord]) -> None:
        self.kind = kind
        self._failed = failed
        self._declared = {found.spec.name: found for found in declared}

    def __iter__(self) -> Iterator[Declared[SpecT]]:
        return iter(self._declared.values())

    def __contains__(self, name: str) -> bool:
        return name in self._declared

    def get(self, name: str) -> SpecT:
        """The declaration called `name`. Raises UnknownName, or PluginError if a failed plugin may own it."""
        found = self._declared.get(name)
        if found is not None:
            return found.spec
        raise self.missing(name)

    def missing(self, name: str) -> UnknownName | PluginError:
        """The error for a name that nothing provides: a failed plugin's stored cause, or what there is."""
        for record in self._failed:
            words = {record.name, record.ref.distribution}
            if any(name in (word, word.rpartition("-")[2]) or word.endswith(f"-{name}") for word in words):
                return PluginError(
                    f"{self.kind} {name!r} is not available: plugin {record.name!r} failed: {record.cause}",
                    hint="`nrun plugins doctor` shows the traceback",
                    plugin=f"{record.ref.distribution} {record.ref.version}",
                )
        known = ", ".join(sorted(self._declared)) or "none"
        also = "; plugins that failed to load: " + ", ".join(r.name for r in self._failed) if self._failed else ""
        return UnknownName(
            f"unknown {self.kind} {name!r}; installed: {known}{also}.{did_you_mean(name, self._declared)}",
            hint=f"if it is a plugin of nrun: pip install nrun-{self.kind}-{name}",
        )
