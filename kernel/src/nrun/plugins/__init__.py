"""Discovery, host and typed hooks: the only code that knows plugins are loaded from anywhere."""

from __future__ import annotations

import functools

from nrun.plugins.hooks import Hooks
from nrun.plugins.host import PluginHost, PluginRecord, PluginState

__all__ = ["Hooks", "PluginHost", "PluginRecord", "PluginState", "installed"]


@functools.cache
def installed() -> Hooks:
    """The hooks of the plugins installed in this process's environment, loaded on first use.

    It is cached because plugins cannot be unloaded; whoever wants other plugins makes a PluginHost.
    """
    return Hooks(PluginHost())
