"""What plugins provide: names by kind, and the fields of the classes users write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun import ContainerSpec, TransportSpec
from nrun.arguments import as_data
from nrun.declare import ExecutorSpec, LauncherSpec, PackagerSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nrun.declare import Declared, Spec
    from nrun.plugins import Hooks, PluginRecord


@attrs.frozen
class Field:
    """A field of an executor, packager, launcher, container or tunnel."""

    name: str
    type: str
    default: str


@attrs.frozen
class Declaration:
    """One thing a plugin provides."""

    kind: str
    name: str
    summary: str
    fields: tuple[Field, ...] = ()

    def to_json(self) -> dict[str, object]:
        """As JSON."""
        return attrs.asdict(self)


def provided_by(hooks: Hooks) -> dict[str, dict[str, list[str]]]:
    """For each plugin, the names of what it provides, by kind."""
    found: dict[str, dict[str, list[str]]] = {}
    for kind, declared in _everything(hooks):
        found.setdefault(declared.plugin, {}).setdefault(kind, []).append(declared.spec.name)
    for plugin, names in hooks.takes_part().items():
        found.setdefault(plugin, {})["hook"] = names
    return found


def declarations(hooks: Hooks, record: PluginRecord) -> list[Declaration]:
    """Everything one plugin declares. Loads the classes it declares, to show their fields."""
    return [
        Declaration(kind, declared.spec.name, declared.spec.summary, _fields(declared.spec))
        for kind, declared in _everything(hooks)
        if declared.plugin == record.name
    ]


def _everything(hooks: Hooks) -> Iterator[tuple[str, Declared[Spec]]]:
    running = (hooks.executors, hooks.packagers, hooks.launchers, hooks.containers, hooks.transports)
    others = (hooks.secrets, hooks.formats, hooks.languages, hooks.views, hooks.names)
    for registry in (*running, *others, hooks.commands, hooks.checks):
        for declared in registry:
            yield registry.kind, declared  # type: ignore[misc] # Declared is read-only, so a narrower spec is fine


def _fields(spec: Spec) -> tuple[Field, ...]:
    if isinstance(spec, ExecutorSpec):
        cls: type = spec.executor()
    elif isinstance(spec, PackagerSpec):
        cls = spec.packager()
    elif isinstance(spec, LauncherSpec):
        cls = spec.launcher()
    elif isinstance(spec, ContainerSpec):
        cls = spec.container()
    elif isinstance(spec, TransportSpec):
        cls = spec.tunnel()
    else:
        return ()
    return tuple(Field(field.name, str(field.type), _default(field.default)) for field in attrs.fields(as_data(cls)))


def _default(value: object) -> str:
    if value is attrs.NOTHING:
        return "required"
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type] # attrs types Factory as a function
        made = value.factory  # type: ignore[attr-defined] # as above
        return f"{getattr(made, '__name__', 'made')}()"
    return repr(value)
