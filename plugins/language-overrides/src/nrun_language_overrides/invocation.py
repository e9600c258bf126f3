"""From what was typed after an entrypoint to what is to be run: a task, an executor, plugins, a name."""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from nrun import Executor, Plugin
from nrun.cli.entrypoint import registered
from nrun.config.build import build
from nrun.config.imports import own_packages, package_of
from nrun.config.node import Config, Partial
from nrun.config.paths import parse_path
from nrun.config.target import signature_of
from nrun.data import Data
from nrun.errors import UsageError, did_you_mean
from nrun_language_overrides.environment import items_in
from nrun_language_overrides.factories import Factories, Factory
from nrun_language_overrides.items import file_and_section
from nrun_language_overrides.literal import parse
from nrun_language_overrides.options import END_OF_RUN, SAID_BY_OPTION
from nrun_language_overrides.overrides import Applied, Context, apply
from nrun_language_overrides.problems import ConfigProblems, Problem, Source
from nrun_language_overrides.reader import Reading
from nrun_language_overrides.start import CONTEXT, default_task, task_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from nrun import Entrypoint
    from nrun.cli import Link
    from nrun.config.node import BaseNode
    from nrun.config.paths import Path as ConfigPath
    from nrun.plugins import Hooks
    from nrun_language_overrides.files import Section

N = TypeVar("N", bound="BaseNode[Any]")
_ROOT = re.compile(r"(?:run|ctx)\.(?=\w)|(?=(?:executor|plugins)[.\[=!+@?])")
"""What an item about the run begins with, and is cut off."""
TASK, RUN = "task", "run"
"""The parts of a file to which everything that was typed is written."""


@attrs.frozen(kw_only=True)
class RunSettings:
    """Where and under which name a task is run: what `run.` stands for on the command line."""

    executor: Executor | None = None
    """Where it runs; without one, the default executor of the installation."""
    plugins: Plugin | list[Plugin] = attrs.field(factory=list)
    """What changes the task and the executor when the job is added: one, or several."""
    name: str = ""
    """Title of the experiment, and name of its job."""

    def all_plugins(self) -> list[Plugin]:
        """The plugins, also if it is one."""
        return [self.plugins] if isinstance(self.plugins, Plugin) else self.plugins


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Typed(Data):
    """An entrypoint with everything that was typed taken into it."""

    entry: Entrypoint
    task: Partial[Any]
    settings: Config[RunSettings]
    notes: tuple[str, ...]
    """What whoever typed should be told."""
    order: tuple[ConfigPath, ...]
    """Paths of the task that were typed, in order."""
    reading: Reading


def typed(  # noqa: PLR0913 - the options that matter for reading
    entry: Entrypoint,
    words: Sequence[str],
    hooks: Hooks,
    *,
    factory: str = "",
    name: str = "",
    profile: str = "",
    load: str = "",
    last_wins: bool = False,
) -> Typed:
    """Take items into the task and the settings of an entrypoint. Raises ConfigProblems with all their problems.

    `factory` names what makes the task to start from, `load` a file that is read before the items, `profile` the
    site profile that the executor comes from.
    """
    reading = Reading(factories=known_factories(hooks), allowed=_allowed(entry, hooks))
    context = Context(reading=reading, load=_loader(reading, hooks), last_wins=last_wins)
    task = task_of(entry, _from_factory(entry, factory, context)) if factory else default_task(entry)
    own = set(signature_of(entry.function).names) - ({CONTEXT} if entry.type == "experiment" else set())
    about_run, about_task = split(words, own)
    lower_run, lower_task = divided(items_in(entry.env_prefix), own)
    for said in (re.split(r"\W", source.text)[0] for source in about_run):
        if option := SAID_BY_OPTION.get(said):
            hint = f"write --{option.replace('_', '-')}, or run.{said}=... among the items that are typed"
            raise UsageError(f"run.{said} is said by an option", hint=hint)
    if (lower_run or about_run) and not entry.enable_executor:
        msg = f"{entry.name} is called here, so nothing can be said of its run: {[*lower_run, *about_run][0].text}"
        raise UsageError(msg)
    executor = entry.default_executor
    if executor is None and any(source.text.startswith("executor.") for source in (*lower_run, *about_run)):
        executor = Config(hooks.executors.get(hooks.default_executor()).executor())  # it is the one that is meant
    if load:
        files = _loaded(load, hooks)
        (lower_task or about_task)[:0] = files[:1]
        (lower_run or about_run)[:0] = files[1:]
    if profile:
        (lower_run or about_run).insert(0, Source(f"--on {profile}", f"executor=@{profile_file(profile)}"))
    settings = Config(RunSettings, executor=executor, plugins=list(entry.default_plugins), name=name)
    problems: list[Problem] = []
    changed = _layered(task, (lower_task, about_task), context, problems)
    run = _layered(settings, (lower_run, about_run), context, problems, "run.")
    problems += _linked(entry.links, changed.paths if changed else ())
    if changed is None or run is None or problems:
        raise ConfigProblems(problems)
    return Typed(
        entry=entry,
        task=changed.config,
        settings=run.config,
        notes=(*changed.notes, *run.notes),
        order=changed.paths,
        reading=reading,
    )


def _linked(links: Iterable[Link], typed_paths: Iterable[ConfigPath]) -> Iterator[Problem]:
    """A problem for everything that was typed and follows from something else."""
    for link in links:
        path = parse_path(link.dst)
        if any(other[: len(path)] == path for other in typed_paths):
            yield Problem(link.dst, f"follows from {link.src}, so it cannot be set", None, (f"set {link.src}",))


def _layered(
    tree: N, layers: Sequence[Sequence[Source]], context: Context, problems: list[Problem], root: str = ""
) -> Applied[N] | None:
    """A tree with layers of items taken into it, each on top of the one before: what it undoes is not lost."""
    applied: Applied[N] | None = None
    for items in layers:
        if items or applied is None:
            before, applied = applied, _applied(applied.config if applied else tree, items, context, problems, root)
            if applied is None:
                return None
            if before is not None:
                notes, paths = (*before.notes, *applied.notes), (*before.paths, *applied.paths)
                applied = attrs.evolve(applied, notes=notes, paths=paths)
    return applied


def _applied(
    tree: N, items: Sequence[Source], context: Context, problems: list[Problem], root: str
) -> Applied[N] | None:
    try:
        return apply(tree, items, context)
    except ConfigProblems as error:
        problems += [problem.under(root) for problem in error.problems]
        return None


def split(words: Sequence[str], parameters: Iterable[str]) -> tuple[list[Source], list[Source]]:
    """The items about the run, and those about the task, each knowing where it was typed.

    After `--` everything is about the task.
    """
    end = words.index(END_OF_RUN) if END_OF_RUN in words else len(words)
    typed_words = [Source(f"argument {number}", word) for number, word in enumerate(words, 1)]
    about_run, about_task = divided(typed_words[:end], parameters)
    return about_run, [*about_task, *typed_words[end + 1 :]]


def divided(items: Iterable[Source], parameters: Iterable[str]) -> tuple[list[Source], list[Source]]:
    """The items about the run, and those about the task.

    A parameter of the task that is called `run`, `executor` or `plugins` has the word to itself.
    """
    taken = set(parameters)
    about_run: list[Source] = []
    about_task: list[Source] = []
    for source in items:
        root = re.match(r"\w*", source.text)
        found = None if root and root[0] in taken else _ROOT.match(source.text)
        if found:
            at = found.end()
            about_run.append(attrs.evolve(source, root=source.text[:at], text=source.text[at:]))
        else:
            about_task.append(source)
    return about_run, about_task


def known_factories(hooks: Hooks) -> Factories:
    """What was registered in this process, and what runs jobs and is installed, by the names of its plugins."""
    factories = Factories(
        later=(
            _later("nrun.protocols:Executor", lambda: ((one.spec.name, one.spec.executor) for one in hooks.executors)),
            _later("nrun.protocols:Packager", lambda: ((one.spec.name, one.spec.packager) for one in hooks.packagers)),
            _later("nrun.protocols:Launcher", lambda: ((one.spec.name, one.spec.launcher) for one in hooks.launchers)),
            _later(
                "nrun.containers:Container", lambda: ((one.spec.name, one.spec.container) for one in hooks.containers)
            ),
        )
    )
    for one in registered:
        factories = factories.register(
            one.function,
            name=one.name,
            parent=one.parent,
            argument=one.argument,
            namespace=one.namespace,
            override=one.override,
        )
    return factories


def _later(
    symbol: str, declared: Callable[[], Iterable[tuple[str, Callable[[], type]]]]
) -> tuple[str, Callable[[], tuple[Factory, ...]]]:
    """The symbol of a class, and what gives the factories of its subclasses, which are loaded then."""

    def load() -> tuple[Factory, ...]:
        loaded = ((name, load()) for name, load in declared())
        return tuple(Factory(name, cls, cls) for name, cls in loaded)

    return symbol, functools.cache(load)


def _loader(reading: Reading, hooks: Hooks) -> Callable[[str, str], Section]:
    """What reads the files that items include. It is imported for the first of them."""

    def load(file: str, section: str) -> Section:
        from nrun_language_overrides.files import loader

        return loader(reading, hooks)(file, section)

    return load


def _loaded(text: str, hooks: Hooks) -> list[Source]:
    """The items that take in a file: one for the task, and one for the run if it is a file that an export wrote."""
    from nrun.files import read_file

    file, section = file_and_section(text)
    if not os.path.exists(file):  # noqa: PTH110 - pathlib would have to be imported
        msg = f"--load {text}: there is no file {file!r}"
        hint = "give FILE or FILE:SECTION; `nrun config show EXPERIMENT:JOB --format yaml` writes what was run"
        raise UsageError(msg, hint=hint)
    data = read_file(file, hooks).data
    whole = not section and isinstance(data, dict) and {TASK, RUN} <= data.keys()
    return (
        [Source(f"--load {text}", f"@{file}:{part}") for part in (TASK, RUN)]
        if whole
        else [Source(f"--load {text}", f"@{text}")]
    )


def profile_file(name: str) -> Path:
    """The file of a site profile: `$NRUN_HOME/profiles/NAME` and an ending. Raises UsageError."""
    from nrun.record import home_folder

    folder = home_folder() / "profiles"
    known = {path.stem: path for path in sorted(folder.iterdir())} if folder.is_dir() else {}
    if name not in known:
        shown = ", ".join(known) or "none"
        msg = f"there is no profile {name!r} in {folder}; there are: {shown}.{did_you_mean(name, known)}"
        raise UsageError(msg, hint="a profile is a file that describes an executor, such as cluster-a.yaml")
    return known[name]


def settings_of(described: Config[RunSettings], reading: Reading) -> RunSettings:
    """The settings with executor and plugins built. Raises what resolving and building raise."""
    from nrun_language_overrides.resolve import resolved

    try:
        settled = resolved(described, reading)
    except ConfigProblems as error:
        raise ConfigProblems(problem.under(f"{RUN}.") for problem in error.problems) from None
    settings: RunSettings = build(settled)
    return settings


def _from_factory(entry: Entrypoint, text: str, context: Context) -> object:
    literal = parse(text)
    name = str(literal.value)
    fitting = {one.name: one.function for one in registered if one.parent in (None, entry.function)}
    if literal.kind not in ("word", "call") or name not in fitting:
        raise UsageError(
            f"there is no factory {text!r} for {entry.name}.{did_you_mean(name, fitting)}",
            hint=f"registered: {', '.join(sorted(fitting)) or 'none'}",
        )
    call: Config[Any] = Config(fitting[name])
    names = list(signature_of(fitting[name]).names)
    items = []
    if len(literal.items) > len(names):
        raise UsageError(f"the factory {name} takes {len(names)} arguments, not {len(literal.items)}: {text}")
    for index, (key, item) in enumerate(zip(literal.keys, literal.items, strict=True)):
        items.append(f"{key or names[index]}={text[item.start : item.end]}")
    made: object = build(apply(call, items, context).config)
    return made


def _allowed(entry: Entrypoint, hooks: Hooks) -> Callable[[str], bool]:
    """What may be imported because an item or a file names it: of the entrypoint, plugins, `NRUN_ALLOW`."""
    modules = [entry.function.__module__, *(record.ref.module for record in hooks.host.records), *_named_packages()]
    packages = {package_of(module) for module in modules}
    own = functools.cache(own_packages)
    return lambda symbol: package_of(symbol) in packages or package_of(symbol) in own()


def _named_packages() -> list[str]:
    return [name for name in os.environ.get("NRUN_ALLOW", "").split(":") if name]
