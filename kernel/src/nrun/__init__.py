"""nrun: configure, package, execute and manage machine-learning experiments.

Everything is imported on first use, so that `import nrun` costs next to nothing. Executors, packagers and
launchers are looked up in the installed plugins: `nrun.LocalExecutor` exists where a plugin declares it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; `typing` itself would cost more than the rest of this import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, ParamSpec, Protocol, TypeVar, overload

    from nrun import cli
    from nrun.config.build import build
    from nrun.config.edit import to_partial
    from nrun.config.identity import NoHash, content_id
    from nrun.config.node import Config, Fresh, Partial
    from nrun.config.script import Script
    from nrun.containers import Container, ContainerSpec
    from nrun.declare import (
        CheckResult,
        CheckSpec,
        CommandSpec,
        ExecutorSpec,
        FormatSpec,
        LanguageSpec,
        LauncherSpec,
        NameSpec,
        PackagerSpec,
        SecretSpec,
        ViewSpec,
    )
    from nrun.entrypoints import Entrypoint, Language
    from nrun.errors import (
        BackendError,
        ConfigError,
        JobsFailed,
        NrunError,
        PackagingError,
        PlanError,
        PluginError,
        RecordError,
        ResultError,
        TransportError,
        UnknownName,
        UsageError,
    )
    from nrun.experiment import Experiment
    from nrun.files import dump, dumps, load, loads
    from nrun.job import Job
    from nrun.local_tunnel import LocalTunnel
    from nrun.markers import hookimpl
    from nrun.model import Cause, Files, State
    from nrun.outcome import ExperimentStatus
    from nrun.planning.dependencies import Dependency
    from nrun.protocols import Backend, Executor, Format, IgnoreRule, Launcher, Packager, Packing, Plugin, View
    from nrun.provided import to_config
    from nrun.retries import Retries
    from nrun.secret import Secret
    from nrun.single import run
    from nrun.tunnels import Completed, HostCommand, Transport, TransportSpec, Tunnel

    P = ParamSpec("P")
    T = TypeVar("T")
    Described_co = TypeVar("Described_co", covariant=True)

    class Autoconverted(Protocol[P, T, Described_co]):
        """What `autoconvert` gives: see the plugin `config-autoconvert`, which provides both names."""

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Described_co: ...
        def as_config(self, *args: P.args, **kwargs: P.kwargs) -> Config[T]: ...
        def wrapped(self, *args: P.args, **kwargs: P.kwargs) -> T: ...

    @overload
    def autoconvert(f: Callable[P, T], /, *, partial: Literal[False] = False) -> Autoconverted[P, T, Config[T]]: ...
    @overload
    def autoconvert(f: Callable[P, T], /, *, partial: Literal[True]) -> Autoconverted[P, T, Partial[T]]: ...
    @overload
    def autoconvert(
        *, partial: Literal[False] = False
    ) -> Callable[[Callable[P, T]], Autoconverted[P, T, Config[T]]]: ...
    @overload
    def autoconvert(*, partial: Literal[True]) -> Callable[[Callable[P, T]], Autoconverted[P, T, Partial[T]]]: ...
    def autoconvert(f: object = None, /, *, partial: bool = False) -> object: ...
    def eager(function: Callable[P, T], /) -> Callable[P, T]: ...


__version__ = "0.1.0"

_HOMES = {
    "nrun.config": ("Config", "Partial", "build"),
    "nrun.config.script": ("Script",),
    "nrun.config.edit": ("to_partial",),
    "nrun.config.identity": ("NoHash", "content_id"),
    "nrun.config.node": ("Fresh",),
    "nrun.containers": ("Container", "ContainerSpec"),
    "nrun.declare": (
        *("CheckResult", "CheckSpec", "CommandSpec", "ExecutorSpec"),
        *("FormatSpec", "LanguageSpec", "LauncherSpec", "NameSpec", "PackagerSpec", "SecretSpec", "ViewSpec"),
    ),
    "nrun.errors": (
        *("BackendError", "ConfigError", "JobsFailed", "NrunError", "PackagingError", "PlanError", "PluginError"),
        *("RecordError", "ResultError", "TransportError", "UnknownName", "UsageError"),
    ),
    "nrun.entrypoints": ("Entrypoint", "Language"),
    "nrun.experiment": ("Experiment",),
    "nrun.single": ("run",),
    "nrun.outcome": ("ExperimentStatus",),
    "nrun.planning.dependencies": ("Dependency",),
    "nrun.retries": ("Retries",),
    "nrun.secret": ("Secret",),
    "nrun.files": ("dump", "dumps", "load", "loads"),
    "nrun.job": ("Job",),
    "nrun.local_tunnel": ("LocalTunnel",),
    "nrun.markers": ("hookimpl",),
    "nrun.model": ("Cause", "Files", "State"),
    "nrun.provided": ("to_config",),
    "nrun.protocols": (
        *("Backend", "Executor", "Format", "IgnoreRule", "Launcher", "Packager", "Packing", "Plugin", "View"),
    ),
    "nrun.tunnels": ("Completed", "HostCommand", "Transport", "TransportSpec", "Tunnel"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

# fmt: off
__all__ = [
    "Backend", "BackendError", "Cause", "CheckResult", "CheckSpec", "CommandSpec", "Completed", "Config",
    "ConfigError", "Container", "ContainerSpec", "Dependency", "Entrypoint", "Executor", "ExecutorSpec",
    "Experiment", "ExperimentStatus", "Files", "Format", "FormatSpec", "Fresh", "HostCommand", "IgnoreRule",
    "Job", "JobsFailed", "Language", "LanguageSpec", "Launcher", "LauncherSpec", "LocalTunnel", "NameSpec",
    "NoHash", "NrunError", "Packager", "PackagerSpec", "PackagingError", "Packing", "Partial", "PlanError",
    "Plugin", "PluginError", "RecordError", "ResultError", "Retries", "Script", "Secret", "SecretSpec", "State",
    "Transport", "TransportError", "TransportSpec", "Tunnel", "UnknownName", "UsageError", "View", "ViewSpec",
    "build", "cli", "content_id", "dump", "dumps", "hookimpl", "load", "loads", "run", "to_config",
    "to_partial",
]
# fmt: on


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a plugin declares is known only when it is installed
    import gc

    # Imports take a tenth longer with the garbage collector at work, which finds nothing in them.
    collecting = gc.isenabled()
    gc.disable()
    try:
        value = globals()[name] = _find(name)
    finally:
        if collecting:
            if not gc.get_freeze_count():  # what was imported is old, so that the next quick collection is quick
                gc.freeze()
                gc.unfreeze()
            gc.enable()
    return value


def _find(name: str) -> Any:  # noqa: ANN401 - as above
    import importlib

    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    if name == "cli":
        return importlib.import_module("nrun.cli")
    from importlib.util import find_spec

    if name.startswith("_") or find_spec(f"nrun.{name}"):  # `from nrun import errors` asks here first
        raise AttributeError(f"module 'nrun' has no attribute {name!r}")
    from nrun.provided import provided

    return provided(name)


def __dir__() -> list[str]:
    return sorted(__all__)
