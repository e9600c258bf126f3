"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import SecretSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nrun.planning import Plan


@hookimpl
def nrun_secrets() -> Iterable[SecretSpec]:
    """`env:NAME`: a variable of the environment."""
    yield SecretSpec(
        name="env", summary="A variable of the environment of whoever submits: env:NAME", resolver=_resolver
    )


@hookimpl
def nrun_validate(plan: Plan) -> Iterable[str]:
    """Warn of tokens in clear text; they are no reason to refuse a plan."""
    from nrun import Script  # not for those who never plan

    scripts = (task for job in plan.jobs for task in job.tasks if isinstance(task, Script))
    if any(executor.env_vars for executor in plan.executors()) or any(task.env for task in scripts):
        from nrun_secret_env.tokens import warn

        warn(plan)
    return ()


def _resolver() -> Callable[[str], str]:
    from nrun_secret_env.resolver import resolve

    return resolve
