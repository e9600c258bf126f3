"""Takes secrets from the environment."""

from __future__ import annotations

import os

from nrun.errors import UsageError


def resolve(name: str) -> str:
    """The value of an environment variable. Raises UsageError if it is not set, or empty."""
    value = os.environ.get(name, "")
    if not value:
        state = "empty" if name in os.environ else "not set"
        msg = f"the environment variable {name!r} is {state}"
        raise UsageError(msg, hint=f"export {name} where you launch or resume")
    return value
