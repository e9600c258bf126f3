"""Tells of tokens in clear text among the environment variables of a plan."""

from __future__ import annotations

import functools
import re
import sys
from typing import TYPE_CHECKING

from nrun import Script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nrun.planning import Plan

_NAME = re.compile(r"(?:^|_)(?:TOKEN|SECRET|CREDENTIALS?|PASSPHRASE|API_?KEY|KEY)$|PASSW(?:OR)?D", re.IGNORECASE)
_VALUE = re.compile(
    r"hf_\w{20,}|sk-[\w-]{20,}|(?:gh[pousr]|github_pat)_\w{20,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_HARMLESS = re.compile(r".{0,5}|[\d.]+|[/~].*|true|false", re.IGNORECASE | re.DOTALL)
"""Values that are no token, whatever the variable is called: short ones, numbers, paths."""


def looks_like_a_token(name: str, value: object) -> bool:
    """Whether a variable seems to hold what only its owner should know. A `Secret` does not: it is a reference."""
    if not isinstance(value, str):
        return False
    return bool(_VALUE.match(value) or (_NAME.search(name) and not _HARMLESS.fullmatch(value)))


def warn(plan: Plan) -> None:
    """Tell of the variables that look like tokens, on stderr, with what to write instead."""
    found = dict.fromkeys(
        name
        for variables in _environments(plan)
        for name, value in variables.items()
        if looks_like_a_token(name, value)
    )
    if found:
        _say(", ".join(found), next(iter(found)))


def _environments(plan: Plan) -> Iterator[Mapping[str, object]]:
    for executor in plan.executors():
        yield executor.env_vars
    for job in plan.jobs:
        for task in job.tasks:
            if isinstance(task, Script):
                yield task.env


@functools.cache  # what was said of an experiment need not be said when it is planned again
def _say(names: str, one: str) -> None:
    told = f"nrun: these look like tokens, and are written in clear text to the record: {names}\n"
    told += f'  hint: {{"{one}": run.Secret("env:{one}")}} hands the value to the job alone'
    print(told, file=sys.stderr)  # noqa: T201 - a plugin has no other way to warn
