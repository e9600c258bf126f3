"""`@run.cli.entrypoint`, `@run.cli.factory`, `run.cli.main`: what a script says about its functions.

Saying it costs next to nothing. What can then be typed is made by a plugin, the command language.
"""
# ruff: noqa: ANN401 - settings of several types, passed on

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast, overload

import attrs

from nrun.entrypoints import Entrypoint, RegisteredFactory
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType
    from typing import NoReturn

    import click

    from nrun.config.node import Config
    from nrun.entrypoints import Link
    from nrun.experiment import Experiment
    from nrun.outcome import ExperimentStatus
    from nrun.plugins import Hooks
    from nrun.protocols import Executor, Plugin

F = TypeVar("F", bound="Callable[..., Any]")
MARK = "cli_entrypoint"
LANGUAGE = "overrides"
"""The command language that is used unless `NRUN_LANGUAGE` names another."""

DEFAULT = "default"
"""The name under which a factory is found that is the default of its target."""


registered: list[RegisteredFactory] = []
"""What `factory` was applied to in this process, in order: to register is all that the decorator does."""


class RunContext(Protocol):
    """What an entrypoint of type "experiment" is given as its argument `ctx`: what was typed about the run."""

    name: str
    executor: Executor | None
    plugins: Sequence[Plugin]

    def launch(self, exp: Experiment, *, sequential: bool = False) -> ExperimentStatus | None:
        """Run an experiment; give None where it is only planned. Raises what `Experiment.run` raises."""


@overload
def entrypoint(function: F, /) -> F: ...
@overload
def entrypoint(
    *,
    name: str | None = None,
    namespace: str | None = None,
    help: str | None = None,
    type: Literal["task", "experiment"] = "task",
    default_factory: Callable[..., Any] | None = None,
    default_executor: Executor | Config[Executor] | None = None,
    default_plugins: Sequence[Plugin | Config[Plugin]] = (),
    skip_confirmation: bool = False,
    enable_executor: bool = True,
    cmd_defaults: Mapping[str, object] | None = None,
    env_prefix: str = "",
    links: Sequence[Link] = (),
) -> Callable[[F], F]: ...


def entrypoint(function: F | None = None, /, **settings: Any) -> F | Callable[[F], F]:
    """Let a function be run from the command line. The function itself stays as it is.

    `name` is that of the command (default: the function's), `namespace` the dotted groups that lead to it within that
    of its distribution (default: none), `help` replaces the first line of its docstring; the other settings are those
    of `Entrypoint`. Raises ConfigError for settings that do not fit.
    """
    if function is None:
        return cast("Callable[[F], F]", lambda one: entrypoint_of(one, **settings).function)
    return cast("F", entrypoint_of(function, **settings).function)


def entrypoint_of(function: Callable[..., Any], /, **settings: Any) -> Entrypoint:
    """The entrypoint that a function is marked as, or is made into; `settings` replace what the mark says."""
    known: Entrypoint | None = getattr(function, MARK, None)
    given = {name: value for name, value in settings.items() if value is not None}
    if known is not None:
        return attrs.evolve(known, **given)
    name = getattr(function, "__name__", type(function).__name__)
    first = (function.__doc__ or "").strip().partition("\n")[0]
    defaults = {"name": name.replace("_", "-"), "namespace": "", "help": first}
    try:
        made = Entrypoint(function=function, **{**defaults, **given})
    except TypeError as error:
        msg = f"entrypoint: {error}".replace("Entrypoint.__init__() ", "")
        hint = "what can be typed, and the `ctx` of experiments, are made by a command language: see `nrun_languages`"
        raise ConfigError(msg, hint=hint) from error
    if made.type not in ("task", "experiment"):
        raise ConfigError(f"entrypoint {name!r}: type must be 'task' or 'experiment', not {made.type!r}")
    setattr(function, MARK, made)
    return made


@overload
def factory(function: F, /) -> F: ...
@overload
def factory(
    *,
    target: Callable[..., Any] | None = None,
    target_arg: str | None = None,
    name: str | None = None,
    is_target_default: bool = False,
    namespace: str | None = None,
    override: bool = False,
) -> Callable[[F], F]: ...


def factory(  # noqa: PLR0913 - what can be said of a factory, by keyword
    function: F | None = None,
    /,
    *,
    target: Callable[..., Any] | None = None,
    target_arg: str | None = None,
    name: str | None = None,
    is_target_default: bool = False,
    namespace: str | None = None,
    override: bool = False,
) -> F | Callable[[F], F]:
    """Let what a function gives be named on the command line: `optimizer=adam(lr=3e-4)`.

    It is found for every argument of the type that its return annotation names (`Config[T]` counts as T), or, with
    `target` and `target_arg`, for that argument alone. With `is_target_default` it is called `default` as well, and is
    what an entrypoint that is its `target` starts from. A `namespace` says it all in text instead: `module.Class` or
    `module.function.argument`. With `override` it takes the place of another one of that name. Raises ConfigError for a
    `target_arg` without a `target`.
    """
    if target_arg is not None and target is None:
        msg = f"factory: target_arg={target_arg!r} needs the target whose argument it is"
        raise ConfigError(msg, hint="@run.cli.factory(target=train, target_arg='model')")

    def register(one: F) -> F:
        called = name or str(getattr(one, "__name__", type(one).__name__))
        registered.extend(
            RegisteredFactory(
                function=one, name=each, parent=target, argument=target_arg, namespace=namespace, override=override
            )
            for each in (called, DEFAULT)[: 1 + is_target_default]
        )
        return one

    return register if function is None else register(function)


def main(function: Callable[..., Any], /, **settings: Any) -> NoReturn:
    """Run a function with what was typed after the script: `python train.py model=big model.layers+=2`.

    `settings` are those of `entrypoint`. Exits as `nrun run` does: 0 if all succeeded, 1 if not, 2 for bad usage.
    """
    from nrun.cli.root import guarded
    from nrun.launching import Finished, current_session, stop_loading

    stop_loading()
    entry, words = entrypoint_of(function, **settings), sys.argv[1:]
    code = guarded(
        lambda: command_of(entry).main(args=words, prog_name=sys.argv[0], standalone_mode=False), debug=False
    )
    session = current_session()
    if session is not None and not code:  # the command that drives this script goes on if something is left to do
        raise SystemExit(0) if session.experiments else Finished(0)
    sys.exit(code)


def command_of(entry: Entrypoint, hooks: Hooks | None = None) -> click.Command:
    """The command for an entrypoint, made by the installed command language. Raises UnknownName without one."""
    import os

    from nrun.plugins import installed

    language = (hooks or installed()).languages.get(os.environ.get("NRUN_LANGUAGE", LANGUAGE))
    return language.language()().command(entry)


def group(*modules: ModuleType, name: str | None = None) -> click.Group:
    """The entrypoints that are defined in `modules`, as one group of commands, for a plugin's `nrun_commands`."""
    import click

    top = click.Group(name)
    for value in (value for module in modules for value in vars(module).values() if _is_defined_in(module, value)):
        entry: Entrypoint = getattr(value, MARK)
        at = top
        for part in filter(None, entry.namespace.split(".")):
            if part not in at.commands:
                at.add_command(click.Group(part))
            at = cast("click.Group", at.commands[part])
        at.add_command(command_of(entry), entry.name)
    return top


def _is_defined_in(module: ModuleType, value: object) -> bool:
    entry = getattr(value, MARK, None)
    return isinstance(entry, Entrypoint) and entry.function.__module__ == module.__name__
