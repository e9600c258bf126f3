"""What a scalar without quotes stands for: the core schema of YAML 1.2, and what YAML 1.1 takes for more than text."""

from __future__ import annotations

import math
import re

from nrun.errors import ConfigError

MOST_DIGITS = 4300
"""Python's own limit: reading a number takes the square of its length."""

_WORDS: dict[str, None | bool | float] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MAY_BE_NUMBER = frozenset("+-.0123456789")

_PLAIN = re.compile(r"(?:[^\W\d]|[/$(]|\.{1,2}/)(?:[^:#]|:(?! |$)|(?<! )#)*+(?<! )")
_WORDS_OF_1_1 = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def value_of(plain: str) -> None | bool | int | float | str:
    """The value of a plain scalar. Raises ConfigError for a number that is too long."""
    if plain in _WORDS:
        return _WORDS[plain]
    if plain[0] not in _MAY_BE_NUMBER:
        return plain
    if _INT.fullmatch(plain):
        if len(plain) > MOST_DIGITS:
            msg = f"a number may have at most {MOST_DIGITS} digits"
            raise ConfigError(msg)
        return int(plain, {"0o": 8, "0x": 16}.get(plain[:2], 10))
    return float(plain) if _FLOAT.fullmatch(plain) else plain


def plain_text_of(value: None | bool | float) -> str:  # noqa: FBT001 - one of the values, no option
    """The plain scalar that stands for `value`, for readers of YAML 1.1 too."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) or math.isfinite(value):
        text = repr(value)
        return text.replace("e", ".0e") if "." not in text else text
    return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"


def may_be_plain(text: str) -> bool:
    """Whether `text` without quotes is read back as itself, by readers of YAML 1.1 too."""
    return text.isprintable() and _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS_OF_1_1
