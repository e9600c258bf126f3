"""The grammar of values: what is written becomes a tree, and whatever is not a value is refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrun_language_overrides.literal import DEEPEST_NESTING, LONGEST_TEXT, MOST_LITERALS, SyntaxProblem, parse


def shape(literal):
    """A literal as plain data: kind, value, and what is inside with its keys."""
    if literal.kind in ("word", "string", "bytes", "reference"):
        return (literal.kind, literal.value)
    inside = [
        shape(item) if key is None else (shape(key)[1], shape(item))
        for key, item in zip(literal.keys or [None] * len(literal.items), literal.items, strict=True)
    ]
    return (literal.kind, *([literal.value] if literal.value else []), inside)


def word(text):
    return ("word", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", word("abc")),
        ("  two words ", word("two words")),
        ("http://h/?a=b&c=d", word("http://h/?a=b&c=d")),
        ("-1.5e-3", word("-1.5e-3")),
        ("'a, b'", ("string", "a, b")),
        ('"it\'s"', ("string", "it's")),
        (r"'a\n\t\'\x41\u00e9\U0001F600\d'", ("string", "a\n\t'Aé😀\\d")),
        (r"b'\x00\xffz'", ("bytes", "\x00\xffz")),
        ("${a.b}", ("reference", "${a.b}")),
        ("run-${seed}-${env:X, Y}", ("reference", "run-${seed}-${env:X, Y}")),
        (r"\${a}", word("${a}")),
        ("[]", ("list", [])),
        ("[a, b,]", ("list", [word("a"), word("b")])),
        ("(1)", ("tuple", [word("1")])),
        ("{a: 1, 'b c': http://x}", ("braces", [("a", word("1")), ("b c", word("http://x"))])),
        ("{1, 2}", ("braces", [word("1"), word("2")])),
        ("a,b", ("commas", [word("a"), word("b")])),
        ("adam()", ("call", "adam", [])),
        ("m.n:C.D(1, x=2)", ("call", "m.n:C.D", [word("1"), ("x", word("2"))])),
        ("f(a==b)", ("call", "f", [word("a==b")])),
        (
            "adam(lr=3e-4, betas=(0.9,0.99))",
            ("call", "adam", [("lr", word("3e-4")), ("betas", ("tuple", [word("0.9"), word("0.99")]))]),
        ),
        ("[f(1), {a: [b]}]", ("list", [("call", "f", [word("1")]), ("braces", [("a", ("list", [word("b")]))])])),
    ],
)
def test_a_text_is_read_as_it_is_written(text, expected):
    assert shape(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "offset", "says"),
    [
        ("", 0, "missing"),
        ("a,", 2, "missing"),
        ("a,,b", 2, "missing"),
        ("[,]", 1, "missing"),
        ("[1", 0, "] is missing"),
        ("f(1, [2)", 7, "unexpected )"),
        ("adam(lr=1", 0, ") is missing"),
        ("a]", 1, "unexpected ]"),
        ("'abc", 0, "quote is not closed"),
        ("'a'b", 3, "unexpected b"),
        ("two words(1)", 9, "unexpected ("),
        ("{a: 1, b}", 7, "every value has a key"),
        ("{a, b: 1}", 7, "every value has a key"),
        ("f(a=1, 2)", 7, "needs a name"),
        (r"'\x1'", 5, "hexadecimal"),
        (r"'\UFFFFFFFF'", 12, "hexadecimal"),
        ("b'é☃'", 0, "bytes"),
        ("${a", 1, "unexpected {"),
    ],
)
def test_what_is_no_value_is_refused_with_its_place(text, offset, says):
    with pytest.raises(SyntaxProblem) as refused:
        parse(text)
    assert says in refused.value.message
    assert refused.value.offset == offset


def test_every_literal_knows_where_it_was_written():
    text = "f( 'x y' , b = [ 12 ] )"
    call = parse(text)
    assert text[call.start : call.end] == text
    assert [text[item.start : item.end] for item in call.items] == ["'x y'", "[ 12 ]"]
    assert text[call.keys[1].start : call.keys[1].end] == "b"
    assert text[call.items[1].items[0].start : call.items[1].items[0].end] == "12"


def test_texts_have_limits():
    assert parse("[" * DEEPEST_NESTING + "]" * DEEPEST_NESTING).kind == "list"
    with pytest.raises(SyntaxProblem, match="inside one another"):
        parse("[" * (DEEPEST_NESTING + 1))
    with pytest.raises(SyntaxProblem, match="too long"):
        parse("x" * (LONGEST_TEXT + 1))
    with pytest.raises(SyntaxProblem, match="values in one text"):
        parse("1," * MOST_LITERALS + "1")


@given(st.text("[](){},:'\"\\$=abf1. \n", max_size=30) | st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        literal = parse(text)
    except SyntaxProblem as refused:
        assert 0 <= refused.offset <= len(text)  # noqa: PT017 - most texts are refused, some are not
    else:
        assert text[literal.start : literal.end].strip() == text.strip()
