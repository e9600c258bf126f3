"""The reference pages leave out nothing that the code has."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import attrs
import click
import pytest

from nrun import State
from nrun.cli.root import root
from nrun.config import codec
from nrun.events import Event
from nrun.model import Observation
from nrun_language_overrides.options import parameters

REPO = Path(__file__).parents[2]
REFERENCE = REPO / "docs" / "reference"
RECORD = (REFERENCE / "record.md").read_text("utf-8")
FORMS = (REFERENCE / "config-json.md").read_text("utf-8")
CLI = (REFERENCE / "cli.md").read_text("utf-8")


def commands(command: click.Command, words: tuple[str, ...] = ("nrun",)):
    """Every command below `command` that plugins of this repository bring, with the words that call it."""
    yield words, command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                yield from commands(command.get_command(context, name), (*words, name))


COMMANDS = [pytest.param(words, command, id=" ".join(words)) for words, command in commands(root)]


@pytest.mark.parametrize("event", Event.__subclasses__(), ids=lambda event: event.kind)
def test_every_event_is_in_the_page_of_the_record_with_all_its_fields(event):
    row = next((line for line in RECORD.splitlines() if line.startswith(f"| `{event.kind}` |")), "")
    missing = [field.name for field in attrs.fields(event) if field.name != "at" and f"`{field.name}`" not in row]
    assert row
    assert missing == []


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Observation)])
def test_every_field_of_an_observation_is_in_the_page_of_the_record(name):
    assert f"`{name}`" in RECORD


@pytest.mark.parametrize("state", State)
def test_every_state_is_in_the_page_of_the_record(state):
    assert f"`{state.value}`" in RECORD


def test_every_form_is_in_the_page_of_configurations():
    forms = set(re.findall(r'"(\$[a-z]+)"', inspect.getsource(codec)))
    assert forms >= {"$config", "$partial", "$object"}
    assert sorted(form for form in forms if f'"{form}"' not in FORMS) == []


@pytest.mark.parametrize(("words", "command"), COMMANDS)
def test_every_command_and_option_is_in_the_page_of_the_command_line(words, command):
    said = {word for option in command.params if isinstance(option, click.Option) for word in option.opts}
    assert f"`{words[-1]}" in CLI or " ".join(words) in CLI
    assert sorted(word for word in said if f"`{word}" not in CLI) == []


def test_every_option_of_an_entrypoint_is_in_the_page_of_the_command_line():
    said = {word for option in parameters(lambda *_: []) if isinstance(option, click.Option) for word in option.opts}
    assert len(said) > 20
    assert sorted(word for word in said if f"`{word}" not in CLI) == []


def test_every_distribution_is_in_the_readme():
    projects = [REPO / "pyproject.toml", *REPO.glob("kernel/pyproject.toml"), *REPO.glob("*/*/pyproject.toml")]
    names = [tomllib.loads(project.read_text("utf-8"))["project"]["name"] for project in projects]
    readme = (REPO / "README.md").read_text("utf-8")
    assert sorted(name for name in names if f"| `{name}` |" not in readme) == []
