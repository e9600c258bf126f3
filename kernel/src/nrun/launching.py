"""What launching takes from the process it happens in: its surroundings, and the command that drives it."""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from nrun.experiment import Experiment
    from nrun.interrupts import OnInterrupt
    from nrun.planning import Surroundings

MAIN_MODULES = ("__main__", "__nrun_main__")


class LaunchInsideJob(BaseException):
    """A job loaded the script that launched it, to find its function, and got to where the script launches.

    The worker, which knows this class by its name, stops loading there: everything defined above is loaded.
    """

    def __str__(self) -> str:
        return (
            "this script launches an experiment when a job loads it to find a function; define the function "
            "above the launch, or launch under `if __name__ == '__main__':`"
        )


class Finished(SystemExit):
    """The command of an entrypoint has done all there is to do, such as to show its help."""


def stop_loading() -> None:
    """Raise LaunchInsideJob if a job loads the script that calls this: here it launches."""
    if "NRUN_LOADING" in os.environ:
        raise LaunchInsideJob


@attrs.define(eq=False, repr=False)
class Session:
    """The experiments of a script that a command runs, and what was typed about how; see `Experiment.run`."""

    plan_only: bool = False
    """They are planned, not run."""
    launch: bool = False
    detach: bool = False
    fail_fast: bool = False
    on_interrupt: OnInterrupt | None = None
    experiments: list[Experiment] = attrs.field(factory=list)
    sequential: set[int] = attrs.field(factory=set)

    def note(self, exp: Experiment) -> None:
        """Note an experiment to which the script added a job."""
        if exp not in self.experiments:
            self.experiments.append(exp)

    def forget(self, experiments: Collection[Experiment]) -> None:
        """Leave experiments alone: whoever made them has dealt with them."""
        self.experiments = [exp for exp in self.experiments if exp not in experiments]


_session: contextvars.ContextVar[Session | None] = contextvars.ContextVar("nrun_session", default=None)


def current_session() -> Session | None:
    """The session in which this code runs, if a command drives it."""
    return _session.get()


def only_planned(exp: Experiment, *, sequential: bool) -> bool:
    """Whether a command plans the experiments of this script, and runs none. It notes in which order."""
    session = _session.get()
    if session is None or not session.plan_only:
        return False
    if sequential:
        session.sequential.add(id(exp))
    return True


def wishes(*, detach: bool, fail_fast: bool, on_interrupt: OnInterrupt | None) -> tuple[bool, bool, OnInterrupt | None]:
    """What is wished here, with what was typed."""
    typed = _session.get() or Session()
    return detach or typed.detach, fail_fast or typed.fail_fast, typed.on_interrupt or on_interrupt


@contextlib.contextmanager
def session(
    *,
    plan_only: bool = False,
    launch: bool = False,
    detach: bool = False,
    fail_fast: bool = False,
    on_interrupt: OnInterrupt | None = None,
) -> Iterator[Session]:
    """Collect the experiments that are made within."""
    new = Session(plan_only, launch, detach, fail_fast, on_interrupt)
    token = _session.set(new)
    try:
        yield new
    finally:
        _session.reset(token)


def surroundings() -> Surroundings:
    """What tasks take over from this process: its folder, where it imports from, and its script."""
    from nrun.planning import Surroundings  # not for whom only asks for the session, such as help

    main = next((sys.modules[name] for name in reversed(MAIN_MODULES) if name in sys.modules), None)
    file = getattr(main, "__file__", None)
    spec = getattr(main, "__spec__", None)
    folder = sys.path[0] if sys.path else ""
    cwd = os.getcwd()  # noqa: PTH109 - a text is wanted
    return Surroundings(
        cwd=cwd,
        path=(os.path.abspath(folder) if folder else cwd,),  # noqa: PTH100 - as above
        main=os.path.abspath(file) if file and os.path.exists(file) else None,  # noqa: PTH100, PTH110 - as above
        main_module=spec.name if spec is not None and spec.name not in MAIN_MODULES else None,
    )
