"""The command of an entrypoint: its options, and the items that change what it runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import attrs
import click

from nrun.data import Data
from nrun.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from nrun import Entrypoint

FORMATS = ("yaml", "toml", "json")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Options(Data):
    """The options that were typed."""

    help: bool
    name: str
    factory: str
    load: str
    on: str
    set_file: tuple[str, ...]
    plan: bool
    yes: bool
    sweep: bool
    zipped: tuple[str, ...]
    last_wins: bool
    tail_logs: bool
    repl: bool
    as_json: bool
    errors: str
    exports: tuple[tuple[str, str], ...]
    """Pairs of a format and a file, with `:section` behind it if it is for one."""


class Overrides:
    """The command language of nrun. See `nrun.entrypoints.Language`."""

    def command(self, entry: Entrypoint) -> click.Command:
        """The command that runs `entry` with items such as `model.layers+=2`."""
        return EntrypointCommand(entry)


class EntrypointCommand(click.Command):
    """Runs an entrypoint. Its help shows the tree as it is after the items that were typed."""

    def __init__(self, entry: Entrypoint) -> None:
        self.entry = entry
        super().__init__(
            entry.name,
            callback=self._run,
            params=_parameters(),
            help=entry.help,
            short_help=entry.help,
            add_help_option=False,
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; an unknown option that is an argument of the entrypoint is told how to write it."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name.lstrip("-").replace("-", "_")
            from nrun.config.target import signature_of

            if name.partition(".")[0] not in signature_of(self.entry.function).names:
                raise
            hint = f"it is an argument: write {name}=..., without dashes"
            raise UsageError(f"there is no option {error.option_name}", hint=hint) from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Options as click has them, and paths, factories and choices."""
        from nrun_language_overrides.complete import completions

        found = [] if not incomplete.startswith("-") else super().shell_complete(ctx, incomplete)
        return found or completions(self.entry, incomplete)

    def _run(self, items: tuple[str, ...], **given: Any) -> int:  # noqa: ANN401 - options of several types
        exports = tuple((name, given.pop(f"to_{name}")) for name in FORMATS)
        options = Options(exports=tuple((name, file) for name, file in exports if file), **given)
        try:
            from nrun_language_overrides.actions import perform

            return perform(self.entry, items, options)
        except ConfigError as error:
            told = getattr(error, "to_json", None)
            if options.errors != "json" or told is None:
                raise
            click.echo(told(), err=True)
            return error.exit_code


def _parameters() -> list[click.Parameter]:
    flag: dict[str, Any] = {"is_flag": True}
    return [
        click.Argument(["items"], nargs=-1, metavar="[ITEM]...", type=click.UNPROCESSED),
        click.Option(["-h", "--help"], help="Show every argument with its type and value, and exit.", **flag),
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
            ["--set-file"], multiple=True, metavar="FILE", help="More items, one per line; - for standard input."
        ),
        click.Option(
            ["--plan", "--dryrun", "plan"], help="Print exactly what would be submitted; submit nothing.", **flag
        ),
        click.Option(["-y", "--yes"], help="Run without asking.", **flag),
        click.Option(["--sweep"], help="Run every point of the sweeps in the items.", **flag),
        click.Option(
            ["--zip", "zipped"], multiple=True, metavar="PATH,PATH", help="Sweeps that vary together. May be repeated."
        ),
        click.Option(["--last-wins"], help="Let an item undo an earlier one.", **flag),
        click.Option(["--tail-logs"], help="Print what the jobs write, as it comes.", **flag),
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
