"""The YAML format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun.model import Document
from nrun_config_yaml.reader import Reader
from nrun_config_yaml.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Json


class YamlFormat:
    """YAML 1.2: `on` and `2024-01-01` are text, `1e-3` is a number, and a tag makes no object of anything."""

    def read(self, text: str) -> Document:
        """The document in `text`. Raises ConfigError that says line and column.

        A mapping with an anchor is one object wherever an alias or `<<` brings it.
        """
        reader = Reader(text)
        data = reader.read()
        return Document(data, reader.positions)

    def write(self, data: Json, *, comments: Mapping[tuple[str | int, ...], str], into: str = "") -> str:
        """The text for `data`, in block style. Raises ConfigError for what is not plain data.

        Of `into` stay the order of keys, empty lines, and comments: those above a value, and those behind one, which
        go above it. Its quotes and layout, names of anchors, `<<`, and comments that nothing follows are lost.
        """
        old = Reader(into)
        order = old.read()
        new = {path: text for path, text in comments.items() if not old.comments.get(path, "").strip()}
        return Writer({**old.comments, **new}, order).write(data)
