"""Tags of arguments: set on a node, or named by `Annotated`; and how those of a node are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nrun.config.node import target_of

if TYPE_CHECKING:
    from nrun.config.node import Node, Tags
    from nrun.model import Json


def tags_at(node: Node, name: str | int) -> frozenset[str]:
    """All tags of an argument. An annotation names a tag by a text, or by a class of that name."""
    from nrun.config.annotations import annotation_of

    notes = getattr(annotation_of(target_of(node), name), "__metadata__", ())
    named = (getattr(note, "__name__", note) for note in notes)
    own = (tag for tagged, tag in node.__nrun_tags__ or () if tagged == name)
    return frozenset(tag for tag in (*named, *own) if isinstance(tag, str))


def tags_form(tags: Tags) -> dict[str, Json]:
    """Tags as plain data: tag -> names and indices of arguments."""
    form: dict[str, list[str | int]] = {}
    for name, tag in sorted(tags, key=lambda pair: (pair[1], isinstance(pair[0], str), pair[0])):
        form.setdefault(tag, []).append(name)
    return cast("dict[str, Json]", form)


def tags_read(form: Json) -> Tags:
    """The tags of a form. Raises ValueError for what is none."""
    if isinstance(form, dict) and all(isinstance(names, list) for names in form.values()):
        pairs = [(name, tag) for tag, names in form.items() for name in cast("list[object]", names)]
        if all(type(name) in (str, int) for name, _ in pairs):
            return frozenset(cast("list[tuple[str | int, str]]", pairs))
    raise ValueError("tags are written as {tag: [argument, ...]}")
