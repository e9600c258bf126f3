"""Keeps what is known of an entrypoint after it has been used, so that the next Tab needs not import it."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

from nrun.launching import MAIN_MODULES
from nrun_language_overrides.completion.index import NOTHING, document, keep

if TYPE_CHECKING:
    import click

    from nrun_language_overrides.language import EntrypointCommand

    Json = dict[str, Any]


def remember(command: EntrypointCommand, context: click.Context) -> None:
    """Keep an index of an entrypoint that was run or asked for help. Nothing that goes wrong with it is told."""
    with contextlib.suppress(
        Exception
    ):  # a full disk, a factory that fails: whatever it is, completion is not worth it
        of = _reached_by(command, context)
        if of and document(of) in (None, NOTHING):
            write(of, command)


def index_of(command: EntrypointCommand, context: click.Context) -> Json:
    """The index of an entrypoint: the one that is kept, or else one made now. Raises as `write` does."""
    import json

    of = _reached_by(command, context)
    text = document(of) if of else None
    return _described(command)[0] if text in (None, NOTHING) else json.loads(text)


def write(of: str, command: EntrypointCommand) -> None:
    """Keep an index of an entrypoint. Raises OSError, and what making its configuration raises."""
    import json

    told, files = _described(command)
    main = next((file for module in MAIN_MODULES if (file := _file(module)) and of.startswith(f"{file}:")), None)
    keep(of, [*files, main] if main else files, json.dumps(told, separators=(",", ":")))


def _described(command: EntrypointCommand) -> tuple[Json, list[str]]:
    """What can be typed after an entrypoint, its options with it, and the files in which that is written."""
    import click

    from nrun_language_overrides.completion.commands import described_command
    from nrun_language_overrides.completion.describe import described

    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123 - text
        told, files = described(command.entry)
    return {**told, "command": described_command(command, click.Context(command))}, files


def _reached_by(command: EntrypointCommand, context: click.Context) -> str:
    """What the index of a command is of: `FILE:NAME`, `FILE:` for that of a script, or the words after `nrun`."""
    if context.parent is not None:
        return context.command_path
    named = sys.modules.get("__nrun_main__")
    names = [name for name, value in vars(named).items() if value is command.entry.function] if named else [""]
    file = _file("__nrun_main__" if named else "__main__")
    return f"{file}:{names[0]}" if file and names else ""


def _file(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    return os.path.abspath(file) if file else ""  # noqa: PTH100 - text
