"""From an experiment to its plan, and from a plan to exact scripts: pure, no I/O, no clock."""

from __future__ import annotations

from nrun.planning.commands import launch_of, task_json
from nrun.planning.dependencies import Dependency, check_dependencies, dependencies_of
from nrun.planning.jobs import Job, Plan, RecordedTask, Surroundings, Task, check_executor, check_name
from nrun.planning.planner import plan_experiment
from nrun.planning.shell import launch_files

__all__ = [
    "Dependency",
    "Job",
    "Plan",
    "RecordedTask",
    "Surroundings",
    "Task",
    "check_dependencies",
    "check_executor",
    "check_name",
    "dependencies_of",
    "launch_files",
    "launch_of",
    "plan_experiment",
    "task_json",
]
