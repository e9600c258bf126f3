"""Loads plugins, one by one and each in its own guard, and remembers how it went.

The host knows which plugins there are; `hooks` is the only module that calls them.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import os
import sys
from typing import TYPE_CHECKING

import attrs
import pluggy

from nrun import hookspecs
from nrun.data import Data
from nrun.markers import API_GROUP, PROJECT
from nrun.plugins.discovery import PluginRef, discover

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import ModuleType

HOOK_PREFIX = "nrun_"
HOOKS: frozenset[str] = frozenset(name for name in vars(hookspecs) if name.startswith(HOOK_PREFIX))
_ORDINARY_OPTIONS = ("hookwrapper", "wrapper")


class PluginState(enum.StrEnum):
    """How loading a plugin went."""

    LOADED = "LOADED"
    DISABLED = "DISABLED"
    """Left out by `NRUN_PLUGINS` or `NRUN_DISABLE_PLUGINS`; never imported."""
    FAILED = "FAILED"
    INCOMPATIBLE = "INCOMPATIBLE"
    """Written for another version of the hooks; never imported."""
    SHADOWED = "SHADOWED"
    """Another distribution provides a plugin of the same name; neither is used."""


@attrs.define(eq=False, repr=False)
class PluginRecord(Data):
    """One plugin and how it is doing. A plugin that fails later becomes FAILED with its cause."""

    ref: PluginRef
    state: PluginState
    cause: str = ""
    detail: str = ""
    """The traceback, for `nrun plugins doctor`."""

    @property
    def name(self) -> str:
        """Name of the plugin, unique among the loaded ones."""
        return self.ref.name

    def fail(self, error: BaseException, doing: str) -> None:
        """Mark the plugin FAILED by `error`, which it raised when `doing` something."""
        import traceback

        self.state = PluginState.FAILED
        self.cause = f"{doing}: {type(error).__name__}: {error}" if str(error) else f"{doing}: {type(error).__name__}"
        self.detail = "".join(traceback.format_exception(error))


class _Manager(pluggy.PluginManager):
    """Looks for hooks where they can be: pluggy would look at everything that a module imports."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return super().parse_hookimpl_opts(plugin, name) if name.startswith(HOOK_PREFIX) else None


class PluginHost:
    """The plugins of one process: loaded in the constructor, then fixed.

    `refs` are the plugins found; `env` is where the allow and deny lists are read from.
    """

    def __init__(self, refs: Iterable[PluginRef] | None = None, env: Mapping[str, str] | None = None) -> None:
        self.manager = _Manager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.records = _sort_out(list(discover() if refs is None else refs), os.environ if env is None else env)
        # pluggy calls the plugin registered last first: registered backwards, they run in order of name.
        for record in reversed(self.records):
            if record.state is PluginState.LOADED:
                self._load(record)

    def record(self, name: str) -> PluginRecord | None:
        """The record of the plugin called `name`; of several, the first that is written for this API."""
        named = [record for record in self.records if record.name == name]
        return next((record for record in named if record.ref.group == API_GROUP), named[0] if named else None)

    def failed(self) -> Sequence[PluginRecord]:
        """Plugins that are there but cannot be used."""
        return [record for record in self.records if record.state in {PluginState.FAILED, PluginState.SHADOWED}]

    def _load(self, record: PluginRecord) -> None:
        try:
            module = importlib.import_module(record.ref.module)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - any plugin may fail in any way; it is recorded
            record.fail(error, "import failed")
            return
        try:
            _check_hooks(module)
            self.manager.register(module, name=record.name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
            if self.manager.has_plugin(record.name):  # pluggy 1.6 keeps what was registered before the fault
                self.manager.unregister(name=record.name)
            record.fail(error, "its hooks are not valid")


def _sort_out(refs: list[PluginRef], env: Mapping[str, str]) -> list[PluginRecord]:
    """Decide for each plugin, before any import, whether it may be loaded."""
    allowed = _names(env["NRUN_PLUGINS"]) if "NRUN_PLUGINS" in env else None
    denied = _names(env.get("NRUN_DISABLE_PLUGINS", ""))
    usable = [ref.name for ref in refs if ref.group == API_GROUP]
    records = []
    for ref in refs:
        twins = [other.distribution for other in refs if other.name == ref.name and other.group == API_GROUP]
        if ref.group != API_GROUP:
            state, cause = PluginState.INCOMPATIBLE, f"written for {ref.group}; this nrun speaks {API_GROUP}"
        elif (allowed is not None and ref.name not in allowed) or ref.name in denied:
            variable = "NRUN_DISABLE_PLUGINS" if ref.name in denied else "NRUN_PLUGINS"
            state, cause = PluginState.DISABLED, f"left out by {variable}"
        elif usable.count(ref.name) > 1:
            state, cause = PluginState.SHADOWED, f"the name is taken twice: by {' and '.join(twins)}; uninstall one"
        else:
            state, cause = PluginState.LOADED, ""
        records.append(PluginRecord(ref, state, cause))
    return records


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _check_hooks(module: ModuleType) -> None:
    """Refuse what pluggy lets pass: unknown hooks, forgotten marks, wrappers. Raises TypeError."""
    for name, value in vars(module).items():
        if not inspect.isroutine(value):
            continue
        options = getattr(value, f"{PROJECT}_impl", None)
        if options is None:
            if not name.startswith(HOOK_PREFIX):
                continue
            raise TypeError(f"{name} looks like a hook but lacks @hookimpl")
        if name not in HOOKS and not options["optionalhook"]:
            from nrun.errors import did_you_mean

            raise TypeError(f"there is no hook {name}.{did_you_mean(name, HOOKS)} It may need a newer nrun.")
        if any(options.get(option) for option in _ORDINARY_OPTIONS):
            raise TypeError(f"{name} is a wrapper; nrun's hooks take none (use nrun_around)")


def complain(host: PluginHost) -> None:
    """Say on stderr, in one line, that plugins failed, if any did."""
    if failed := host.failed():
        names = ", ".join(record.name for record in failed)
        what = "plugin" if len(failed) == 1 else "plugins"
        print(f"nrun: {len(failed)} {what} failed to load ({names}); see `nrun plugins doctor`", file=sys.stderr)  # noqa: T201 - the one line
