"""References become the values they stand for, as late as possible: in the tree that is about to be run."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from nrun.config.annotations import annotation_of
from nrun.config.node import NODES
from nrun.config.origin import Origin
from nrun.config.paths import Path, format_path, get_at, holder_of, nodes_of, parse_path, set_at, walk
from nrun.config.special import Reference, Sweep
from nrun.errors import ConfigError
from nrun_language_overrides.problems import ConfigProblems, Problem
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


RESOLVERS: Mapping[str, Callable[[str], str]] = {
    "env": _env,
    "git": _git,
    "host": _host,
    "now": _now,
    "uuid": _uuid,
}
"""What may stand before the colon in `${name:argument}`. Each gives text, which is read as the argument's type."""


def resolved(root: N, reading: Reading, links: Sequence[Link] = ()) -> N:
    """A copy of a tree in which every reference is replaced by its value, read as what the argument takes.

    Then `links` are followed, in order.
    Raises ConfigProblems for references that lead nowhere, to a node, or in a circle, and for sweeps.
    """
    found = [(path, value) for path, value in walk(root) if type(value) in (Reference, Sweep)]
    if not found and not links:
        return root
    root = copy.deepcopy(root)
    problems: list[Problem] = []
    for path, _ in found:
        try:
            set_at(root, path, _value(root, path, reading, ()))
        except ConfigProblems as error:
            problems += error.problems
        except ConfigError as error:
            problems.append(Problem(format_path(path), error.message, None, (error.hint,) if error.hint else ()))
    if problems:
        raise ConfigProblems(problems)
    for link in links:
        try:
            _follow(root, link, reading)
        except ConfigProblems:
            raise
        except ConfigError as error:
            told = f"{error.message} (linked to {link.src})"
            raise ConfigProblems([Problem(link.dst, told, None, (error.hint,) if error.hint else ())]) from error
    return root


def _follow(root: Node, link: Link, reading: Reading) -> None:
    """Set what a link leads to. What `via` raises is passed on, with a note."""
    value, path = get_at(root, link.src), parse_path(link.dst)
    if next(nodes_of(value), None):
        raise ConfigError(f"{link.src} is a node, and only values can be linked", hint="have a factory share it")
    try:
        value = value if link.via is None else link.via(value)
    except Exception as error:
        error.add_note(f"in the link from {link.src} to {link.dst}")
        raise
    node, name, inside = holder_of(root, path)
    annotation = Any if inside else annotation_of(node, name)
    reading = attrs.evolve(reading, path=link.dst)
    set_at(root, path, read_value(value, annotation, reading), Origin("code", f"linked to {link.src}"))


def _value(root: Node, path: Path, reading: Reading, chain: tuple[Path, ...]) -> Any:
    """The value at a path, with the reference that may stand there followed."""
    if path in chain:
        told = " → ".join(format_path(one) for one in (*chain[chain.index(path) :], path))
        raise ConfigError(f"these refer to each other: {told}")
    value = get_at(root, path)
    if type(value) is Sweep:
        raise ConfigError(f"a sweep of {len(value.points)} values", hint="add --sweep to run them all")
    if type(value) is not Reference:
        if type(value) in NODES:
            hint = f"to have the same node in both places: {format_path(chain[0])}@={format_path(path)}"
            raise ConfigError(f"{format_path(path)} is a node, which a reference would copy", hint=hint)
        return value
    node, name, inside = holder_of(root, path)
    annotation = Any if inside else annotation_of(node, name)
    reading = attrs.evolve(reading, path=format_path(path))
    texts = [
        part if not index % 2 else _target(root, part, path, reading, (*chain, path))
        for index, part in enumerate(value.parts)
    ]
    if not value.is_whole:
        return read_text("".join(map(str, texts)), annotation, reading)
    (target,) = value.targets
    return read_text(texts[1], annotation, reading) if ":" in target else read_value(texts[1], annotation, reading)


def _target(root: Node, target: str, at: Path, reading: Reading, chain: tuple[Path, ...]) -> Any:
    name, colon, argument = target.partition(":")
    if colon:
        if name not in RESOLVERS:
            raise ConfigError(f"nothing resolves ${{{target}}}", hint=f"there are: {', '.join(sorted(RESOLVERS))}")
        return RESOLVERS[name](argument)
    dots = len(target) - len(target.lstrip("."))
    base = at[: len(at) - dots] if dots else ()
    return _value(root, (*base, *parse_path(target[dots:])), reading, chain)
