"""What an entrypoint does with what was typed: show help, write a file, plan, ask, run.

What only a run needs is imported where it is needed: help must not wait for it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypedDict

import attrs
import click

from nrun.config.build import build
from nrun.config.node import Config, set_arguments
from nrun.config.show import show
from nrun.errors import UsageError
from nrun.launching import current_session
from nrun.plugins import installed
from nrun_language_overrides.invocation import RUN, TASK, settings_of, typed
from nrun_language_overrides.options import END_OF_RUN, is_interactive, is_planning
from nrun_language_overrides.resolve import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nrun import Entrypoint, Executor, Experiment, ExperimentStatus, Plugin
    from nrun_language_overrides.invocation import Typed
    from nrun_language_overrides.options import Options

    class Wishes(TypedDict):
        """How experiments are to be run, as `Experiment.run` takes it."""

        tail_logs: bool
        direct: bool
        detach: bool


def perform(entry: Entrypoint, words: Sequence[str], options: Options) -> int:
    """Do what the options ask for. Gives the exit code; raises UsageError before anything is done."""
    helping = options.help or options.help_all
    end = words.index(END_OF_RUN) if END_OF_RUN in words else len(words)
    items = [*_read_in(words[:end]), *_items_in(options.set_file), *_read_in(words[end:])]
    places: list[str] = []
    if helping:
        from nrun_language_overrides.help import DEEPEST, help_of, is_path
        from nrun_language_overrides.render import show_help

        places = [item for item in items if is_path(item)]
    for workspace in options.workspace:
        from nrun_language_overrides.workspace import load_workspace

        load_workspace(workspace)
    file = options.factory[1:] if options.factory.startswith("@") and not options.load else ""
    read = typed(
        entry,
        [item for item in items if item not in places],
        installed(),
        factory="" if file else options.factory,
        name=options.name,
        profile=options.on,
        load=file or options.load,
        last_wins=options.last_wins,
    )
    if helping:
        show_help(help_of(read, places, deepest=sys.maxsize if options.help_all else DEEPEST))
        return 0
    if options.sweep and (entry.type != "task" or not entry.enable_executor):
        why = "makes its own" if entry.enable_executor else "is no job"
        msg = f"--sweep makes jobs of a task, and {entry.name} {why}"
        raise UsageError(msg, hint="give one value for each argument")
    for note in read.notes:
        click.echo(f"note: {note}", err=True)
    if options.exports:
        return _export(read, options)
    if options.repl:
        return _open_prompt(read, options)
    return _run(read, options) if entry.enable_executor else _call(read, options)


def _read_in(words: Sequence[str]) -> list[str]:
    """The words, with what standard input has in the place of `@-`."""
    return [item for word in words for item in (_items_in("-") if word == "@-" else (word,))]


def _items_in(files: Sequence[str]) -> list[str]:
    """The items in files, one per line; empty lines and those that begin with # say nothing."""
    items: list[str] = []
    for name in files:
        try:
            text = sys.stdin.read() if name == "-" else _text_in(name)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the items in {name}: {error}") from error
        items += [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return items


def _text_in(file: str) -> str:
    from pathlib import Path

    return Path(file).read_text("utf-8")


def _export(read: Typed, options: Options) -> int:
    """Write what was typed, or the argument at a section of it, to files from which `--load` or `@` reads it."""
    from nrun.config.paths import get_at
    from nrun.files import dump, dumps, format_of
    from nrun_language_overrides.items import file_and_section

    for name, target in options.exports:
        file, section = file_and_section(target)
        value = get_at(read.task, section) if section else {TASK: read.task, RUN: read.settings}
        if file == "-":
            click.echo(dumps(value, name), nl=False)
        elif format_of(file, installed()).name == name:
            dump(value, file)
        else:
            raise UsageError(f"--to-{name} cannot write {file}", hint=f"its name must end as those of {name} files do")
    return 0


def _run(read: Typed, options: Options) -> int:
    """Plan or run what was typed. A command that drives this process is left to run the experiments of tasks."""
    import json

    from nrun import State
    from nrun.outcome import plan_json, plan_text

    session = current_session()
    planning = is_planning(options)
    is_task = read.entry.type == "task"
    experiments = [_experiment(read, options)] if is_task else []
    make = None if is_task else _maker(read, options, planning=planning)
    if not planning and not _agreed(read, options):
        click.echo("Nothing was run.", err=True)
        return 1
    if make is not None:
        experiments = make()
    if options.plan:
        if session is not None:
            session.forget(experiments)
        planned = [plan_json(exp) if options.as_json else plan_text(exp) for exp in experiments]
        click.echo(json.dumps(planned, indent=2) if options.as_json else "\n".join(map(str, planned)))
        return 0
    wishes = _wishes(options)
    if session is not None and not any(wishes.values()):
        return 0
    statuses = [_status(exp, wishes) for exp in experiments]
    if session is not None:
        if not options.detach:
            return 0
        session.forget(experiments)  # to whom drives this process they would look unfinished
    told = [status.to_json() for status in statuses]
    click.echo(json.dumps(told, indent=2) if options.as_json else "\n\n".join(map(str, statuses)))
    for status in statuses if options.detach else ():
        click.echo(f"detached; `nrun attach {status.id}` returns to it", err=True)
    return 0 if options.detach or all(status.state is State.SUCCEEDED for status in statuses) else 1


def _wishes(options: Options) -> Wishes:
    return {
        "tail_logs": options.tail_logs and not options.direct,  # what runs here prints here
        "direct": options.direct,
        "detach": options.detach,
    }


def _call(read: Typed, options: Options) -> int:
    """Call an entrypoint that is no job."""
    session = current_session()
    if options.plan or (session is not None and session.plan_only):
        click.echo(show(read.task))
    elif _agreed(read, options):
        build(resolved(read.task, read.reading, read.entry.links))()
    return 0


def _experiment(read: Typed, options: Options) -> Experiment:
    """The jobs of a task: one, or one for each point of the sweeps in it and in what is said of its run."""
    from nrun import Experiment

    if options.sweep:
        return _swept(read, options)
    settings = settings_of(read.settings, read.reading)
    title = settings.name or read.entry.name
    exp = Experiment(title, settings.executor)
    exp.add(resolved(read.task, read.reading, read.entry.links), name=title, plugins=settings.all_plugins())
    return exp


def _swept(read: Typed, options: Options) -> Experiment:
    import itertools

    from nrun import Experiment
    from nrun_language_overrides.sweeps import distinct, identity, points_of

    groups = [group.split(",") for group in options.zipped]
    about_run = [group for group in groups if all(path.startswith(f"{RUN}.") for path in group)]
    about_task = [group for group in groups if group not in about_run]
    runs = points_of(read.settings, zipped=[[path.removeprefix(f"{RUN}.") for path in group] for group in about_run])
    points = points_of(read.task, zipped=about_task, order=read.order)
    pairs = list(itertools.product(distinct(runs, identity), distinct(points, identity)))
    total = len(runs) * len(points)
    if len(pairs) < total:
        click.echo(f"note: {total - len(pairs)} of {total} points are the same as others", err=True)
    settings = {run.number: settings_of(run.config, read.reading) for run, _ in pairs}
    title = settings[0].name or read.entry.name
    exp = Experiment(title)
    for run, point in pairs:
        words = (*(f"{RUN}.{word}" for word in run.overrides), *point.overrides)
        name = " ".join(words).replace("/", "_")[:150] or title
        exp.add(
            resolved(point.config, read.reading, read.entry.links),
            settings[run.number].executor,
            name=f"{run.number * len(points) + point.number}: {name}",
            plugins=settings[run.number].all_plugins(),
        )
    return exp


def _status(exp: Experiment, wishes: Wishes) -> ExperimentStatus:
    """What became of an experiment, which is run if that has not been done."""
    from nrun import JobsFailed

    if exp.id is None:
        try:
            return exp.run(**wishes)
        except JobsFailed as error:
            click.echo(f"error: {error}", err=True)
    return exp.status()


# ---- entrypoints that make experiments themselves


@attrs.define(kw_only=True)
class RunContext:
    """What an entrypoint of type "experiment" is given as `ctx`."""

    name: str
    executor: Executor | None
    plugins: Sequence[Plugin]
    plan: bool
    wishes: Wishes
    launched: list[Experiment] = attrs.field(factory=list)

    def launch(self, exp: Experiment, *, sequential: bool = False) -> ExperimentStatus | None:
        """Run an experiment, or only note it where it is to be planned."""
        self.launched.append(exp)
        return None if self.plan else exp.run(sequential=sequential, check=False, **self.wishes)


def _maker(read: Typed, options: Options, *, planning: bool) -> Callable[[], list[Experiment]]:
    """What calls the entrypoint, and gives the experiments that it launched."""
    settings = settings_of(read.settings, read.reading)
    context = RunContext(
        name=settings.name or read.entry.name,
        executor=settings.executor,
        plugins=settings.all_plugins(),
        plan=planning,
        wishes=_wishes(options),
    )
    task = resolved(read.task, read.reading, read.entry.links)
    given: dict[str, object] = build(
        Config(dict, **{str(name): value for name, value in set_arguments(task).items()})
    )  # defaults that describe something are left for its own tasks

    def make() -> list[Experiment]:
        read.entry.function(ctx=context, **given)
        return context.launched

    return make


# ---- asking


def _agreed(read: Typed, options: Options) -> bool:
    """Whether to go on: nobody is asked who cannot answer, or has answered already."""
    if options.yes or read.entry.skip_confirmation or not is_interactive():
        return True
    click.echo(show(read.task))
    click.echo(f"executor: {show(read.settings.executor)}")
    return click.confirm("Continue?")


def _open_prompt(read: Typed, options: Options) -> int:
    if not is_interactive():
        raise UsageError("--repl needs a terminal", hint="leave it out, or run it in one")
    import code

    code.interact(local={"task": read.task, "run_task": lambda: _run(read, options)}, exitmsg="")
    return 0
