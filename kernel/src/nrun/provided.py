"""`nrun.LocalExecutor` and friends, and methods of configurations: what installed plugins provide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar, cast

from nrun.errors import ConfigError, PluginError, UnknownName, did_you_mean
from nrun.plugins import installed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from typing import Any

    from nrun.config import Config
    from nrun.config.node import BaseNode, Node
    from nrun.declare import Declared
    from nrun.plugins import Hooks
    from nrun.protocols import View


T = TypeVar("T")


def provided(name: str, hooks: Hooks | None = None) -> Any:  # noqa: ANN401 - a class, or whatever a name stands for
    """What a plugin provides under `name`: the class of an executor, for example, or a name of its own.

    Raises UnknownName, an AttributeError, naming the distribution to install; PluginError with its
    cause when the class cannot be loaded, is provided twice, or a plugin that failed may be the one.
    """
    hooks = hooks or installed()
    offers: list[tuple[str, Declared[Any], Callable[[], Any]]] = [
        *((found.spec.class_name, found, found.spec.executor) for found in hooks.executors),
        *((found.spec.class_name, found, found.spec.packager) for found in hooks.packagers),
        *((found.spec.class_name, found, found.spec.launcher) for found in hooks.launchers),
        *((found.spec.name, found, found.spec.load) for found in hooks.names),
    ]
    if name.endswith("Container"):
        offers += ((found.spec.class_name, found, found.spec.container) for found in hooks.containers)
    if name.endswith("Tunnel"):
        offers += ((found.spec.class_name, found, found.spec.tunnel) for found in hooks.transports)
    if offered := [(found, load) for each, found, load in offers if each == name]:
        return _load(name, offered)
    kind, short = _kind_and_name(name)
    for record in hooks.host.failed():
        if (short or name) in re.split(r"\W+", record.name) or record.name.endswith(short or name):
            raise PluginError(
                f"{name} is not available: plugin {record.name!r} failed: {record.cause}",
                hint="`nrun plugins doctor` shows the traceback",
                plugin=f"{record.ref.distribution} {record.ref.version}",
            )
    here = "a plugin may provide it; `nrun plugins list` shows those here, and `nrun[nemo]` has names of NeMo Run"
    hint = f"pip install nrun-{kind}-{short}" if kind else here
    msg = f"no installed plugin provides {name}.{did_you_mean(name, [each for each, _, _ in offers])}"
    raise UnknownName(msg, hint=hint)


def config_view(hooks: Hooks | None = None) -> View:
    """What shows and compares configurations. Raises UnknownName naming the distribution to install; PluginError."""
    views = (hooks or installed()).views
    spec = views.get("view")
    view: View = _load("view", [(found, found.spec.view) for found in views if found.spec is spec])()
    return view


def diff(config: object, old: object) -> object:
    """What has changed since `old`, which is a tree too, or data such as an executor. `print` shows it."""
    from nrun.config.node import BaseNode

    trees = [one if isinstance(one, BaseNode) else to_config(one) for one in (config, old)]
    return config_view().diff(*trees)


def to_config(described: BaseNode[T] | T) -> Config[T]:
    """A `Config` of what a node calls, with its arguments, or of an instance with fields, such as an executor.

    Of an instance it has what is not by default. Raises ConfigError if an argument is Fresh, and for anything else.
    """
    from nrun.config.edit import to_config as of_node
    from nrun.config.node import BaseNode
    from nrun.config.show import brief

    made = of_node(described) if isinstance(described, BaseNode) else _described(described)
    if made is described:
        raise ConfigError(f"{brief(described)} has no fields, so there is no configuration of it")
    return cast("Config[T]", made)


def _described(value: Any) -> Any:  # noqa: ANN401 - as below
    """What builds to `value`: in the place of each instance with fields, however deep, a `Config`."""
    from nrun.config import Config
    from nrun.config.target import signature_of
    from nrun.config.values import fields_of, is_data_class

    if isinstance(value, list | tuple):
        return type(value)([_described(item) for item in value])
    if isinstance(value, dict):
        return {key: _described(item) for key, item in value.items()}
    if not is_data_class(cls := type(value)):
        return value
    fields = {name: item for name, item in fields_of(value).items() if item != signature_of(cls).default(name)}
    return Config(cls, **_described(fields))


def visualize(config: Node) -> object:
    """A picture of a tree. Notebooks show it, and `print` does as text."""
    return config_view().visualize(config)


def save_config_img(config: Node, path: str | PathLike[str]) -> None:
    """Write a picture of a tree to a file. Raises ConfigError if it cannot be written, or not in such a format."""
    config_view().save_config_img(config, path)


def _load(name: str, offers: Sequence[tuple[Declared[Any], Callable[[], Any]]]) -> Any:  # noqa: ANN401 - as above
    who = " and ".join(found.distribution for found, _ in offers)
    if len(offers) > 1:
        msg = f"{name} is provided twice: by {who}"
        raise PluginError(msg, hint="uninstall one, or leave it out with NRUN_DISABLE_PLUGINS")
    try:
        return offers[0][1]()
    except Exception as error:
        raise PluginError(f"{name} cannot be loaded: {type(error).__name__}: {error}", plugin=who) from error


def _kind_and_name(class_name: str) -> tuple[str, str]:
    """The kind and the plugin's name in `nrun-<kind>-<name>` for a class, by the convention for both."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", class_name)
    last = words[-1].lower() if words else ""
    if len(words) > 1 and last in {"executor", "packager", "launcher", "tunnel", "container"}:
        return last.replace("tunnel", "transport"), "-".join(words[:-1]).lower()
    return "", "-".join(words).lower()
