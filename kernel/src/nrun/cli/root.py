"""`nrun` itself: finds commands in the installed plugins and turns errors into words and exit codes.

It answers `--version` and `--help` with no plugin at all, and loads a command only to run it or to show
that command's own help.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from nrun import __version__
from nrun.errors import NrunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from nrun.declare import CommandSpec
    from nrun.plugins import Hooks

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""


def hooks_of(context: click.Context) -> Hooks:
    """The installed plugins, loaded when first asked for."""
    root = context.find_root()
    if root.obj is None:
        from nrun.plugins import installed
        from nrun.plugins.host import complain

        root.obj = installed()
        root.obj.commands  # noqa: B018 - collects the commands, so that plugins that fail at it are known
        complain(root.obj.host)
    hooks: Hooks = root.obj
    return hooks


class PluginGroup(click.Group):
    """A group to which plugins add commands by declaring them; help is made from the declarations alone.

    The commands of `nrun` itself are declared by their names, those of a group such as `nrun experiment` by the words
    that lead to them: "experiment archive".
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, sorted."""
        return sorted({*self.commands, *self._declared(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command. One that cannot be loaded is still there, and says why when it is run."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        spec = self._declared(ctx).get(cmd_name)
        if spec is None:
            return None
        try:
            return spec.command()
        except Exception as error:  # noqa: BLE001 - a plugin may fail in any way; only this command suffers
            message = f"command {spec.name!r} cannot be loaded: {type(error).__name__}: {error}"
            return _broken(cmd_name, NrunError(message, hint="`nrun plugins doctor` shows which plugins are well"))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown command of `nrun` names the nearest, and the plugin that may be missing."""
        name = args[0]
        if self is root and not name.startswith("-") and self.get_command(ctx, name) is None:
            raise hooks_of(ctx).commands.missing(name)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their summaries, importing none of them."""
        summaries = {name: command.get_short_help_str(100) for name, command in self.commands.items()}
        summaries |= {name: spec.summary for name, spec in self._declared(ctx).items() if not spec.hidden}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(summaries.items()) or [("(none)", "commands are plugins: pip install nrun")])

    def _declared(self, ctx: click.Context) -> dict[str, CommandSpec]:
        """What plugins declare for this group, by the last word."""
        group = "" if self is root else f"{self.name} "
        specs = [found.spec for found in hooks_of(ctx).commands if found.spec.name.startswith(group)]
        return {name: spec for spec in specs if " " not in (name := spec.name.removeprefix(group))}


def _broken(name: str, error: NrunError) -> click.Command:
    def fail() -> NoReturn:
        raise error

    everything = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    return click.Command(name, callback=fail, context_settings=everything)


@click.group(
    cls=PluginGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command is a plugin; `nrun plugins list` shows which are installed.",
)
@click.version_option(__version__, prog_name="nrun", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of errors.")
def root(debug: bool) -> None:  # noqa: FBT001 - an option of the command line
    """Configure, package, execute and manage machine-learning experiments.

    \b
    Examples:
      nrun run train.py            run a script that builds experiments
      nrun plan train.py           show exactly what that would do
      nrun status                  how is the newest experiment?
    """


def main(args: list[str] | None = None) -> NoReturn:
    """The `nrun` command. Exits 0 when all is well; 2 for bad usage, 1 for failed jobs, else see `nrun.errors`."""
    words = sys.argv[1:] if args is None else args
    debug = "--debug" in words[:1]
    sys.exit(guarded(lambda: root.main(args=words, prog_name="nrun", standalone_mode=False), debug=debug))


def guarded(work: Callable[[], object], *, debug: bool) -> int:
    """Run `work`; what it raises is told on stderr in words. Gives the exit code."""
    try:
        result = work()
    except NrunError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has left; the interpreter must not complain when it flushes
        return 0
    return result if isinstance(result, int) else 0
