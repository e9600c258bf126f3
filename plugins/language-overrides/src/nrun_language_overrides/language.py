"""The command of an entrypoint: its options, and the items that change what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nrun.errors import ConfigError, UsageError, did_you_mean
from nrun_language_overrides.options import FORMATS, KNOWN_ELSEWHERE, Options, is_planning, parameters

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from nrun import Entrypoint


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
            params=parameters(self._complete_item),
            help=entry.help,
            short_help=entry.help,
            add_help_option=False,
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; an unknown option that is an argument of the entrypoint is told how to write it."""
        ctx.default_map = self._defaults()
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name.lstrip("-").replace("-", "_")
            if hint := KNOWN_ELSEWHERE.get(error.option_name):
                raise UsageError(f"there is no option {error.option_name}", hint=hint) from error
            from nrun.config.target import signature_of

            if name.partition(".")[0] not in signature_of(self.entry.function).names:
                raise
            hint = f"it is an argument: write {name}=..., without dashes"
            raise UsageError(f"there is no option {error.option_name}", hint=hint) from error

    def _defaults(self) -> dict[str, object]:
        """What options are unless they are typed. Raises ConfigError for the names of none."""
        named = {word.lstrip("-").replace("-", "_"): option.name for option in self.params for word in option.opts}
        named |= {"skip_confirmation": "yes"}
        wanted = self.entry.cmd_defaults
        if unknown := [name for name in wanted if name not in named]:
            msg = f"cmd_defaults of {self.entry.name}: there is no option {unknown[0]!r}"
            raise ConfigError(f"{msg}.{did_you_mean(unknown[0], named)}", hint="--help shows them")
        return {str(named[name]): value for name, value in wanted.items()}

    def _complete_item(self, ctx: click.Context, _items: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Paths, factories and choices; click itself completes the options."""
        from click.shell_completion import CompletionItem

        from nrun_language_overrides.completion.items import items
        from nrun_language_overrides.completion.remember import index_of, remember

        remember(self, ctx)
        try:
            index = index_of(self, ctx)
        except Exception:  # noqa: BLE001 - whatever is wrong is told when the command is run
            return []
        found = items(index, ctx.params["items"] or (), incomplete)
        return [CompletionItem(text, help=doc) for text, doc, _ in found]

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
        finally:
            if not is_planning(options):
                from nrun_language_overrides.completion.remember import remember

                remember(self, click.get_current_context())
