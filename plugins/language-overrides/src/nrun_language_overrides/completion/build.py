"""Makes an index where there is none: `python -m nrun_language_overrides.completion.build nrun`, or `FILE:NAME`.

This imports the plugins, or runs a script as far as it defines things; a process of its own does it, which may be
killed. Scripts are loaded as jobs load them: under another name than `__main__`, and not beyond where they launch.
"""

from __future__ import annotations

import contextlib
import os
import sys
import types
from typing import TYPE_CHECKING, Any

from nrun_language_overrides.completion.index import NOTHING, NRUN, keep

if TYPE_CHECKING:
    import ast

    from nrun import Entrypoint


def build(of: str) -> None:
    """Write the index of `nrun`, with those of all installed entrypoints, or that of a function in a file."""
    if of.startswith(NRUN):  # a file is named from the root
        _build_commands()
    else:
        file, _, name = of.rpartition(":")
        keep(of, [file], NOTHING)  # what follows may end in any way; it is then not tried again
        _build_entrypoint(of, file, name)


def _build_commands() -> None:
    import json

    import click

    from nrun.cli.root import root
    from nrun_language_overrides.completion.commands import described_command, entrypoints_in
    from nrun_language_overrides.completion.remember import write

    context = click.Context(root, info_name=NRUN)
    files: set[str] = set()
    told = described_command(root, context)
    for path, command in entrypoints_in(root, context):
        files.add(sys.modules[command.entry.function.__module__].__file__ or "")
        with contextlib.suppress(Exception):
            write(path, command)
    keep(NRUN, files - {""}, json.dumps(told, separators=(",", ":")))


def _build_entrypoint(of: str, file: str, name: str) -> None:
    from nrun.cli.entrypoint import command_of, entrypoint_of
    from nrun_language_overrides.completion.remember import write
    from nrun_language_overrides.language import EntrypointCommand

    with open(file, "rb") as source:  # noqa: PTH123 - text
        code = source.read()
    module = _loaded(file, code)
    command = command_of(entrypoint_of(getattr(module, name)) if name else _given_to_main(module, file, code))
    if isinstance(command, EntrypointCommand):
        write(of, command)


def _loaded(file: str, code: bytes) -> types.ModuleType:
    module = types.ModuleType("__nrun_main__")
    module.__file__ = file
    sys.modules[module.__name__] = module
    sys.argv = [file]
    sys.path.insert(0, os.path.dirname(file))  # noqa: PTH120 - text
    with contextlib.suppress(BaseException):  # a script may end in any way; what it defined before is there
        exec(compile(code, file, "exec", dont_inherit=True), vars(module))  # noqa: S102 - the user's script
    return module


def _given_to_main(module: types.ModuleType, file: str, code: bytes) -> Entrypoint:
    """The entrypoint of a script: what its call of `nrun.cli.main` says, without the call. Raises LookupError."""
    import ast

    from nrun.cli.entrypoint import entrypoint_of, main

    def value(part: ast.expr) -> Any:  # noqa: ANN401 - whatever the script says
        return eval(compile(ast.Expression(part), file, "eval", dont_inherit=True), vars(module))  # noqa: S307 - the user's script

    for call in ast.walk(ast.parse(code)):
        if isinstance(call, ast.Call) and _ends_in_main(call.func) and value(call.func) is main:
            settings = {given.arg: value(given.value) for given in call.keywords if given.arg}
            return entrypoint_of(value(call.args[0]), **settings)
    raise LookupError(file)


def _ends_in_main(function: ast.expr) -> bool:
    return "main" in (getattr(function, "attr", None), getattr(function, "id", None))


if __name__ == "__main__":
    build(sys.argv[1])
