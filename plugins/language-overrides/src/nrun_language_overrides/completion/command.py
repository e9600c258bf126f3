"""`nrun completion SHELL`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes SHELL complete `nrun`, and `python SCRIPT` where the script has an entrypoint.

    \b
    Examples:
      eval "$(nrun completion bash)"        in ~/.bashrc
      eval "$(nrun completion zsh)"         in ~/.zshrc, after compinit
      nrun completion fish | source         in ~/.config/fish/config.fish
    """
    script = Path(__file__).with_name("shells") / f"nrun.{shell}"
    click.echo(script.read_text("utf-8").replace("@PYTHON@", shlex.quote(sys.executable)), nl=False)
