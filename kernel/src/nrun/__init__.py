"""nrun: configure, package, execute and manage machine-learning experiments.

Everything is imported on first use, so that `import nrun` costs next to nothing. Executors, packagers and
launchers are looked up in the installed plugins: `nrun.LocalExecutor` exists where a plugin declares it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; `typing` itself would cost more than the rest of this import
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from nrun import cli
    from nrun.config import Config, Partial, Script, build
    from nrun.declare import CheckResult, CheckSpec, CommandSpec, ExecutorSpec, LauncherSpec, PackagerSpec
    from nrun.errors import (
        BackendError,
        ConfigError,
        JobsFailed,
        NrunError,
        PlanError,
        PluginError,
        RecordError,
        ResultError,
        UnknownName,
        UsageError,
    )
    from nrun.experiment import Experiment, run
    from nrun.job import Job
    from nrun.markers import hookimpl
    from nrun.model import State
    from nrun.outcome import ExperimentStatus
    from nrun.protocols import Backend, Executor, Launcher, Packager

__version__ = "0.1.0"

_HOMES = {
    "nrun.config": ("Config", "Partial", "Script", "build"),
    "nrun.declare": ("CheckResult", "CheckSpec", "CommandSpec", "ExecutorSpec", "LauncherSpec", "PackagerSpec"),
    "nrun.errors": (
        *("BackendError", "ConfigError", "JobsFailed", "NrunError", "PlanError", "PluginError"),
        *("RecordError", "ResultError", "UnknownName", "UsageError"),
    ),
    "nrun.experiment": ("Experiment", "run"),
    "nrun.outcome": ("ExperimentStatus",),
    "nrun.job": ("Job",),
    "nrun.markers": ("hookimpl",),
    "nrun.model": ("State",),
    "nrun.protocols": ("Backend", "Executor", "Launcher", "Packager"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Backend",
    "BackendError",
    "CheckResult",
    "CheckSpec",
    "CommandSpec",
    "Config",
    "ConfigError",
    "Executor",
    "ExecutorSpec",
    "Experiment",
    "ExperimentStatus",
    "Job",
    "JobsFailed",
    "Launcher",
    "LauncherSpec",
    "NrunError",
    "Packager",
    "PackagerSpec",
    "Partial",
    "PlanError",
    "PluginError",
    "RecordError",
    "ResultError",
    "Script",
    "State",
    "UnknownName",
    "UsageError",
    "build",
    "cli",
    "hookimpl",
    "run",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a plugin declares is known only when it is installed
    if name in _HOME_OF:
        value = getattr(_load(_HOME_OF[name]), name)
    elif name == "cli":
        value = _load("nrun.cli")
    elif name[:1].isupper():
        from nrun.provided import provided

        value = provided(name)
    else:
        msg = f"module 'nrun' has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def _load(module: str) -> ModuleType:
    """Import a module with the garbage collector at rest: it would find nothing, in a tenth of the time this takes."""
    import gc
    import importlib

    collecting = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        if collecting:
            gc.enable()


def __dir__() -> list[str]:
    return sorted(__all__)
