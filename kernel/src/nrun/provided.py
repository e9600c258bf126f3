"""`nrun.LocalExecutor` and friends: public classes that installed plugins provide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nrun.errors import PluginError, UnknownName, did_you_mean
from nrun.plugins import installed

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.plugins import Hooks


def provided(name: str, hooks: Hooks | None = None) -> type:
    """The class that a plugin provides under `name`.

    Raises UnknownName, an AttributeError, naming the distribution to install; PluginError with its
    cause when a plugin that failed to load may be the one.
    """
    hooks = hooks or installed()
    loaders: dict[str, Callable[[], type]] = {}
    loaders |= {found.spec.class_name: found.spec.executor for found in hooks.executors}
    loaders |= {found.spec.class_name: found.spec.packager for found in hooks.packagers}
    loaders |= {found.spec.class_name: found.spec.launcher for found in hooks.launchers}
    if name in loaders:
        return loaders[name]()
    kind, short = _kind_and_name(name)
    for record in hooks.host.failed():
        if short in re.split(r"\W+", record.name) or record.name.endswith(short):
            raise PluginError(
                f"{name} is not available: plugin {record.name!r} failed: {record.cause}",
                hint="`nrun plugins doctor` shows the traceback",
                plugin=f"{record.ref.distribution} {record.ref.version}",
            )
    hint = (
        f"pip install nrun-{kind}-{short}" if kind else "a plugin may provide it; `nrun plugins list` shows those here"
    )
    msg = f"no installed plugin provides {name}.{did_you_mean(name, loaders)}"
    raise UnknownName(msg, hint=hint)


def _kind_and_name(class_name: str) -> tuple[str, str]:
    """The kind and the plugin's name in `nrun-<kind>-<name>` for a class, by the convention for both."""
    words = re.findall(r"[A-Z][a-z0-9]*|[A-Z]+(?![a-z])", class_name)
    last = words[-1].lower() if words else ""
    if len(words) > 1 and last in {"executor", "packager", "launcher"}:
        return last, "-".join(words[:-1]).lower()
    return "", "-".join(words).lower()
