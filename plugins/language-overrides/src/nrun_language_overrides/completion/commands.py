"""Commands as plain data: their options, their arguments, and the commands in a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nrun.text import printable
from nrun_language_overrides.language import EntrypointCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]

_KINDS = {"FILE[:NAME]": "TARGET", "NAME[(ARGS)]": "FACTORY"}
"""What is meant by words for parameters that do not say it alone."""


def described_command(command: click.Command, context: click.Context) -> Json:
    """What can be typed after a command. Loads the commands of a group."""
    shown = [param for param in command.get_params(context) if not getattr(param, "hidden", False)]
    told: Json = {
        "doc": printable(command.get_short_help_str(100)),
        "options": [_option(param) for param in shown if isinstance(param, click.Option)],
        "arguments": [_taken(param) for param in shown if isinstance(param, click.Argument)],
        "mixed": command.allow_interspersed_args,
    }
    if isinstance(command, click.Group):
        told["commands"] = {
            name: described_command(one, click.Context(one, parent=context, info_name=name))
            for name in command.list_commands(context)
            if (one := command.get_command(context, name)) is not None and not one.hidden
        }
    return told


def entrypoints_in(command: click.Command, context: click.Context) -> Iterator[tuple[str, EntrypointCommand]]:
    """The installed entrypoints in a group, each with the words that lead to it."""
    if isinstance(command, EntrypointCommand):
        yield context.command_path, command
    elif isinstance(command, click.Group):
        for name in command.list_commands(context):
            one = command.get_command(context, name)
            if one is not None:
                yield from entrypoints_in(one, click.Context(one, parent=context, info_name=name))


def _option(option: click.Option) -> Json:
    names = [*option.opts, *option.secondary_opts]
    takes = 0 if option.is_flag or option.count else option.nargs
    return {"names": names, "doc": printable(option.help or ""), "takes": takes, **_taken(option)}


def _taken(param: click.Parameter) -> Json:
    """What a parameter takes: one of some words, a file, or what the word for it in the help names."""
    if isinstance(param.type, click.Choice):
        return {"values": [str(getattr(choice, "name", choice)) for choice in param.type.choices]}
    shown = (param.metavar or param.name or "").upper()
    kind = _KINDS.get(shown, shown.partition("[:")[0].strip("[]."))
    return {"kind": "FILE" if isinstance(param.type, click.File) else kind}
