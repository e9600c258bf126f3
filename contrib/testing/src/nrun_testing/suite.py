"""`BackendSuite`: whether a backend keeps the promises of `nrun.protocols.Backend`.

Subclass it in a test module, with one fixture, and pytest runs every check against your backend::

    class TestPbs(BackendSuite):
        @pytest.fixture
        def make_executor(self):
            return lambda work: PbsExecutor(queue="test")

A backend that runs processes gets its work as a script and may ignore `work`. Each check is given a record
of its own, and whatever it started is stopped when it is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nrun.plugins import installed
from nrun.record import claim_folder, copy_worker, publish
from nrun_testing.checks.handles import HandleChecks
from nrun_testing.checks.planning import PlanningChecks
from nrun_testing.checks.running import RunningChecks
from nrun_testing.checks.secrets import SecretChecks
from nrun_testing.checks.stopping import StoppingChecks
from nrun_testing.checks.watching import WatchingChecks
from nrun_testing.rig import Rig, Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nrun import Backend, Executor
    from nrun.model import Place

TITLE = "a title's $(odd) `name`"

__all__ = ["BackendSuite", "Rig", "Work"]


class BackendSuite(PlanningChecks, RunningChecks, SecretChecks, HandleChecks, WatchingChecks, StoppingChecks):
    """One check for each thing that the engine, and whoever looks after jobs later, relies on."""

    @pytest.fixture
    def make_executor(self) -> Callable[[Work], Executor]:
        """Override it: a function that gives an executor whose jobs do some `Work`, always for the same place."""
        msg = f"{type(self).__name__} must have a fixture make_executor"
        raise NotImplementedError(msg)

    def make_backend(self, place: Place) -> Backend:
        """A backend for `place`, not opened: the one that the installed plugin declares."""
        return installed().executors.get(place.kind).backend()(place)

    @pytest.fixture
    def rig(self, make_executor: Callable[[Work], Executor], tmp_path: Path) -> Rig:
        """A record and a current folder of its own for each check."""
        folder = publish(claim_folder(tmp_path / "home", TITLE))
        copy_worker(folder)
        return Rig(
            make_executor=make_executor,
            make_backend=self.make_backend,
            folder=folder,
            cwd=tmp_path,
            deadline_s=self.deadline_s,
            brief=Work(runs_for_s=self.brief_s),
        )

    @classmethod
    def checks(cls) -> list[str]:
        """Names of all the checks."""
        return [name for name in dir(cls) if name.startswith("test_")]
