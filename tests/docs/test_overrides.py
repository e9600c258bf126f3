"""The page of the items says what is so: everything in its tables is read, or refused, as it is written there."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest

from nrun import ConfigError
from nrun.cli.entrypoint import entrypoint_of
from nrun.plugins import installed
from nrun_language_overrides.invocation import settings_of, typed
from nrun_language_overrides.reader import Reading, read_text

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "overrides.md").read_text("utf-8")
_TABLE = re.compile(r"^\| (?P<first>[\w ]+) \|.*\n\|[-|]+\|\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_BAR = re.compile(r"(?<!\\)\|")
NAMES = """
from collections.abc import Sequence
from collections import deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Callable, Optional, Union
from uuid import UUID

Color = Enum("Color", ["RED", "BLUE"])
"""


def cells(first: str) -> list[list[str]]:
    """The rows of all tables whose first column is called `first`."""
    tables = [match for match in _TABLE.finditer(PAGE) if match["first"] == first]
    rows = [row for table in tables for row in table["rows"].splitlines()]
    return [[cell.strip().replace("\\|", "|") for cell in _BAR.split(row)[1:-1]] for row in rows]


ITEMS = [span for row in cells("item") for span in _SPAN.findall(row[0])]
REFUSED = [span for row in cells("refused") for span in _SPAN.findall(row[0])]
VALUES = [
    pytest.param(annotation, text, column == 1, id=f"{annotation}: {text}")
    for row in cells("annotation")
    for annotation in _SPAN.findall(row[0].partition(" (")[0])
    for column in (1, 2)
    for text in _SPAN.findall(row[column])
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program of the page, as a module, in a folder with the files of the page."""
    folder = tmp_path_factory.mktemp("page")
    for name, text in re.findall(r'^```\w+ title="(.*?)"\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(text, "utf-8")
    path = folder / "page_of_items.py"
    path.write_text((folder / "train.py").read_text("utf-8") + NAMES, "utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    with contextlib.chdir(folder):
        yield module
    del sys.modules[path.stem]


def read(program, items: str):
    return typed(entrypoint_of(program.train, default_factory=program.start), shlex.split(items), installed())


@pytest.mark.parametrize("items", ITEMS)
def test_an_item_of_the_page_has_an_effect(program, items):
    done = read(program, items)
    assert (
        done.task != program.start()
        or settings_of(done.settings, done.reading).executor
        or "run." in items
        or "@=" in items
    )


@pytest.mark.parametrize("items", REFUSED)
def test_what_the_page_calls_refused_is_refused(program, items):
    with pytest.raises(ConfigError):
        read(program, items)


@pytest.mark.parametrize(("annotation", "text", "fits"), VALUES)
def test_a_value_of_the_page_is_read_or_refused(program, annotation, text, fits):
    reading = Reading(factories=read(program, "").reading.factories)
    expected = eval(annotation, vars(program))
    if fits:
        read_text(text, expected, reading)
    else:
        with pytest.raises(ConfigError):
            read_text(text, expected, reading)


def test_the_page_has_tables_of_all_kinds():
    assert len(ITEMS) > 60
    assert len(REFUSED) > 15
    assert len(VALUES) > 90
