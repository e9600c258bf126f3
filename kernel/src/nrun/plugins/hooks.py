"""The typed face of the hooks: the only code that calls a plugin through pluggy.

One method per hook, one private function per calling convention (`nrun.hookspecs` defines them).
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, TypeVar, cast

from nrun import declare
from nrun.errors import NrunError, PackagingError, PluginError
from nrun.plugins.host import PluginState
from nrun.plugins.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import pluggy

    from nrun.containers import ContainerSpec
    from nrun.planning import Plan, Task
    from nrun.plugins.host import PluginHost, PluginRecord
    from nrun.plugins.observers import Observers
    from nrun.protocols import IgnoreRule
    from nrun.tunnels import TransportSpec

_PARTICIPATION = (
    *("nrun_configure", "nrun_default_executor", "nrun_validate"),
    *("nrun_ignore_rule", "nrun_around", "nrun_event"),
)
SpecT = TypeVar("SpecT", bound=declare.Spec)


def _declared(kind: str, hook: str, cls: type[SpecT]) -> functools.cached_property[Registry[SpecT]]:
    """What the plugins declare by `hook`, collected once."""
    return functools.cached_property(lambda self: self._collect(kind, hook, cls))


class Hooks:
    """Everything the kernel may ask of the plugins of one host."""

    def __init__(self, host: PluginHost) -> None:
        self.host = host

    # ---- declarations: collected once

    executors = _declared("executor", "nrun_executors", declare.ExecutorSpec)
    """Where tasks can run."""
    packagers = _declared("packager", "nrun_packagers", declare.PackagerSpec)
    """What code can travel."""
    launchers = _declared("launcher", "nrun_launchers", declare.LauncherSpec)
    """How processes can start."""

    @functools.cached_property
    def containers(self) -> Registry[ContainerSpec]:
        """What can run images."""
        from nrun.containers import ContainerSpec  # few jobs run in one

        return self._collect("container", "nrun_containers", ContainerSpec)

    @functools.cached_property
    def transports(self) -> Registry[TransportSpec]:
        """How hosts can be reached."""
        from nrun.tunnels import TransportSpec  # few jobs leave this machine

        return self._collect("transport", "nrun_transports", TransportSpec)

    secrets = _declared("secret", "nrun_secrets", declare.SecretSpec)
    """Where tokens come from."""
    formats = _declared("config", "nrun_formats", declare.FormatSpec)
    """How a configuration can be written down."""
    languages = _declared("language", "nrun_languages", declare.LanguageSpec)
    """What can be typed after an entrypoint."""
    views = _declared("config", "nrun_views", declare.ViewSpec)
    """How configurations are shown and compared."""
    commands = _declared("command", "nrun_commands", declare.CommandSpec)
    """What can be typed."""
    names = _declared("names", "nrun_names", declare.NameSpec)
    """What Python programs can call."""
    checks = _declared("check", "nrun_checks", declare.CheckSpec)
    """What `nrun plugins doctor` looks at."""

    def takes_part(self) -> dict[str, list[str]]:
        """For each plugin, the hooks by which it takes part in runs or watches them, beyond declaring."""
        found: dict[str, list[str]] = {}
        for hook in _PARTICIPATION:
            for record, _ in self._implementations(hook):
                found.setdefault(record.name, []).append(hook)
        return found

    # ---- participation: may fail a run

    def configure(self, task: Task, job: str) -> Task:
        """`task` as the plugins want it."""
        for record, function in self._implementations("nrun_configure"):
            changed = _call(record, "nrun_configure", function, task=task, job=job)
            task = task if changed is None else cast("Task", changed)
        return task

    def default_executor(self) -> str:
        """Name of the executor for jobs that were given none."""
        for record, function in self._implementations("nrun_default_executor"):
            name = _call(record, "nrun_default_executor", function)
            if name is not None:
                return cast("str", name)
        return "local"

    def validate(self, plan: Plan) -> list[str]:
        """Every objection to `plan`, each with the plugin that raised it."""
        problems: list[str] = []
        for record, function in self._implementations("nrun_validate"):
            try:
                with _attributed(record, "nrun_validate"):
                    found = list(cast("Iterable[str]", function(plan=plan) or ()))
            except PluginError as error:
                found = [error.message]
            problems += [f"{problem} (says plugin {record.name})" for problem in found]
        return problems

    @contextlib.asynccontextmanager
    async def around(self, plan: Plan) -> AsyncIterator[None]:
        """Within what the plugins wrap around a run of `plan`."""
        async with contextlib.AsyncExitStack() as stack:
            for record, function in self._implementations("nrun_around"):
                scope = _call(record, "nrun_around", function, plan=plan)
                if scope is not None:
                    with _attributed(record, "nrun_around"):
                        await stack.enter_async_context(cast("AbstractAsyncContextManager[None]", scope))
            yield

    def ignore_rule(self, root: Path) -> IgnoreRule:
        """What stays behind of a folder. Raises PackagingError if no plugin says that."""
        for record, function in self._implementations("nrun_ignore_rule"):
            rule = _call(record, "nrun_ignore_rule", function, root=root)
            if rule is not None:
                return cast("IgnoreRule", rule)
        msg = "nothing installed says what stays behind when code is shipped"
        raise PackagingError(msg, hint="pip install nrun-ignore-gitignore")

    # ---- observation: never fails a run

    def observers(self, *, watching: bool = False) -> Observers:
        """Those who want to be told, for the length of one run; with `watching`, of one that another process does."""
        from nrun.plugins.observers import Observers  # asyncio: only runs need it

        return Observers(self._implementations("nrun_event", "watching" if watching else ""), watching=watching)

    # ---- the conventions

    def _implementations(self, hook: str, takes: str = "") -> list[tuple[PluginRecord, Callable[..., object]]]:
        """Who implements `hook`, and takes that argument, in order of calling: tryfirst, then by name, then trylast."""
        caller: pluggy.HookCaller = getattr(self.host.manager.hook, hook)
        found: list[tuple[PluginRecord, Callable[..., object]]] = []
        for impl in reversed(caller.get_hookimpls()):
            record = self.host.record(impl.plugin_name)
            if record is not None and record.state is PluginState.LOADED and takes in {"", *impl.argnames}:
                found.append((record, functools.partial(_with_known, impl.function, frozenset(impl.argnames))))
        return found

    def _collect(self, kind: str, hook: str, cls: type[SpecT]) -> Registry[SpecT]:
        by_name: dict[str, list[declare.Declared[SpecT]]] = {}
        for record, function in self._implementations(hook):
            try:
                specs = list(cast("Sequence[SpecT]", function() or ()))
                for spec in specs:
                    if not isinstance(spec, cls):
                        msg = f"{hook} must give {cls.__name__} objects, not {type(spec).__name__}"
                        raise TypeError(msg)  # noqa: TRY301 - one guard for everything a plugin may do wrong
            except (Exception, SystemExit) as error:  # noqa: BLE001 - recorded; other plugins go on
                record.fail(error, f"{hook} failed")
                continue
            for spec in specs:
                declared = declare.Declared(spec, record.name, record.ref.distribution)
                by_name.setdefault(spec.name, []).append(declared)
        for name, owners in by_name.items():
            if len(owners) > 1:
                who = " and ".join(dict.fromkeys(owner.distribution for owner in owners))
                for owner in owners:
                    record = cast("PluginRecord", self.host.record(owner.plugin))
                    record.fail(NrunError(f"{kind} {name!r} is declared twice: by {who}"), f"{hook} clashes")
        failed = {record.name for record in self.host.failed()}
        declared_once = [owner for owners in by_name.values() for owner in owners if owner.plugin not in failed]
        return Registry(kind, declared_once, self.host.failed())


def _with_known(function: Callable[..., object], known: frozenset[str], **arguments: object) -> object:
    """Call an implementation with those of the arguments that it takes."""
    return function(**{name: value for name, value in arguments.items() if name in known})


def _call(record: PluginRecord, hook: str, function: Callable[..., object], **arguments: Any) -> object:  # noqa: ANN401 - forwarded
    with _attributed(record, hook):
        return function(**arguments)


@contextlib.contextmanager
def _attributed(record: PluginRecord, hook: str) -> Iterator[None]:
    """Have what a participant raises name it: nrun's own errors stay what they are, others become PluginError."""
    plugin = f"{record.ref.distribution} {record.ref.version}"
    try:
        yield
    except NrunError as error:
        error.plugin = error.plugin or plugin
        raise
    except (Exception, SystemExit) as error:
        msg = f"plugin {record.name!r} failed in {hook}: {type(error).__name__}: {error}"
        raise PluginError(msg, plugin=plugin) from error
