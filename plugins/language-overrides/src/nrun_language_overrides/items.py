"""One override as text, such as `model.layers+=2` or `...lr=1e-4`: what it says, before it meets a tree.

An item is a path, an operator and the rest. The operator is the first one outside brackets and quotes,
found while the path is read, so what follows it may hold any character at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NoReturn, cast

import attrs

from nrun.data import Data
from nrun.errors import ConfigError

if TYPE_CHECKING:
    Spans = tuple[tuple[int, int], ...]
    StepKind = Literal["name", "index", "key", "any", "each", "deep", "type", "tag", "choice", "append", "insert"]
    Operator = Literal["=", "?=", "+=", "-=", "*=", "/=", "//=", "**=", "|=", "&=", "delete", "share", "include"]

_LONGEST = 64 * 1024
_MOST_STEPS = 64
_NAME = r"[^\W\d]\w*(?:-[^\W_]\w*)*"
_INTEGER = r"-?[0-9]{1,9}"
_PIECE = re.compile(
    rf"(?P<dots>\.\.\.|\.|)(?:(?P<name>{_NAME})|(?P<index>{_INTEGER})|(?P<any>\*)|@(?P<type>[^\W\d]\w*)|%(?P<tag>{_NAME}))"
    rf"|\[(?:(?P<element>{_INTEGER})|(?P<each>\*)|\+(?:(?P<insert>{_INTEGER})|(?P<append>))"
    rf"|(?P<choice>{_NAME}(?=\]\.))"
    r"""|(?P<key>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))\]""",
    re.DOTALL,
)
_OPERATOR = re.compile(r"(?:[?+\-|&@]|\*\*?|//?)?=|!")
_SECTION = re.compile(r"[^\W\d][^/\\]*$")
_EXACT = frozenset({"name", "index", "key"})
_ADDING = frozenset({"append", "insert"})


@attrs.frozen(eq=False, repr=False)
class Step(Data):
    """One step of a path: its kind, and the name, number or key it gives."""

    kind: StepKind
    value: str | int | None = None


@attrs.frozen(eq=False, repr=False)
class Item(Data):
    """What one override says: do `op` at `path` with `text`, which is always the end of `source`.

    `text` is what the typed reader will read; for a share it is the path of the other node, for an
    include the file and perhaps a section of it. `spans` tells where in `source` each step stands.
    """

    path: tuple[Step, ...]
    op: Operator
    text: str
    spans: Spans
    source: str

    @property
    def is_exact(self) -> bool:
        """Whether the path names one place."""
        return all(step.kind in _EXACT or step.kind in _ADDING for step in self.path)


class MalformedItem(ConfigError):  # noqa: N818 - reads as what it says
    """Text that is no override. `source` and `at` tell where reading stopped."""

    def __init__(self, source: str, at: int, message: str, hint: str) -> None:
        shown = source if len(source) <= 100 else f"{source[:97]}..."  # noqa: PLR2004 - a line
        super().__init__(f"cannot read the override {shown!r}: {message}", hint=hint)
        self.source = source
        self.at = at
        self.reason = message


def parse_item(text: str) -> Item:
    """Read one override. Raises MalformedItem for what is none."""
    if len(text) > _LONGEST:
        _refuse(text, _LONGEST, f"it is longer than {_LONGEST} characters", "put it in a file and include it with @")
    if text.startswith("@"):
        return _include(text, (), (), 1)
    if text.startswith("~"):
        path, spans = _path(text, 1)
        end = spans[-1][1]
        if end < len(text):
            _refuse(text, end, "nothing may follow the path", f"to unset it write {text[1:end]}!")
        return _checked(Item(path, "delete", "", spans, text))
    path, spans = _path(text, 0)
    end = spans[-1][1]
    operator = _OPERATOR.match(text, end)
    if operator is None:
        _refuse(text, end, "an operator such as = was expected", _hint(text, end))
    op, rest = operator.group(), text[operator.end() :]
    if op == "!":
        if rest:
            _refuse(text, operator.end(), "nothing may follow !", f"write {text[:end]}! to unset, or = to set")
        op = "delete"
    elif op == "@=":
        _exact_path(text, operator.end())
        op = "share"
    elif op == "=" and rest.startswith("@"):
        return _checked(_include(text, path, spans, operator.end() + 1))
    return _checked(Item(path, cast("Operator", op), rest, spans, text))


def other_path(item: Item) -> tuple[tuple[Step, ...], Spans]:
    """The path that a share names after its operator, and where in the source each step stands."""
    return _exact_path(item.source, len(item.source) - len(item.text))


def file_and_section(text: str) -> tuple[str, str]:
    """The two parts of what an include names: `base.yaml:optim` is the section `optim` of `base.yaml`."""
    file, _, section = text.rpartition(":")
    return (file, section) if _SECTION.match(section) and file else (text, "")


def _exact_path(source: str, start: int) -> tuple[tuple[Step, ...], Spans]:
    path, spans = _path(source, start)
    end = spans[-1][1]
    if end < len(source):
        _refuse(source, end, "the path should end here", "the other path is written without wildcards: head@=embed")
    for step, (at, _) in zip(path, spans, strict=True):
        if step.kind not in _EXACT:
            _refuse(source, at, "this path must name one place", "write it without ... * @ % and [+]")
    return path, spans


def _include(source: str, path: tuple[Step, ...], spans: Spans, start: int) -> Item:
    if start == len(source):
        _refuse(source, start, "the name of a file was expected", "write @base.yaml or model=@model.yaml")
    return Item(path, "include", source[start:], spans, source)


def _checked(item: Item) -> Item:
    """The item, if its [+] is at the end and something is added there."""
    for position, step in enumerate(item.path):
        if step.kind in _ADDING and (position + 1 < len(item.path) or item.op not in ("=", "share", "include")):
            before = item.source[: item.spans[position][0]].lstrip("~")
            hint = f"add the element first, then reach it: '{before}[+]=...' '{before}[-1]...'"
            _refuse(item.source, item.spans[position][0], "a new element has nothing in it yet", hint)
    return item


def _path(text: str, at: int) -> tuple[tuple[Step, ...], Spans]:
    """The steps that begin at `at`, and where they stand. The path ends where the last of them does."""
    steps: list[Step] = []
    spans: list[tuple[int, int]] = []
    while piece := _PIECE.match(text, at):
        dots = piece["dots"]
        if dots is not None and (not dots if steps else dots == "."):
            break
        if dots == "...":
            steps.append(_DEEP)
            spans.append((at, at + 3))
        steps.append(_step(piece))
        spans.append((at + len(dots or ""), piece.end()))
        at = piece.end()
        if len(steps) > _MOST_STEPS:
            _refuse(text, at, f"a path has at most {_MOST_STEPS} steps", "is this the item you meant?")
    if text.startswith("[", at):
        _refuse(text, at, "in brackets stands a number, *, + or a quoted key", _index_hint(text, at))
    if text.startswith(".", at) or not steps:
        at += 3 if text.startswith("...", at) else 1 if steps else 0
        _refuse(text, at, "the name of an argument was expected", _hint(text, at))
    return tuple(steps), tuple(spans)


_DEEP = Step("deep")


def _step(piece: re.Match[str]) -> Step:
    kind = str(piece.lastgroup)
    value = piece[kind]
    if kind == "name":
        return Step("name", value.replace("-", "_"))
    if kind in ("index", "element"):
        return Step("index", int(value))
    if kind == "insert":
        return Step("insert", int(value))
    if kind == "key":
        return Step("key", re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL))
    return Step(cast("StepKind", kind), value if kind in ("type", "tag", "choice") else None)


def _refuse(source: str, at: int, message: str, hint: str) -> NoReturn:
    raise MalformedItem(source, at, f"{message} at {_here(source, at)}", hint)


def _here(source: str, at: int) -> str:
    return f"{source[at : at + 12]!r}" if at < len(source) else "its end"


def _hint(text: str, at: int) -> str:
    """What was probably meant by text that stops being an override at `at`."""
    path, rest = text[:at], text[at:]
    if text.startswith("-"):
        plain = text.lstrip("-")
        advice = f"to set an argument write {plain}" if "=" in plain else "see --help for the options there are"
        return f"this looks like an option; overrides have no dashes: {advice}"
    if rest.startswith("(") and path:
        return f"a call is the value of an argument: write 'optimizer={text}' if that is the argument's name"
    if not rest and path[-1:].isidentifier():
        return f"write {text}=VALUE to set it, {text}! to unset it, @{text} to include a file of that name"
    if rest[:1].isspace() or (not path and rest.startswith(("=", "+="))):
        return f"write name=value without spaces, or quote the whole item for the shell: '{text}'"
    if rest.startswith(":") and path:
        return f"write {path}={rest[1:].strip()}"
    return "write path=value, such as model.layers=12; put 'single quotes' round what the shell would change"


def _index_hint(text: str, at: int) -> str:
    word = re.match(rf"\[({_NAME})\]", text[at:])
    if word:
        safe = f"{text[:at]}.{word[1]}{text[at + word.end() :]}"
        return f"quote the key, and the item for the shell, which removes quotes; or write {safe}"
    return "write xs[0], xs[-1], xs[*], xs[+] or d['key'], in 'single quotes' for the shell; xs.0 needs none"
