"""The two marks by which pluggy knows a hook, and the entry-point group that plugins join."""

from __future__ import annotations

from typing import Final

import pluggy

PROJECT: Final = "nrun"
API_GROUP: Final = "nrun.v1"
"""Entry-point group of plugins written against this version of the hooks."""

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)
