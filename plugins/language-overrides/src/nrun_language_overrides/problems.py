"""What is wrong with a configuration: one report of every problem, each with the text it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun.data import Data
from nrun.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun.config.origin import Origin

_MOST_SHOWN = 20
_WIDEST_TEXT = 80
_MESSAGE_COLUMN = 17


@attrs.frozen(eq=False, repr=False)
class Source(Data):
    """A text as it was written, and the part of it that is meant."""

    label: str
    """Where it was written, for people: `argv[2]`, `exp.yaml:9:8`, `$APP__LR`."""
    text: str
    start: int = 0
    end: int | None = None
    origin: Origin | None = None
    """Where values that are read from it come from; None: from the command line."""
    root: str = ""
    """What stood before the text and says which tree it is about."""

    def part(self, start: int, end: int) -> Source:
        """The part from `start` to `end`, counted from the beginning of this part."""
        return attrs.evolve(self, start=self.start + start, end=self.start + end)

    def whole(self) -> Source:
        """As it was written, with what stood before."""
        cut, text = len(self.root), self.root + self.text
        if self.end is None:
            return attrs.evolve(self, text=text, root="")
        return attrs.evolve(self, text=text, start=self.start + cut, end=self.end + cut, root="")


@attrs.frozen(eq=False, repr=False)
class Problem(Data):
    """One thing that is wrong: the path of the argument, a sentence, where it was written, what may have been meant."""

    path: str
    message: str
    where: Source | None = None
    hints: tuple[str, ...] = ()

    def under(self, step: str) -> Problem:
        """The same problem seen from one step further up."""
        return attrs.evolve(self, path=f"{step}{self.path}") if step else self


class ConfigProblems(ConfigError):  # noqa: N818 - reads as what it says
    """A configuration with problems, all of them in one report."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(attrs.evolve(one, where=one.where and one.where.whole()) for one in problems)
        super().__init__(_report(self.problems))

    def to_json(self) -> str:
        """The problems as JSON text: an array of objects with path, message, where and hints."""
        import json

        return json.dumps([_to_json(problem) for problem in self.problems], ensure_ascii=False)


def _to_json(problem: Problem) -> dict[str, object]:
    return attrs.asdict(problem, filter=lambda field, _: field.name not in ("origin", "root"))


def name_hints(
    name: str, siblings: Iterable[str], elsewhere: Iterable[str] = (), others: Iterable[str] = ()
) -> tuple[str, ...]:
    """What `name` may have been meant to be, in the order of trust.

    The nearest of its siblings; the same last name among the paths `elsewhere`; the nearest of `others`, which
    are factories or classes.
    """
    found = nearest(name, siblings, 1)
    found += [path for path in elsewhere if path.rpartition(".")[2] == name][:3]
    found += nearest(name, others, 1)
    return tuple(f"did you mean {meant}?" for meant in dict.fromkeys(found))


def shell_hints(text: str) -> tuple[str, ...]:
    """A hint when `text` looks as if a shell had split it or taken something out of it."""
    if not text:
        return ("nothing is left of it; if a shell saw ${…} or quotes there, put the whole argument in single quotes",)
    if any(text.count(opening) != text.count(closing) for opening, closing in ("[]", "()", "{}")):
        return ("a shell splits at spaces and takes quotes away; put the whole argument in single quotes",)
    return ()


def _report(problems: tuple[Problem, ...]) -> str:
    lines = [f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the configuration"]
    for problem in problems[:_MOST_SHOWN]:
        hints = "; ".join(problem.hints)
        head = f"  {problem.path:<{_MESSAGE_COLUMN - 1}} {problem.message}"
        if problem.where is None:
            lines.append(f"{head}; {hints}" if hints else head)
        else:
            lines += [head, *_pointing(problem.where, hints)]
    if len(problems) > _MOST_SHOWN:
        lines.append(f"  and {len(problems) - _MOST_SHOWN} more")
    return "\n".join(lines)


def _pointing(where: Source, hints: str) -> list[str]:
    """The text with carets under the part that is meant; of a long text only what is around it."""
    end = len(where.text) if where.end is None else where.end
    first = max(0, where.start - _WIDEST_TEXT // 2) if len(where.text) > _WIDEST_TEXT else 0
    shown = "".join(c if c.isprintable() else "·" for c in where.text[first : first + _WIDEST_TEXT])
    before = where.start - first
    carets = "^" * max(1, min(end - where.start, len(shown) - before))
    margin = " " * max(1, _MESSAGE_COLUMN - 4 - len(where.label))
    indent = " " * (6 + len(where.label) + len(margin))
    return [f"      {where.label}{margin}{shown}", f"{indent}{'-' * before}{carets}{'   ' if hints else ''}{hints}"]
