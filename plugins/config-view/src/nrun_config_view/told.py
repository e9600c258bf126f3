"""Changes as lines, as a coloured tree, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nrun.config.document_writer import VERSION_KEY, to_data
from nrun.config.paths import format_path
from nrun.config.show import show
from nrun.config.target import display_name
from nrun.text import printable
from nrun_config_view.branches import branches
from nrun_config_view.nodes import full_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nrun.config.paths import Path, Step
    from nrun.model import Json
    from nrun_config_view.changes import Change
    from nrun_config_view.threeway import ThreeWay

VERSION = 1
_COLOURS = {"-": "red", "+": "green", "~": "yellow"}


def as_lines(changes: Iterable[Change]) -> Iterator[str]:
    """What goes after `-`, what comes after `+`, and what is there as before but in another way after `~`."""
    for change in changes:
        path = format_path(change.path) or "the root"
        for sign, text in _told(change, path):
            yield printable(f"{sign} {text}")


def as_tree(changes: Iterable[Change]) -> str:
    """Changes under the arguments they are in, coloured for a terminal."""
    root: dict[Step, Any] = {}
    told: dict[Path, list[Change]] = {}
    for change in changes:
        here = root
        for step in change.path:
            here = here.setdefault(step, {})
        told.setdefault(change.path, []).append(change)

    def label(item: tuple[Path, dict[Step, Any]]) -> list[str]:
        path, _ = item
        name = format_path(path[-1:]) or "the root"
        lines = [line for change in told.get(path, ()) for line in _told(change, name)]
        return [click.style(printable(f"{sign} {text}"), _COLOURS[sign]) for sign, text in lines] or [printable(name)]

    def below(item: tuple[Path, dict[Step, Any]]) -> list[tuple[Path, dict[Step, Any]]]:
        path, inner = item
        return [((*path, step), deeper) for step, deeper in inner.items()]

    return "\n".join(branches([((), root)] if () in told else below(((), root)), label, below))


def as_json(changes: Iterable[Change]) -> Json:
    """Changes as plain data that says which version of this form it is."""
    return {"nrun_diff": VERSION, "changes": [_form(change) for change in changes]}


def threeway_lines(found: ThreeWay) -> Iterator[str]:
    """What each side did, then the conflicts."""
    for title, changes in (("ours", found.ours), ("theirs", found.theirs), ("both", found.both)):
        if changes:
            yield f"{title}:"
            yield from (f"  {line}" for line in as_lines(changes))
    for conflict in found.conflicts:
        yield f"conflict at {printable(format_path(conflict.path)) or 'the root'}:"
        for title, changes in (("ours", conflict.ours), ("theirs", conflict.theirs)):
            yield from (f"  {title:<6} {line}" for line in as_lines(changes))


def threeway_json(found: ThreeWay) -> Json:
    """As `as_json`, with what each side did and the conflicts."""
    return {
        "nrun_diff": VERSION,
        "ours": [_form(change) for change in found.ours],
        "theirs": [_form(change) for change in found.theirs],
        "both": [_form(change) for change in found.both],
        "conflicts": [
            {
                "path": format_path(conflict.path),
                "ours": [_form(change) for change in conflict.ours],
                "theirs": [_form(change) for change in conflict.theirs],
            }
            for conflict in found.conflicts
        ],
    }


def _told(change: Change, path: str) -> Iterator[tuple[str, str]]:
    kind, source = change.kind, format_path(change.source or ())
    if kind == "retarget":
        words = (("kept", change.kept), ("dropped", change.dropped), ("new", change.added))
        names = "; ".join(f"{word}: {', '.join(map(str, names))}" for word, names in words if names)
        yield "-", f"{path} calls {display_name(change.old)}"
        yield "+", f"{path} calls {display_name(change.new)}" + (f"  ({names})" if names else "")
    elif kind == "retag":
        yield "~", f"{path} has {_tags(change.new)}; it had {_tags(change.old)}"
    elif kind == "move":
        yield "~", f"{path} was {source}"
    elif change.source is not None:
        if change.old is not None:
            yield "-", f"{path} = {show(change.old)}"
        yield "+", f"{path} is {source}"
    else:
        if kind in ("unset", "change", "remove"):
            yield "-", f"{path} = {show(change.old)}"
        if kind not in ("unset", "remove"):
            yield "+", f"{path} = {show(change.new)}" + ("  (no longer shared)" if kind == "unshare" else "")


def _tags(tags: Iterable[str]) -> str:
    return f"the tags {', '.join(tags)}" if tags else "no tags"


def _form(change: Change) -> Json:
    form: dict[str, Json] = {"kind": change.kind, "path": format_path(change.path)}
    if change.kind == "retarget":
        form |= {"old": full_name(change.old), "new": full_name(change.new)}
        form |= {
            word: list(names)
            for word, names in (("kept", change.kept), ("dropped", change.dropped), ("added", change.added))
        }
        return form
    if change.source is not None:
        return form | {"source": format_path(change.source)}
    if change.kind in ("unset", "change", "remove", "unshare", "retag"):
        form["old"] = _data(change.old)
    if change.kind not in ("unset", "remove"):
        form["new"] = _data(change.new)
    return form


def _data(value: object) -> Json:
    data = to_data(value, share=False)
    return {key: item for key, item in data.items() if key != VERSION_KEY} if isinstance(data, dict) else data
