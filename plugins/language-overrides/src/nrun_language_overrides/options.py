"""The options that every entrypoint has."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import attrs
import click

from nrun.data import Data
from nrun.launching import current_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

FORMATS = ("yaml", "toml", "json")
END_OF_RUN = "--"
"""Whatever is typed after it is about the task."""

NEEDLESS = {
    "lazy": "nothing is imported before it is needed",
    "docs": "--help has them",
    "verbose": "what your code raises is shown in full",
    **dict.fromkeys(
        (
            *("rich_exceptions", "no_rich_exceptions", "rich_traceback", "rich_traceback_short", "rich_traceback_full"),
            *("rich_locals", "rich_show_locals", "rich_hide_locals", "rich_theme"),
        ),
        "tracebacks are those of Python",
    ),
}
"""Options of NeMo Run that have nothing left to do here, and why. Whoever gives one is told, and it is left out."""
SAID_BY_OPTION = {
    "skip_confirmation": "yes",
    "yaml": "load",
    "dryrun": "plan",
    **{name: name for name in ("detach", "direct", "factory", "load", "repl")},
    **{name: name for name in ("tail_logs", "to_yaml", "to_toml", "to_json")},
}
"""What NeMo Run lets one say of the run as an item, `run.detach=True`, and the option that it is here."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Options(Data):
    """The options that were typed."""

    help: bool
    help_all: bool
    name: str
    factory: str
    load: str
    on: str
    workspace: tuple[str, ...]
    set_file: tuple[str, ...]
    plan: bool
    yes: bool
    sweep: bool
    zipped: tuple[str, ...]
    last_wins: bool
    tail_logs: bool
    direct: bool
    detach: bool
    repl: bool
    as_json: bool
    errors: str
    exports: tuple[tuple[str, str], ...]
    """Pairs of a format and a file, with `:section` behind it if it is for one."""


def parameters(complete_item: Complete) -> list[click.Parameter]:
    """What click has to know of them, and of the items."""
    flag: dict[str, Any] = {"is_flag": True}
    return [
        click.Argument(["items"], nargs=-1, metavar="[ITEM]...", type=click.UNPROCESSED, shell_complete=complete_item),
        click.Option(
            ["-h", "--help"], help="Show the arguments with type and value, or those at the paths in ITEM.", **flag
        ),
        click.Option(["--help-all"], help="As --help, with all that is deeper in the tree.", **flag),
        click.Option(["-n", "--name"], default="", help="Title of the experiment and name of its job."),
        click.Option(["-f", "--factory"], default="", metavar="NAME[(ARGS)]", help="What makes the starting point."),
        click.Option(
            ["-l", "--load", "--yaml", "load"],
            default="",
            metavar="FILE[:SECTION]",
            help="Start from a configuration in a file.",
        ),
        click.Option(["--on"], default="", metavar="PROFILE", help="Executor of a site profile."),
        click.Option(
            ["--workspace"], multiple=True, metavar="FILE", help="Python that registers more factories, run first."
        ),
        click.Option(
            ["--set-file"], multiple=True, metavar="FILE", help="More items, one per line; - for standard input."
        ),
        click.Option(
            ["--plan", "--dryrun", "plan"], help="Print exactly what would be submitted; submit nothing.", **flag
        ),
        click.Option(["-y", "--yes", "--no-confirm", "yes"], help="Run without asking.", **flag),
        click.Option(["--sweep"], help="Run every point of the sweeps in the items.", **flag),
        click.Option(
            ["--zip", "zipped"], multiple=True, metavar="PATH,PATH", help="Sweeps that vary together. May be repeated."
        ),
        click.Option(["--last-wins"], help="Let an item undo an earlier one.", **flag),
        click.Option(
            ["--tail-logs/--no-tail-logs", "tail_logs"], help="Print what the jobs write, as it comes.", default=False
        ),
        click.Option(
            ["--direct/--no-direct", "direct"], help="Run in this process, wherever it would run.", default=False
        ),
        click.Option(["--detach"], help="Leave as soon as it is submitted; jobs are looked after.", **flag),
        click.Option(["--repl"], help="Open a Python prompt with `task` and `run_task` in scope.", **flag),
        click.Option(["--json", "as_json"], help="Print the outcome as JSON.", **flag),
        click.Option(
            ["--errors"], type=click.Choice(["text", "json"]), default="text", help="How problems are written."
        ),
        *(
            click.Option(
                [f"--to-{name}"],
                default="",
                metavar="FILE[:SECTION]",
                help=f"Write the configuration as {name.upper()} and exit; - for standard output.",
            )
            for name in FORMATS
        ),
    ]


def is_interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def is_planning(options: Options) -> bool:
    """Whether nothing is to be run or written."""
    session = current_session()
    return options.plan or (session is not None and session.plan_only)
