"""What a command found when it looked whether something is well, and how it says so; for the commands of plugins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs
import click

from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    ok: bool
    message: str
    remedy: str = ""
    detail: str = ""


def say(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print what was found. Gives the exit code: 0 if all is well, 1 otherwise."""
    well = all(one.ok for one in findings)
    if as_json:
        click.echo(json.dumps({"ok": well, "findings": [attrs.asdict(one) for one in findings]}, indent=2))
    for finding in () if as_json else findings:
        click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.subject}: {printable(finding.message)}")
        click.echo(f"     do: {printable(finding.remedy)}\n" if finding.remedy else "", nl=False)
        click.echo("".join(f"     | {line}\n" for line in finding.detail.splitlines()), nl=False)
    return 0 if well else 1
