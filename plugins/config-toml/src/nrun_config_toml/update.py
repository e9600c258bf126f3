"""Bring a TOML text up to date, with its comments and layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.items import AoT, InlineTable

from nrun_config_toml.writer import has_heading, inline

if TYPE_CHECKING:
    from nrun_config_toml.writer import Toml


def updated(text: str, old: dict[str, Toml], new: dict[str, Toml]) -> str:
    """`text`, which says `old`, changed where `new` differs."""
    document = tomlkit.parse(text)
    _bring_table(document, old, new)
    return tomlkit.dumps(document)


def same(one: Toml, other: Toml) -> bool:
    """Whether two values are written alike: `nan` is `nan`, but 1, 1.0 and true are three values."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other)


def _bring_table(table: Any, old: dict[str, Toml], new: dict[str, Toml]) -> None:  # noqa: ANN401 - tomlkit has several kinds of table
    for key in old:
        if key not in new:
            del table[key]
    for key, value in new.items():
        if key not in old:
            table[key] = _item(value, table)
        elif not same(old[key], value):
            if isinstance(table[key], dict) and isinstance(value, dict):
                _bring_table(table[key], old[key], value)
            elif isinstance(table[key], AoT) and isinstance(value, list) and all(isinstance(i, dict) for i in value):
                _bring_tables(table[key], old[key], value)
            else:
                table[key] = _item(value, table)


def _bring_tables(tables: AoT, old: list[dict[str, Toml]], new: list[dict[str, Toml]]) -> None:
    for index in reversed(range(len(new), len(old))):
        del tables[index]
    for table, before, after in zip(tables, old, new, strict=False):
        _bring_table(table, before, after)
    for table in new[len(old) :]:
        tables.append(_item(table, tables))


def _item(value: Toml, inside: Any) -> Any:  # noqa: ANN401 - as above
    """`value` as a part of `inside`."""
    if isinstance(inside, InlineTable) or not has_heading(value):
        return tomlkit.value(inline(value))
    if isinstance(value, list):
        tables = tomlkit.aot()
        for item in value:
            tables.append(_item(item, tables))
        return tables
    table = tomlkit.table()
    for key, item in sorted(value.items(), key=lambda each: has_heading(each[1])):
        table[key] = _item(item, table)
    return table
