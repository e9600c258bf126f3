"""From `FILE[:NAME]` on the command line to experiments: shared by the commands that run and that plan."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import types
from typing import TYPE_CHECKING

from nrun.cli.entrypoint import LANGUAGE, command_of, entrypoint_of
from nrun.errors import NrunError, ResultError, UsageError, did_you_mean
from nrun.experiment import Experiment
from nrun.job import name_of, task_of
from nrun.launching import Finished
from nrun.plugins import installed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun.launching import Session


def load_experiments(target: str, args: Sequence[str], collected: Session) -> None:
    """Carry out `FILE[:NAME] ARGS`; the experiments it makes, run or not, are noted in `collected`.

    FILE alone is run as a script, with `args` as its arguments. NAME is an Experiment, a task, a function that is
    annotated to return an Experiment, or any other function: an entrypoint, whose command reads `args`. Raises
    UsageError, what the script raises on purpose, ScriptFailed for everything else, and SystemExit where the command
    of an entrypoint has done all there is to do, such as to show its help.
    """
    path, name = _split(target)
    module = _execute(path, [] if name else list(args), "__nrun_main__" if name else "__main__", collected)
    if name:
        collected.experiments.clear()  # whatever else the file builds is not what was asked for
        _run_named(module, name, path, args, collected)
    if not collected.experiments:
        msg = f"{target} adds no job to an Experiment, so there is nothing to do"
        raise UsageError(msg, hint="name what to run: FILE:NAME, where NAME is a function or an Experiment")


class ScriptFailed(NrunError):  # noqa: N818 - reads as what it says
    """The user's script raised something. Shown as Python would show it, from the script's own lines on."""


def _split(target: str) -> tuple[str, str]:
    """FILE and NAME; a file whose own name has a colon is found first."""
    path, name = (target, "") if os.path.exists(target) else _rpartition(target)  # noqa: PTH110 - text
    if not os.path.isfile(path):  # noqa: PTH113 - text
        kind = "is a folder" if os.path.isdir(path) else "does not exist"  # noqa: PTH112 - text
        near = [entry for entry in _siblings(path) if entry.endswith(".py")]
        msg = f"the file {path!r} {kind}.{did_you_mean(os.path.basename(path), near)}"  # noqa: PTH119 - text
        raise UsageError(msg, hint="nrun run FILE[:NAME]")
    return path, name


def _rpartition(target: str) -> tuple[str, str]:
    path, colon, name = target.rpartition(":")
    return (path, name) if colon else (target, "")


def _siblings(path: str) -> list[str]:
    try:
        return os.listdir(os.path.dirname(path) or ".")  # noqa: PTH120, PTH208 - text
    except OSError:
        return []


def _execute(path: str, args: list[str], module_name: str, collected: Session) -> types.ModuleType:
    """Run the file as Python would, in a module that stays, so that its functions stay alive."""
    full = os.path.abspath(path)  # noqa: PTH100 - text
    module = types.ModuleType(module_name)
    module.__file__ = full
    sys.modules[module_name] = module
    sys.argv = [path, *args]
    sys.path[0] = os.path.dirname(full)  # noqa: PTH120 - text
    try:
        with open(full, "rb") as file:  # noqa: PTH123 - text
            code = compile(file.read(), full, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - to run the user's script is what was asked for
    except SystemExit as error:
        if error.code not in (None, 0) or isinstance(error, Finished):
            raise
    except ResultError as error:
        if not (collected.plan_only or collected.detach):
            raise
        sys.stderr.write(f"nrun: the script stopped here, for it wants a result: {error.message}\n")
    except NrunError as error:
        error.where = _where(error, full)
        raise
    except Exception as error:
        raise ScriptFailed(_told(error, full)) from error
    return module


def _where(error: BaseException, file: str) -> str | None:
    """The line of the user's file from which an error came, as `FILE:LINE: source`."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{file}:{frames[-1].lineno}: {frames[-1].line}" if frames else None


def _told(error: BaseException, file: str) -> str:
    """The traceback of the user's script, without the lines of ours that lead to it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    with contextlib.suppress(AttributeError):
        error = error.with_traceback(trace)
    return f"{file} failed\n" + "".join(traceback.format_exception(error)).rstrip()


def _run_named(module: types.ModuleType, name: str, path: str, args: Sequence[str], collected: Session) -> None:
    """Note the experiment that NAME is, gives, or is made into."""
    found = getattr(module, name, None)
    if found is None:
        public = [key for key in vars(module) if not key.startswith("_")]
        msg = f"there is no {name!r} in {path}.{did_you_mean(name, public)}"
        raise UsageError(msg, hint=f"it has: {', '.join(public)[:300]}")
    function = isinstance(found, types.FunctionType) and not hasattr(found, "__auto_config__")
    makes_experiment = function and _gives_experiment(found)
    if function and not makes_experiment and (args or LANGUAGE in installed().languages):
        command = command_of(entrypoint_of(found))
        code = command.main(args=list(args), prog_name=f"nrun run {path}:{name}", standalone_mode=False)
        if not collected.experiments:
            raise SystemExit(code)
        return
    if args:
        msg = f"{path}:{name} takes no arguments, but got: {' '.join(args)}"
        raise UsageError(msg, hint="arguments are for scripts and functions: nrun run FILE:FUNCTION ARGS...")
    if isinstance(found, Experiment):
        collected.note(found)
    elif makes_experiment:
        made = found()
        if not isinstance(made, Experiment):
            raise UsageError(f"{name} in {path} is annotated to return an Experiment, but returned something else")
        collected.note(made)
    else:
        task = task_of(found)
        Experiment(name_of(task)).add(task, name=name)


def _gives_experiment(function: types.FunctionType) -> bool:
    annotation = function.__annotations__.get("return")
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return text.rpartition(".")[2].strip("'\"") == "Experiment"
