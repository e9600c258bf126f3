"""From an experiment to its plan, and from a plan to exact scripts: pure, no I/O, no clock."""

from __future__ import annotations

from nrun.planning.commands import ARGUMENT, launch_of, secrets_in, task_json
from nrun.planning.dependencies import Dependency, check_dependencies, dependencies_of, one_after_another
from nrun.planning.jobs import Job, Plan, RecordedTask, Surroundings, Task, check_executor, check_name
from nrun.planning.planner import plan_experiment
from nrun.planning.shell import SECRETS_FILE, exportable, launch_files, secret_files, task_folders, word_of

__all__ = [
    "ARGUMENT",
    "SECRETS_FILE",
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
    "exportable",
    "launch_files",
    "launch_of",
    "one_after_another",
    "plan_experiment",
    "secret_files",
    "secrets_in",
    "task_folders",
    "task_json",
    "word_of",
]
