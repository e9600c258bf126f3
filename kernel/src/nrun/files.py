"""Configurations in files and texts, through the installed formats."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from nrun.config.document_reader import Reader, Source, TextFile
from nrun.config.document_writer import VERSION, VERSION_KEY, to_data
from nrun.config.imports import find_allowed, from_packages, own_packages
from nrun.config.paths import parse_path
from nrun.config.target import resolve
from nrun.errors import ConfigError, did_you_mean
from nrun.plugins import PluginState, installed
from nrun.provided import config_view

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from nrun.config.migrations import Migration
    from nrun.config.node import BaseNode
    from nrun.declare import FormatSpec
    from nrun.plugins import Hooks

N = TypeVar("N", bound="BaseNode[Any]")
Mode = Literal["data", "allowed", "trust"]
"""What of the names in a file is imported: nothing, what is allowed, or everything."""


def dumps(value: object, format: str = "yaml", *, full: bool = False) -> str:  # noqa: A002 - as the plugins are called
    """A configuration as text in a format such as `yaml`.

    `full` adds, as comments, what is said of the arguments and the defaults of those that are not set. Raises
    ConfigError, with the place, for what cannot be written down; UnknownName if the format is not installed.
    """
    spec = installed().formats.get(format)
    data = to_data(value, share=spec.shares)
    if isinstance(data, dict):
        data = {VERSION_KEY: VERSION, **data}
    return spec.format()().write(data, comments=config_view().comments_on(value) if full else {})


def dump(value: object, path: str | os.PathLike[str], section: str = "", *, full: bool = False) -> None:
    """Write a configuration to a file, in the format that its name ends in.

    With `section`, such as `train.model`, only that part of the file is written: the rest stays, with its comments
    as far as the format can. Raises what `dumps` raises, and ConfigError for a file that cannot be read or written.
    """
    spec = format_of(path, installed())
    if not section:
        text = dumps(value, spec.name, full=full)
    else:
        file, steps = Path(path), _section(section)
        old = _text(path) if file.exists() else ""
        data = to_data(value, share=spec.shares)
        told = config_view().comments_on(value) if full else {}
        comments = {(*steps, *place): text for place, text in told.items()}
        format_ = spec.format()()
        whole: Any = (format_.read(old).data if old.strip() else None) or {VERSION_KEY: VERSION}
        holder = whole
        for step in steps[:-1]:
            holder = holder.setdefault(step, {}) if isinstance(holder, dict) else None
        if not isinstance(holder, dict):
            raise ConfigError(f"{os.fspath(path)} has no mapping to put {section!r} into")
        holder[steps[-1]] = data
        text = format_.write(whole, comments=comments, into=old)
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {os.fspath(path)}: {error}") from error


def loads(
    text: str,
    format: str = "yaml",  # noqa: A002 - as above
    *,
    mode: Mode = "allowed",
    allow: Collection[str] = (),
    migrations: Sequence[Migration] = (),
) -> Any:  # noqa: ANN401 - a document holds any value
    """The configuration in a text, as it was when `dumps` wrote it.

    With `data` nothing is imported: targets stay names, to be looked at, compared and written again. With `allowed`,
    names are imported from the running script, what it has imported from beside it, installed plugins, the top-level
    packages in `allow` and those in `NRUN_ALLOW`; `trust` imports whatever the text names. Raises ConfigError that
    shows the line.
    """
    source = Source.of(installed().formats.get(format).format()().read(text), TextFile(format, text.split("\n")))
    return Reader(source, _finder(mode, allow), migrations).read()


def load(
    path: str | os.PathLike[str],
    section: str = "",
    *,
    mode: Mode = "allowed",
    allow: Collection[str] = (),
    migrations: Sequence[Migration] = (),
) -> Any:  # noqa: ANN401 - as loads
    """The configuration in a file, or in a section of it such as `train.model`. Otherwise as `loads`."""
    source = read_file(path, installed())
    return Reader(source, _finder(mode, allow), migrations).read(find_section(source, section))


def to_yaml(value: object, *, full: bool = False) -> str:
    """As `dumps`."""
    return dumps(value, "yaml", full=full)


def from_yaml(cls: type[N], text: str, *, mode: Mode = "allowed", allow: Collection[str] = ()) -> N:
    """As `loads`, for one kind of node."""
    value = loads(text, "yaml", mode=mode, allow=allow)
    if not isinstance(value, cls):
        raise ConfigError(f"this YAML describes a {type(value).__name__}, not a {cls.__name__}")
    return value


# ---- files as they are


def read_file(path: str | os.PathLike[str], hooks: Hooks, note: str = "") -> Source:
    """What is in a file, with the place of everything. Raises ConfigError that says file, line and column."""
    name, format_ = os.fspath(path), format_of(path, hooks).format()()
    text = _text(path)
    try:
        document = format_.read(text)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error.message}", hint=error.hint) from error
    return Source.of(document, TextFile(name, text.split("\n"), note))


def find_section(source: Source, section: str) -> tuple[str, ...]:
    """The steps to a section of a file. Raises ConfigError, with what is there, if there is no such one."""
    here: Any = source.data
    steps = _section(section) if section else ()
    for depth, step in enumerate(steps):
        if not isinstance(here, dict) or step not in here:
            known = [key for key in here if not key.startswith("$")] if isinstance(here, dict) else []
            told = f"there is no section {section!r}: no {step!r} here.{did_you_mean(step, known)}"
            raise source.error(steps[:depth], told, f"there are: {', '.join(known) or 'none'}")
        here = here[step]
    return steps


def format_of(path: str | os.PathLike[str], hooks: Hooks) -> FormatSpec:
    """The format of a file, by how its name ends. Raises UsageError that says what to install, or how it may end."""
    suffix = os.path.splitext(os.fspath(path))[1]  # noqa: PTH122 - text
    for found in hooks.formats:
        if suffix in found.spec.suffixes:
            return found.spec
    if not suffix:
        known = " or ".join(ending for found in hooks.formats for ending in found.spec.suffixes)
        raise ConfigError(
            f"{os.fspath(path)!r} does not say its format", hint=f"let its name end in {known or '.json'}"
        )
    raise hooks.formats.missing({".yml": "yaml"}.get(suffix, suffix[1:]))


def _text(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {os.fspath(path)}: {error}") from error


def _section(section: str) -> tuple[str, ...]:
    return tuple(str(getattr(step, "key", step)) for step in parse_path(section))


def _finder(mode: Mode, allow: Collection[str]) -> Callable[[str], Any] | None:
    if mode == "data":
        return None
    if mode == "trust":
        return resolve
    loaded = (record for record in installed().host.records if record.state is PluginState.LOADED)
    plugins = {record.ref.module.partition(".")[0] for record in loaded}
    environment = os.environ.get("NRUN_ALLOW", "").split(":")
    allowed = from_packages({"builtins", *plugins, *own_packages(), *allow, *environment} - {""})
    return lambda symbol: find_allowed(symbol, allowed)
