"""From an experiment to its plan, and from a plan to exact scripts: pure, no I/O, no clock."""

from __future__ import annotations

from nrun.planning.commands import launch_of, task_json
from nrun.planning.jobs import (
    Job,
    Plan,
    Surroundings,
    Task,
    check_dependencies,
    check_executor,
    check_name,
    dependency_names,
)
from nrun.planning.planner import plan_experiment
from nrun.planning.shell import launch_files

__all__ = [
    "Job",
    "Plan",
    "Surroundings",
    "Task",
    "check_dependencies",
    "check_executor",
    "check_name",
    "dependency_names",
    "launch_files",
    "launch_of",
    "plan_experiment",
    "task_json",
]
