"""What may come next on a command line: follows the words through the commands to what the last one stands for."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from nrun_language_overrides.completion import places
from nrun_language_overrides.completion.index import NRUN, document
from nrun_language_overrides.completion.items import items

if TYPE_CHECKING:
    from collections.abc import Sequence

    Json = dict[str, Any]
    Answer = tuple[str, str, bool]

DEADLINE_S = 10
"""How long making an index may take before it is given up."""

_LOOKED_UP = {
    "TARGET": places.targets,
    "FILE": places.files,
    "EXPERIMENT": places.experiments,
    "PROFILE": places.profiles,
}
"""What is meant by the word that help has for a parameter, and what gives it."""


def answers(words: Sequence[str], incomplete: str) -> list[Answer]:
    """What may stand in place of `incomplete` after `words`, the first of which is `nrun` or a Python.

    What follows a Python is a script, as after `nrun run`.
    """
    program, *rest = words
    if os.path.basename(program).startswith("python"):  # noqa: PTH119 - text
        return _after_target(rest[0], rest[1:], incomplete) if rest else places.files(incomplete)
    commands = _known(NRUN)
    return _after(commands, rest, incomplete, NRUN) if commands else []


def _after(command: Json, words: Sequence[str], incomplete: str, path: str, entry: Json | None = None) -> list[Answer]:
    """What may come after a command and some words; `entry` is the index of the command if it is an entrypoint's."""
    if entry is None and any(argument.get("kind") == "ITEM" for argument in command["arguments"]):
        entry = _known(path)
    given: list[str] = []
    options_may_come = True
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if options_may_come and word.startswith("-") and word != "-":
            options_may_come = word != "--"
            option = _option(command, word.partition("=")[0])
            takes = option["takes"] if option and "=" not in word else 0
            if option and takes > len(rest):
                return _values(option, given, incomplete, entry)
            del rest[:takes]
        elif "commands" in command:
            inner = command["commands"].get(word)
            return _after(inner, rest, incomplete, f"{path} {word}") if inner else []
        elif _argument(command, given).get("kind") == "TARGET":
            return _after_target(word, rest, incomplete)
        else:
            given.append(word)
            options_may_come = options_may_come and command["mixed"]
    if options_may_come and incomplete.startswith("-"):
        return _options(command, given, incomplete, entry)
    if "commands" in command:
        inner = command["commands"].items()
        return [(name, one["doc"], True) for name, one in sorted(inner) if name.startswith(incomplete)]
    return _values(_argument(command, given), given, incomplete, entry)


def _after_target(target: str, words: Sequence[str], incomplete: str) -> list[Answer]:
    """What may come after `FILE[:NAME]`: what the function takes, or else files, for a script may take anything."""
    target = os.path.expanduser(target)  # noqa: PTH111 - text
    file, colon, name = (target, "", "") if os.path.exists(target) else target.rpartition(":")  # noqa: PTH110 - text
    index = _known(f"{os.path.abspath(file)}:{name}") if name or _names_nrun(file) else None  # noqa: PTH100 - text
    if index is None:
        return [] if colon else places.files(incomplete)
    return _after(index["command"], words, incomplete, "", index)


def _names_nrun(file: str) -> bool:
    """Whether a script has to do with nrun at all: any other is left alone."""
    try:
        with open(file, "rb") as source:  # noqa: PTH123 - text
            return b"nrun" in source.read()
    except OSError:
        return False


def _argument(command: Json, given: Sequence[str]) -> Json:
    """The argument that the next word is."""
    arguments: list[Json] = command["arguments"]
    return arguments[min(len(given), len(arguments) - 1)] if arguments else {}


def _option(command: Json, name: str) -> Json | None:
    found: Json | None = next((option for option in command["options"] if name in option["names"]), None)
    return found


def _options(command: Json, given: Sequence[str], incomplete: str, entry: Json | None) -> list[Answer]:
    name, equals, start = incomplete.partition("=")
    if equals:
        option = _option(command, name)
        found = _values(option, given, start, entry) if option else []
        return [(f"{name}={word}", doc, whole) for word, doc, whole in found]
    told = [(name, option["doc"]) for option in command["options"] for name in option["names"]]
    return [(name, doc, True) for name, doc in told if name.startswith(incomplete)]


def _values(param: Json, given: Sequence[str], incomplete: str, entry: Json | None) -> list[Answer]:
    """What a parameter may be."""
    kind = param.get("kind")
    if kind in _LOOKED_UP:
        return _LOOKED_UP[kind](incomplete)
    if kind == "JOB":
        return places.jobs(given[0] if given else "latest", incomplete)
    if kind == "ITEM":
        return items(entry, given, incomplete) if entry else []
    words = entry["starts"] if entry and kind == "FACTORY" else param.get("values", ())
    return [(word, "", True) for word in words if word.startswith(incomplete)]


def _known(of: str) -> Json | None:
    """The index of something, made now if there is none that is true; None if it cannot be made."""
    text = document(of)
    if text is None:
        _build(of)
        text = document(of)
    found: Json | None = json.loads(text or "null")
    return found


def _build(of: str) -> None:
    """Let a process of its own make an index, and import for it what must be imported."""
    import subprocess

    argv = [sys.executable, "-P", "-m", "nrun_language_overrides.completion.build", of]
    environment = os.environ | {"NRUN_LOADING": "1"}
    devnull = subprocess.DEVNULL
    try:
        subprocess.run(  # noqa: S603 - ourselves
            argv, env=environment, stdin=devnull, stdout=devnull, stderr=devnull, timeout=DEADLINE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return
