"""References become the values they stand for, as late as possible: in the tree that is about to be run."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from nrun.config.annotations import annotation_of
from nrun.config.node import NODES
from nrun.config.origin import Origin, records
from nrun.config.paths import Path, format_path, get_at, holder_of, nodes_of, parse_path, set_at, walk
from nrun.config.special import Reference, Sweep
from nrun.errors import ConfigError
from nrun_language_overrides.problems import ConfigProblems, Problem, Source
from nrun_language_overrides.reader import Reading, read_text, read_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nrun.cli import Link
    from nrun.config.node import Node

N = TypeVar("N", bound="Node")


def _env(argument: str) -> str:
    name, comma, default = argument.partition(",")
    if name in os.environ:
        return os.environ[name]
    if not comma:
        raise ConfigError(f"the environment has no {name}", hint=f"set it, or give a default: ${{env:{name},...}}")
    return default


def _host(_argument: str) -> str:
    import socket

    return socket.gethostname()


def _now(argument: str) -> str:
    import datetime

    now = datetime.datetime.now(tz=datetime.UTC)
    return now.strftime(argument) if argument else now.isoformat(timespec="seconds")


def _git(argument: str) -> str:
    import subprocess

    asked = {"": "rev-parse HEAD", "short": "rev-parse --short HEAD", "branch": "rev-parse --abbrev-ref HEAD"}
    if argument not in asked:
        raise ConfigError(f"nothing is known of {argument!r}", hint="write ${git:}, ${git:short} or ${git:branch}")
    try:
        done = subprocess.run(["git", *asked[argument].split()], capture_output=True, text=True, check=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigError(f"git does not tell: {getattr(error, 'stderr', error)!s:.100}".rstrip()) from error
    return done.stdout.strip()


def _uuid(_argument: str) -> str:
    import uuid

    return str(uuid.uuid4())


COPY = "copy"
"""What stands before the colon in `${copy:path}`, which `copy(${path})` is read as: a copy of a node."""
RESOLVERS: Mapping[str, Callable[[str], str]] = {
    "env": _env,
    "git": _git,
    "host": _host,
    "now": _now,
    "uuid": _uuid,
}
"""What may stand before the colon in `${name:argument}`. Each gives text, which is read as the argument's type."""


def resolved(root: N, reading: Reading, links: Sequence[Link] = ()) -> N:
    """A copy of a tree in which `links` are followed, and references replaced by their values, read as what is there.

    A reference to what is linked gives what the link does, and so does a link to it.
    Raises ConfigProblems for what leads nowhere, to a node, or in a circle, and for sweeps.
    """
    found = [path for path, value in walk(root) if type(value) in (Reference, Sweep)]
    if not found and not links:
        return root
    settling = _Settling(copy.deepcopy(root), reading, {parse_path(link.dst): link for link in links})
    problems: list[Problem] = []
    for paths, settle in ((list(settling.links), settling.follow), (found, settling.replace)):
        for path in paths:
            try:
                settle(path)
            except ConfigProblems as error:
                problems += (attrs.evolve(one, where=one.where or _written(root, path)) for one in error.problems)
            except ConfigError as error:
                hints = (error.hint,) if error.hint else ()
                problems.append(Problem(format_path(path), error.message, _written(root, path), hints))
        if problems:  # what refers to a link that cannot be followed would only say so again
            raise ConfigProblems(problems)
    return settling.root


class _Settling(Generic[N]):
    """A tree while its links, which have not all been followed, and its references become values."""

    def __init__(self, root: N, reading: Reading, links: dict[Path, Link]) -> None:
        self.root = root
        self.links = links
        self._reading = reading

    def replace(self, path: Path, chain: tuple[Path, ...] = ()) -> None:
        """Put what a reference stands for in its place."""
        if type(get_at(self.root, path)) in (Reference, Sweep):  # a part of what was copied may have been replaced
            set_at(self.root, path, self._value(path, chain))

    def follow(self, path: Path, chain: tuple[Path, ...] = ()) -> None:
        """Set what a link leads to, unless that was done. What `via` raises is passed on, with a note."""
        link = self.links.get(path)
        if link is None:
            return
        _check_circle(path, chain)
        try:
            value = self._value(parse_path(link.src), (*chain, path))
            _check_no_node(value, link.src)
            try:
                value = value if link.via is None else link.via(value)
            except Exception as error:
                error.add_note(f"in the link from {link.src} to {link.dst}")
                raise
            value = read_value(value, *self._taken_at(path))
            set_at(self.root, path, value, Origin("code", f"linked to {link.src}"))
        except ConfigProblems:
            raise
        except ConfigError as error:
            told = f"{error.message} (linked to {link.src})"
            raise ConfigProblems([Problem(link.dst, told, None, (error.hint,) if error.hint else ())]) from error
        del self.links[path]

    def _value(self, path: Path, chain: tuple[Path, ...]) -> Any:
        """The value at a path, with the link to it and the reference that may stand there followed."""
        _check_circle(path, chain)
        for linked in [one for one in self.links if one[: len(path)] == path[: len(one)]]:
            self.follow(linked, chain)
        value = get_at(self.root, path)
        if type(value) is Sweep:
            raise ConfigError(f"a sweep of {len(value.points)} values", hint="add --sweep to run them all")
        if type(value) is not Reference:
            if type(value) in NODES:
                here, there = format_path(chain[0]), format_path(path)
                hint = f"to have the same node in both places: {here}@={there}; a copy of it: {here}=copy(${{{there}}})"
                raise ConfigError(f"{format_path(path)} is a node, which a reference would copy", hint=hint)
            return value
        annotation, reading = self._taken_at(path)
        texts = [
            part if not index % 2 else self._target(part, path, (*chain, path))
            for index, part in enumerate(value.parts)
        ]
        if not value.is_whole:
            return read_text("".join(map(str, texts)), annotation, reading)
        (target,) = value.targets
        is_text = ":" in target and not target.startswith(f"{COPY}:")
        return (read_text if is_text else read_value)(texts[1], annotation, reading)

    def _taken_at(self, path: Path) -> tuple[Any, Reading]:
        """The annotation of what is at a path, and how it is read."""
        node, name, inside = holder_of(self.root, path)
        return Any if inside else annotation_of(node, name), attrs.evolve(self._reading, path=format_path(path))

    def _target(self, target: str, at: Path, chain: tuple[Path, ...]) -> Any:
        name, colon, argument = target.partition(":")
        if not colon:
            return self._value(_path_of(target, at), chain)
        if name == COPY:
            return self._copied(_path_of(argument, at), chain)
        if name not in RESOLVERS:
            raise ConfigError(f"nothing resolves ${{{target}}}", hint=f"there are: {', '.join(sorted(RESOLVERS))}")
        return RESOLVERS[name](argument)

    def _copied(self, path: Path, chain: tuple[Path, ...]) -> Any:
        """A copy of what is at a path, all of whose references are replaced first."""
        _check_circle(path, chain)
        value = get_at(self.root, path)
        if type(value) not in NODES:
            return self._value(path, chain)
        for inner, one in list(walk(value)):
            if type(one) in (Reference, Sweep):
                self.replace((*path, *inner), (*chain, path))
        return copy.deepcopy(value)


def _path_of(target: str, at: Path) -> Path:
    """The path that is written in a reference at another."""
    dots = len(target) - len(target.lstrip("."))
    base = at[: len(at) - dots] if dots else ()
    return (*base, *parse_path(target[dots:]))


def _written(root: Node, path: Path) -> Source | None:
    """The text that set what is at a path, if it was typed or read."""
    node, name, _ = holder_of(root, path)
    origin = next((origin for origin, _ in records(node, name)), None)
    return Source(origin.where, origin.text or str(get_at(root, path))) if origin and origin.kind != "code" else None


def _check_no_node(value: Any, source: str) -> None:
    if nodes_of(value):
        raise ConfigError(f"nodes are in {source}, and only values can be linked", hint="have a factory share them")


def _check_circle(path: Path, chain: tuple[Path, ...]) -> None:
    if path in chain:
        told = " → ".join(format_path(one) for one in (*chain[chain.index(path) :], path))
        raise ConfigError(f"these refer to each other: {told}")
