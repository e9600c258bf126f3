"""The TOML format."""

from __future__ import annotations

import contextlib
import re
import tomllib
from typing import TYPE_CHECKING

from nrun.errors import ConfigError
from nrun.model import Document
from nrun_config_toml.forms import data_of, toml_of
from nrun_config_toml.places import NotTomlError, Places
from nrun_config_toml.problem import problem
from nrun_config_toml.update import same, updated
from nrun_config_toml.writer import text_of, with_comments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Json
    from nrun_config_toml.writer import Toml

MOST_CHARACTERS = 64 * 2**20

_SURROGATE = re.compile("[\ud800-\udfff]")
_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class TomlFormat:
    """TOML. `None`, which it lacks, is `{"$none" = true}`; a key `$none` is written with one more `$`.

    Dates and times of TOML are read as `{"$date": …}`, `{"$time": …}` and `{"$datetime": …}`. Numbers beyond 64 bits
    are refused. In a table, plain values come before the tables inside.
    """

    def read(self, text: str) -> Document:
        """The document in `text`. Raises ConfigError that says line and column."""
        if len(text) > MOST_CHARACTERS:
            msg = f"a TOML text may have at most {MOST_CHARACTERS:,} characters; this one has {len(text):,}"
            raise ConfigError(msg)
        text = _normal(text)
        places = Places(text)
        if found := _SURROGATE.search(text):
            raise problem(text, places.place(found.start()), "a lone surrogate, which is no character")
        with contextlib.suppress(NotTomlError):  # the next lines say what is wrong
            places.look()
        try:
            parsed = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _syntax_error(text, str(error), places) from None
        return Document(data_of(parsed, (), text, places.found), places.found)

    def write(self, data: Json, *, comments: Mapping[tuple[str | int, ...], str], into: str = "") -> str:
        """The text for `data`, which must be a mapping. Raises ConfigError for what TOML cannot hold.

        Everything of `into` stays that need not change. Only values that are new in it get their comments.
        """
        if not isinstance(data, dict):
            msg = f"a TOML document is a table, not a {type(data).__name__}"
            raise ConfigError(msg, hint="write it as YAML or JSON, or under a key")
        table = toml_of(data, ())
        return self._updated(_normal(into), table, comments) or with_comments(text_of(table), comments)

    def _updated(self, into: str, table: dict[str, Toml], comments: Mapping[tuple[str | int, ...], str]) -> str | None:
        """`into` with the content of `table`; None if it is empty, or of a layout that tomlkit has trouble with."""
        if not into.strip():
            return None
        old = self.read(into)
        try:
            text = updated(into, toml_of(old.data, ()), table)
            text = with_comments(text, {path: each for path, each in comments.items() if path not in old.positions})
            right = same(toml_of(self.read(text).data, ()), table)
        except Exception:  # noqa: BLE001 - whatever it stumbles over, the text can be written anew
            return None
        return text if right else None


def _normal(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _syntax_error(text: str, message: str, places: Places) -> ConfigError:
    if places.twice is not None and message.startswith(("Cannot overwrite", "Duplicate")):
        return places.twice
    where = _WHERE.search(message)
    place = (int(where[1]), int(where[2])) if where and where[1] else places.place(len(text))
    message = _WHERE.sub("", message)
    return problem(text, place, message[:1].lower() + message[1:])
