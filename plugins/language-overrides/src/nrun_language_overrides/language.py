"""The command of an entrypoint: its options, and the items that change what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nrun.errors import ConfigError, UsageError, did_you_mean
from nrun_language_overrides.options import (
    END_OF_RUN,
    FORMATS,
    NEEDLESS,
    SAID_BY_OPTION,
    Options,
    is_planning,
    parameters,
)

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
        """As click does, with `run.detach=True` as if it were an option.

        An unknown option that is an argument of the entrypoint is told how to write it; one that has nothing to do
        here is left out.
        """
        said, words = self._said_of_the_run(args)
        ctx.default_map = self._defaults() | said
        try:
            self._check_options(ctx, words)
            return super().parse_args(ctx, [*words])
        except click.NoSuchOption as error:
            name = error.option_name.lstrip("-").replace("-", "_")
            if name in NEEDLESS:
                click.echo(f"note: {error.option_name} is left out: {NEEDLESS[name]}", err=True)
                return self.parse_args(ctx, _without(args, error.option_name))
            if not self._has_argument(name.partition(".")[0]):
                raise
            hint = f"it is an argument: write {name}=..., without dashes"
            raise UsageError(f"there is no option {error.option_name}", hint=hint) from error

    def _check_options(self, ctx: click.Context, words: list[str]) -> None:
        """Raise UsageError for an option that is given twice where click would drop the first."""
        if ctx.resilient_parsing or sum(word.startswith("-") for word in words) < 2:  # noqa: PLR2004 - given twice
            return
        *_, order = self.make_parser(ctx).parse_args([*words])
        for option in order:
            counts = isinstance(option, click.Option) and not option.multiple and order.count(option) > 1
            if counts and (option.secondary_opts or not getattr(option, "is_flag", False)):
                raise UsageError(
                    f"{' / '.join([*option.opts, *option.secondary_opts])} is given twice", hint="say it once"
                )

    def _said_of_the_run(self, words: list[str]) -> tuple[dict[str, object], list[str]]:
        """What items such as `run.detach=True` say that options say here, and the other words."""
        said: dict[str, object] = {}
        others: list[str] = []
        end = words.index(END_OF_RUN) if END_OF_RUN in words else len(words)
        for word in words[:end]:
            name, is_item, value = word.removeprefix("run.").partition("=")
            if word.startswith("run.") and is_item and name in SAID_BY_OPTION and not self._has_argument("run"):
                if said.setdefault(SAID_BY_OPTION[name], value) != value:
                    raise UsageError(f"run.{name} is given twice", hint="say it once")
            else:
                others.append(word)
        # Of two ends click takes away one, and leaves the other to whoever reads the items.
        return said, [*others, *words[end : end + 1], *words[end:]]

    def _has_argument(self, name: str) -> bool:
        from nrun.config.target import signature_of

        return name in signature_of(self.entry.function).names

    def _defaults(self) -> dict[str, object]:
        """What options are unless they are typed. Raises ConfigError for the names of none."""
        named = {word.lstrip("-").replace("-", "_"): option.name for option in self.params for word in option.opts}
        named |= {"skip_confirmation": "yes"}
        wanted = {name: value for name, value in self.entry.cmd_defaults.items() if name not in NEEDLESS}
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


def _without(words: list[str], option: str) -> list[str]:
    """The words without an option, and without its value if it takes one."""
    at = next(number for number, word in enumerate(words) if word.partition("=")[0] == option)
    return words[:at] + words[at + 1 + (words[at] == "--rich-theme") :]
