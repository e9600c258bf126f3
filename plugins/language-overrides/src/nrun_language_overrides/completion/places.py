"""Files, names in them, experiments and jobs: what is looked up when Tab is pressed, and never kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    Answer = tuple[str, str, bool]

MOST = 100
"""How many experiments are offered at most."""


def files(start: str, before: str = "", ending: str = "") -> list[Answer]:
    """Folders, and files with this ending, whose path begins with `start`; `before` stands before each."""
    folder, slash, name = start.rpartition("/")
    try:
        with os.scandir(os.path.expanduser(folder + slash) or ".") as entries:  # noqa: PTH111 - text
            found = sorted((entry.name, entry.is_dir()) for entry in entries if entry.name.startswith(name))
    except OSError:
        return []
    return [
        (before + folder + slash + one + ("/" if is_folder else ""), "", not is_folder and not ending)
        for one, is_folder in found
        if (is_folder or one.endswith(ending)) and one.isprintable() and (name or not one.startswith("."))
    ]


def targets(start: str) -> list[Answer]:
    """Scripts; after `FILE:` what can be run in the file, which is read and not imported."""
    file, colon, name = start.rpartition(":")
    path = os.path.expanduser(file)  # noqa: PTH111 - text
    if not colon or not os.path.isfile(path):  # noqa: PTH113 - text
        return files(start, ending=".py")
    return [(f"{file}:{one}", doc, True) for one, doc in _names(path) if one.startswith(name)]


def _names(file: str) -> Iterator[tuple[str, str]]:
    """Entrypoints and experiments of a file; where no function is marked as an entrypoint, every public function."""
    import ast

    try:
        with open(file, "rb") as source:  # noqa: PTH123 - text
            body = ast.parse(source.read()).body
    except (OSError, SyntaxError, ValueError):
        return
    functions: list[tuple[bool, str, str]] = []
    for statement in body:
        if isinstance(statement, ast.FunctionDef) and not statement.name.startswith("_"):
            marks = {_last_name(mark) for mark in statement.decorator_list}
            doc = (ast.get_docstring(statement) or "").partition("\n")[0]
            chosen = "entrypoint" in marks or _last_name(statement.returns) == "Experiment"
            if "factory" not in marks:
                functions.append((chosen, statement.name, doc if doc.isprintable() else ""))
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            kind = _last_name(statement.value)
            if kind in ("Experiment", "Config", "Partial", "Script"):
                yield from ((one.id, kind) for one in statement.targets if isinstance(one, ast.Name))
        elif isinstance(statement, ast.With):
            for item in statement.items:
                if _last_name(item.context_expr) == "Experiment" and isinstance(item.optional_vars, ast.Name):
                    yield item.optional_vars.id, "Experiment"
    marked = any(chosen for chosen, _, _ in functions)
    yield from ((name, doc) for chosen, name, doc in functions if chosen or not marked)


def _last_name(expression: Any) -> str:  # noqa: ANN401 - a part of a syntax tree, or None
    """`entrypoint` of `@run.cli.entrypoint(...)`."""
    import ast

    if isinstance(expression, ast.Call):
        expression = expression.func
    return str(getattr(expression, "attr", getattr(expression, "id", getattr(expression, "value", ""))))


# ---- the record


def experiments(start: str) -> list[Answer]:
    """`latest`, titles, and ids, newest first."""
    from nrun.record import experiments as recorded
    from nrun.record import home_folder

    found = recorded(home_folder())
    titles = dict.fromkeys(folder.title for folder in found)
    told = [("latest", "the newest")] * bool(found)
    told += [*((title, "") for title in titles), *((folder.id, folder.title) for folder in found)]
    return [(word, help_, True) for word, help_ in told if word.startswith(start)][:MOST]


def jobs(experiment: str, start: str) -> list[Answer]:
    """The names of the jobs of an experiment."""
    import json

    from nrun.record import find_experiment, home_folder

    folder = find_experiment(home_folder(), experiment)
    told = json.loads((folder.path / "experiment.json").read_text("utf-8"))
    return [(job["name"], "", True) for job in told["jobs"] if job["name"].startswith(start)]


def profiles(start: str) -> list[Answer]:
    """The site profiles."""
    from nrun.record import home_folder

    names = sorted(path.stem for path in (home_folder() / "profiles").glob("*"))
    return [(name, "", True) for name in names if name.startswith(start)]
