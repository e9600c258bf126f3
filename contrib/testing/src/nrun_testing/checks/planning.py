"""Before anything is opened."""
# ruff: noqa: S101 - the checks are assertions

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun_testing.audit import doings
from nrun_testing.checks.base import Checks
from nrun_testing.rig import Work

if TYPE_CHECKING:
    from nrun_testing.rig import Rig

FEATURES = frozenset({"groups", "code", "output"})


class PlanningChecks(Checks):
    """Plans are pure, and a backend says beforehand what it can do."""

    def test_capabilities_are_known_before_opening_and_refusals_have_reasons(self, rig: Rig) -> None:
        """Promises 7 and 8."""
        known = rig.backend().capabilities
        assert known.batch >= 1, "a batch holds at least one job"
        assert known.concurrency is None or known.concurrency >= 1, "at least one job must run at a time"
        unknown = set(known.refuses) - FEATURES
        assert not unknown, f"nothing in nrun asks for {unknown}; it knows {sorted(FEATURES)}"
        silent = [feature for feature, reason in known.refuses.items() if not reason.strip()]
        assert not silent, f"refused without a reason: {silent}"

    def test_the_same_jobs_give_the_same_plan(self, rig: Rig) -> None:
        """Promise 1: no clock, no chance, no memory."""
        launches = [rig.launch("first", Work(output="hi")), rig.launch("second", Work(exit_code=3))]
        backend = rig.backend()
        once, again, elsewhere = backend.plan(launches), backend.plan(launches), rig.backend().plan(launches)
        assert list(once) == list(again) == list(elsewhere), "planning twice gave different submissions"
        named = sorted(job for submission in once for job in submission.jobs)
        assert named == ["first", "second"], f"every job is in exactly one submission, not {named}"
        for submission in once:
            assert set(submission.files) == set(submission.jobs), "each job of a submission has its files, if only none"

    def test_planning_touches_nothing(self, rig: Rig) -> None:
        """Promise 1: no I/O. The first plan may import; the second may not touch a thing."""
        launches = [rig.launch("job", Work(output="hi"))]
        backend = rig.backend()
        backend.plan(launches)
        with doings() as done:
            backend.plan(launches)
        assert not done, f"planning did: {done}"
