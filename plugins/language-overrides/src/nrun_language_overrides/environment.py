"""Environment variables as items: with the prefix APP, `APP__model__layers=7` says what `model.layers=7` does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nrun.config.origin import Origin
from nrun_language_overrides.problems import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

BETWEEN = "__"
"""What stands between the prefix and the steps of a path: an argument whose name has it cannot be reached."""


def items_in(prefix: str, variables: Mapping[str, str] = os.environ) -> list[Source]:
    """What the variables with a prefix say, in the order of their names; nothing without a prefix."""
    start = prefix + BETWEEN
    return [
        Source(
            f"${name}", f"{name.removeprefix(start).replace(BETWEEN, '.')}={value}", origin=Origin("env", name, value)
        )
        for name, value in sorted(variables.items())
        if prefix and name.startswith(start)
    ]
