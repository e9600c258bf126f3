"""`nrun config show | diff | explain | convert | validate | schema`."""
# ruff: noqa: ANN401 - a configuration may be any value

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nrun import dump, dumps
from nrun.config.document_writer import to_data
from nrun.config.imports import find_allowed, from_packages
from nrun.config.paths import parse_path
from nrun.config.target import resolve
from nrun.errors import UsageError
from nrun_config_view.explain import explain as explained
from nrun_config_view.load import configuration, part
from nrun_config_view.nodes import is_node

if TYPE_CHECKING:
    from collections.abc import Callable

WHAT = click.argument("what", metavar="FILE[:SECTION]|EXPERIMENT[:JOB]")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def config() -> None:
    """Show, compare, explain, convert and check configurations.

    They are named by FILE, by FILE:SECTION, such as exp.yaml:train.model, or by EXPERIMENT:JOB: the task that was run.
    Only `validate` and `schema` import anything that they name.

    \b
    Examples:
      nrun config show exp.yaml
      nrun config diff old.yaml new.yaml
      nrun config explain latest:train optimizer.lr
    """


def _text(value: Any) -> str:
    from nrun_config_view.picture import as_text

    return as_text(value)


def _svg(value: Any) -> str:
    from nrun_config_view.picture import as_svg

    return as_svg(value)


def _html(value: Any) -> str:
    from nrun_config_view.pages import as_html

    return as_html(value)


def _mermaid(value: Any) -> str:
    from nrun_config_view.pages import as_mermaid

    return as_mermaid(value)


def _python(value: Any) -> str:
    from nrun_config_view.python import as_python

    return as_python(value)


def _overrides(value: Any) -> str:
    from nrun_config_view.overrides import all_overrides

    if not is_node(value):
        msg = "overrides change what is in a node, and this is none"
        raise UsageError(msg)
    return "\n".join(all_overrides(value))


def _json(value: Any) -> str:
    return json.dumps(to_data(value, share=False), indent=2, ensure_ascii=False)


SHOWN: dict[str, Callable[[Any], str]] = {
    "text": _text,
    "json": _json,
    "py": _python,
    "svg": _svg,
    "html": _html,
    "mermaid": _mermaid,
    "overrides": _overrides,
    "yaml": lambda value: dumps(value, "yaml"),
    "toml": lambda value: dumps(value, "toml"),
}


@config.command()
@WHAT
@click.option("--format", "form", type=click.Choice([*SHOWN]), default="text", show_default=True)
@AS_JSON
def show(what: str, form: str, as_json: bool) -> None:
    """Show a configuration, every shared node once. Imports nothing.

    `py` is Python that makes it again, `overrides` what would be typed to have it.

    \b
    Examples:
      nrun config show exp.yaml
      nrun config show latest:train --format py
      nrun config show exp.yaml:model --format svg > model.svg
    """
    click.echo(SHOWN["json" if as_json else form](configuration(what)).rstrip("\n"))


@config.command()
@click.argument("a")
@click.argument("b")
@click.argument("c", required=False)
@click.option(
    "--format", "form", type=click.Choice(["text", "tree", "json", "overrides"]), default="text", show_default=True
)
@AS_JSON
@click.option("--explicit", is_flag=True, help="Also show what is only set to its default.")
def diff(a: str, b: str, c: str | None, form: str, as_json: bool, explicit: bool) -> int:
    """Show what makes B of A. Exits with 1 if they differ. Imports nothing.

    With three, what B and C made of A, and where they are in each other's way; exits with 1 if they are.

    \b
    Examples:
      nrun config diff old.yaml new.yaml
      nrun config diff old.yaml latest:train --format overrides
      nrun config diff base.yaml ours.yaml theirs.yaml
    """
    from nrun_config_view import told
    from nrun_config_view.diff import diff as difference
    from nrun_config_view.overrides import overrides
    from nrun_config_view.threeway import diff3

    form = "json" if as_json else form
    trees = [configuration(word) for word in (a, b, c) if word is not None]
    if c is not None:
        if form not in ("text", "json"):
            msg = f"three configurations are compared as text or json, not as {form}"
            raise UsageError(msg)
        found = diff3(*trees, explicit=explicit)
        _echo(json.dumps(told.threeway_json(found)) if form == "json" else "\n".join(told.threeway_lines(found)))
        return int(bool(found.conflicts))
    changes = difference(*trees, explicit=explicit)
    if form == "json":
        _echo(json.dumps(told.as_json(changes), ensure_ascii=False))
    elif form == "tree":
        _echo(told.as_tree(changes))
    else:
        _echo("\n".join(overrides(*trees) if form == "overrides" else told.as_lines(changes)))
    return int(bool(changes))


def _echo(text: str) -> None:
    if text:
        click.echo(text)


@config.command()
@WHAT
@click.argument("path")
@AS_JSON
def explain(what: str, path: str, as_json: bool) -> None:
    """Tell why the value at PATH is what it is: where it came from, newest first. Imports nothing.

    \b
    Examples:
      nrun config explain exp.yaml optimizer.lr
      nrun config explain exp.yaml 'callbacks[0].every' --json
    """
    value, steps = configuration(what), parse_path(path)
    part(value, steps[:-1])
    found = explained(value, steps)
    if not found.trail:
        part(value, steps)
    if not as_json:
        click.echo(str(found))
        return
    trail = [
        {"kind": origin.kind, "where": origin.where, "text": origin.text, "note": origin.note, "value": value}
        for origin, value in found.trail
    ]
    form = {"path": found.path, "value": found.value, "type": found.annotation, "doc": found.doc, "trail": trail}
    click.echo(json.dumps(form, ensure_ascii=False, indent=2))


@config.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO", type=click.Path())
def convert(source: str, target: str) -> None:
    """Write the configuration FROM to the file TO, in the format that its name ends in. Imports nothing.

    FROM may also be a task of an experiment. Besides the formats of files, `.py`, `.svg`, `.html` and `.mmd`
    (Mermaid) will do.

    \b
    Examples:
      nrun config convert exp.yaml exp.json
      nrun config convert latest:train train.py
    """
    value, suffix = configuration(source), Path(target).suffix.removeprefix(".")
    suffix = {"mmd": "mermaid"}.get(suffix, suffix)
    if suffix not in ("py", "svg", "html", "mermaid"):
        dump(value, target)
        return
    try:
        Path(target).write_text(SHOWN[suffix](value), "utf-8")
    except OSError as error:
        msg = f"cannot write {target}: {error.strerror}"
        raise UsageError(msg) from error


@config.command()
@WHAT
@click.option("--allow", multiple=True, metavar="PACKAGE", help="A package that may be imported; may be repeated.")
@click.option("--trust", is_flag=True, help="Import whatever the configuration names.")
@AS_JSON
def validate(what: str, allow: tuple[str, ...], trust: bool, as_json: bool) -> int:
    """Check that a configuration could be built. Prints every problem, and exits with 2 if there is one.

    Imports what the configuration names, if that is allowed: by --allow, or NRUN_ALLOW.

    \b
    Examples:
      nrun config validate exp.yaml --allow my_package
      nrun config validate exp.yaml --trust --json
    """
    from nrun_config_view.validate import problems_of

    _import_from_here()
    allowed = from_packages({"builtins", "nrun", *allow, *os.environ.get("NRUN_ALLOW", "").split(":")} - {""})
    found = problems_of(configuration(what), resolve if trust else lambda symbol: find_allowed(symbol, allowed))
    if as_json:
        forms = [{"path": one.path, "message": one.message, "hint": one.hint, "where": one.where} for one in found]
        click.echo(json.dumps({"problems": forms}, ensure_ascii=False, indent=2))
    elif found:
        click.echo(f"{len(found)} problem{'s' if len(found) > 1 else ''} in {what}", err=True)
        for problem in found:
            click.echo(f"  {problem}", err=True)
    else:
        click.echo(f"{what}: no problems")
    return 2 if found else 0


@config.command()
@click.argument("target", metavar="MODULE:NAME|FILE.py:NAME")
def schema(target: str) -> None:
    """Print the JSON Schema of configurations that call MODULE:NAME, for editors to complete and check by.

    \b
    Examples:
      nrun config schema train.py:train > train.schema.json
      nrun config schema my_package.training:train
    """
    from nrun_config_view.schema import schema_of

    _import_from_here()
    file, _, name = target.rpartition(":")
    if file.endswith(".py"):
        sys.path.insert(0, str(Path(file).parent))
        target = f"{Path(file).stem}:{name}"
    click.echo(json.dumps(schema_of(resolve(target)), indent=2, ensure_ascii=False))


def _import_from_here() -> None:
    """Find modules in the current folder, as `python -m` does."""
    sys.path.insert(0, "")
