"""Every hook is documented as it is declared, and shown by a test. `NRUN_UPDATE_GOLDEN=1` rewrites the page."""

from __future__ import annotations

import ast
import inspect
import os
import re
import textwrap
from pathlib import Path

import pytest

from nrun import hookspecs
from nrun.plugins.host import HOOKS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "hooks.md"
MARK = "<!-- From here on this page is made of the docstrings of nrun.hookspecs. -->\n"
CONVENTIONS = ("collect", "first", "fold", "around", "notify")


def section(name: str) -> str:
    """The part of the page about one hook: its signature, then its docstring."""
    hook = getattr(hookspecs, name)
    parameters = ", ".join(inspect.signature(hook).parameters)
    text, _, example = inspect.cleandoc(hook.__doc__).partition("Example::")
    text = re.sub(r"^Convention: (\w+)", r"**Convention: \1**", text, flags=re.MULTILINE)
    signature = f"{name}{inspect.signature(hook)}".replace("'", "")
    return (
        f"### `{name}({parameters})`\n\n"
        f"```python\ndef {signature}\n```\n\n"
        f"{text.strip()}\n\n"
        f"```python\n{textwrap.dedent(example).strip()}\n```\n"
    )


def phases() -> str:
    """All sections under the headings of their phases, in the order of the source."""
    lines = inspect.getsource(hookspecs).splitlines()
    parts = []
    for line in lines:
        if line.startswith("# ---- "):
            parts.append(f"## {line.strip('# -').capitalize()}\n")
        elif line.startswith("def nrun_"):
            parts.append(section(line.removeprefix("def ").partition("(")[0]))
    return "\n".join(parts)


def test_the_page_says_what_the_hooks_say():
    if os.environ.get("NRUN_UPDATE_GOLDEN"):
        PAGE.write_text(PAGE.read_text("utf-8").partition(MARK)[0] + MARK + "\n" + phases(), "utf-8")
    assert PAGE.read_text("utf-8").partition(MARK)[2] == "\n" + phases()


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_a_hook_says_its_convention_when_it_fires_and_shows_an_example(name):
    text = inspect.cleandoc(getattr(hookspecs, name).__doc__)
    convention = re.search(r"^Convention: (\w+)", text, flags=re.MULTILINE)
    assert convention
    assert convention[1] in CONVENTIONS
    assert re.search(r"\b(Fires|Entered)\b", text)
    example = ast.parse(textwrap.dedent(text.partition("Example::")[2]))
    shown = next(node for node in ast.walk(example) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    assert shown.name == name
    parameters = {argument.arg for argument in shown.args.args}
    assert parameters <= set(inspect.signature(getattr(hookspecs, name)).parameters)


def test_the_introduction_explains_every_convention():
    introduction = PAGE.read_text("utf-8").partition(MARK)[0]
    assert all(f"**{convention}**" in introduction for convention in CONVENTIONS)


def test_every_hook_is_shown_by_a_test():
    tests = ast.parse((ROOT / "kernel" / "tests" / "test_hooks.py").read_text("utf-8"))
    names = {node.name for node in tests.body if isinstance(node, ast.FunctionDef)}
    assert {f"test_hook_{name.removeprefix('nrun_')}" for name in HOOKS} <= names


def test_only_the_typed_face_calls_hooks():
    callers = {
        path.relative_to(ROOT / "kernel/src/nrun").as_posix()
        for path in (ROOT / "kernel/src/nrun").rglob("*.py")
        if re.search(r"\.hook\b", path.read_text("utf-8"))
    }
    assert callers == {"plugins/hooks.py"}
