from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nrun import ConfigError
from nrun_language_overrides.items import MalformedItem, Step, file_and_section, other_path, parse_item

deep, any_, each, append = Step("deep"), Step("any"), Step("each"), Step("append")


def name(text):
    return Step("name", text)


def at(number):
    return Step("index", number)


READS = {
    "model.layers=12": ("=", [name("model"), name("layers")], "12"),
    "a.b[0].c+=1": ("+=", [name("a"), name("b"), at(0), name("c")], "1"),
    "cb[-1].x*=2": ("*=", [name("cb"), at(-1), name("x")], "2"),
    "cb[+]=early_stop(patience=3)": ("=", [name("cb"), append], "early_stop(patience=3)"),
    "cb[+0]=x": ("=", [name("cb"), Step("insert", 0)], "x"),
    "cb[*].on=false": ("=", [name("cb"), each, name("on")], "false"),
    "...lr=3e-4": ("=", [deep, name("lr")], "3e-4"),
    "model...dropout=0": ("=", [name("model"), deep, name("dropout")], "0"),
    "...@Adam.lr=1": ("=", [deep, Step("type", "Adam"), name("lr")], "1"),
    "...%dtype=bf16": ("=", [deep, Step("tag", "dtype")], "bf16"),
    "model.*.bias=0": ("=", [name("model"), any_, name("bias")], "0"),
    "~a.b": ("delete", [name("a"), name("b")], ""),
    "a.b!": ("delete", [name("a"), name("b")], ""),
    "a.1!": ("delete", [name("a"), at(1)], ""),
    "head@=embed": ("share", [name("head")], "embed"),
    "@base.yaml": ("include", [], "base.yaml"),
    "model=@m.yaml:big": ("include", [name("model")], "m.yaml:big"),
    "env['A.B']=x=y": ("=", [name("env"), Step("key", "A.B")], "x=y"),
    "hidden-size=3": ("=", [name("hidden_size")], "3"),
    "x-=1": ("-=", [name("x")], "1"),
    "x//=2": ("//=", [name("x")], "2"),
    "tags|={a:1}": ("|=", [name("tags")], "{a:1}"),
    "seed?=1": ("?=", [name("seed")], "1"),
    "s=": ("=", [name("s")], ""),
    "x=a@b": ("=", [name("x")], "a@b"),
    "url=http://h/?a=b&c=d": ("=", [name("url")], "http://h/?a=b&c=d"),
    "x**=2": ("**=", [name("x")], "2"),
    "x/=2": ("/=", [name("x")], "2"),
    "s&={1}": ("&=", [name("s")], "{1}"),
    "x.-1=3": ("=", [name("x"), at(-1)], "3"),
    "[0]=3": ("=", [at(0)], "3"),
    "a.*=3": ("=", [name("a"), any_], "3"),
    "a.**=3": ("*=", [name("a"), any_], "3"),
    'd["\\"]="]=1': ("=", [name("d"), Step("key", '"]=')], "1"),
    "x=a.b+=1": ("=", [name("x")], "a.b+=1"),
    "x=\n": ("=", [name("x")], "\n"),
    "größe=1": ("=", [name("größe")], "1"),
    "run.x=1": ("=", [name("run"), name("x")], "1"),
    "runtime=5": ("=", [name("runtime")], "5"),
}


@pytest.mark.parametrize("text", READS)
def test_an_item_reads_as_specified(text):
    item = parse_item(text)
    assert (item.op, list(item.path), item.text) == READS[text]
    assert item.source == text
    assert text.endswith(item.text)


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        ("", 0, "path=value"),
        (".a=1", 0, "path=value"),
        ("a.=1", 2, "path=value"),
        ("a..b=1", 2, "path=value"),
        ("a[=1", 1, "xs[0]"),
        ("a[x]=1", 1, "a.x=1"),
        ("a", 1, "a=VALUE"),
        ("a b=1", 1, "'a b=1'"),
        ("=3", 0, "without spaces"),
        ("=", 0, "without spaces"),
        ("...=1", 3, "path=value"),
        ("a@=b*", 4, "head@=embed"),
        ("a@=...b", 3, "without ..."),
        ("a@=", 3, "path=value"),
        ("a[0=1", 1, "xs[0]"),
        ("a!=3", 2, "a! to unset"),
        ("~a=3", 2, "write a!"),
        ("@", 1, "@base.yaml"),
        ("a=@", 3, "@base.yaml"),
        ("xs[+].a=2", 2, "'xs[+]=...' 'xs[-1]...'"),
        ("xs[+]!", 2, "add the element first"),
        ("xs[+]*=2", 2, "add the element first"),
        ("f(n=2)", 1, "optimizer=f(n=2)"),
        ("a:3", 1, "write a=3"),
        ("--dryrum", 0, "--help"),
        ("--epochs=5", 0, "write epochs=5"),
        ("x[99999999999]=1", 1, "xs[0]"),
    ],
)
def test_other_text_is_refused_where_it_goes_wrong_with_advice(text, at, hint):
    with pytest.raises(MalformedItem) as caught:
        parse_item(text)
    assert caught.value.at == at
    assert caught.value.source == text
    assert hint in caught.value.hint


def test_items_and_paths_are_bounded():
    for text in ("a=" + "x" * 100_000, "a" + ".a" * 100 + "=1", "a" + "[0]" * 100 + "=1", "a=1" * 40_000):
        with pytest.raises(MalformedItem) as caught:
            parse_item(text)
        assert len(str(caught.value)) < 500


def test_spans_tell_where_each_step_stands():
    item = parse_item("...@Adam.b[0]['k']=1")
    assert [item.source[start:end] for start, end in item.spans] == ["...", "@Adam", "b", "[0]", "['k']"]


def test_an_exact_item_names_one_place():
    assert all(parse_item(text).is_exact for text in ("a.b=1", "a[0]!", "d['k']=1", "xs[+]=1", "xs[+0]=1"))
    assert not any(parse_item(text).is_exact for text in ("...a=1", "a.*=1", "a[*]=1", "a.@B=1", "a.%b=1"))


def test_a_share_names_another_place():
    item = parse_item("head@=a.b[0]['k']")
    path, spans = other_path(item)
    assert path == (name("a"), name("b"), at(0), Step("key", "k"))
    assert [item.source[start:end] for start, end in spans] == ["a", "b", "[0]", "['k']"]
    for text in ("a@=b.*", "a@=b=1", "a@=b c", "a@=xs[+]"):
        with pytest.raises(MalformedItem):
            parse_item(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("base.yaml", ("base.yaml", "")),
        ("base.yaml:optim.adam", ("base.yaml", "optim.adam")),
        ("C:/x.yaml", ("C:/x.yaml", "")),
        ("C:\\x.yaml:big", ("C:\\x.yaml", "big")),
        ("-", ("-", "")),
    ],
)
def test_an_include_names_a_file_and_perhaps_a_section(text, parts):
    assert file_and_section(text) == parts


words = st.text(alphabet="ab.*@%[]+-'\"=!~?|&/ 0", max_size=30)


@given(st.one_of(words, st.text(max_size=60)))
def test_any_text_is_an_item_or_is_refused(text):
    try:
        item = parse_item(text)
    except ConfigError:
        return
    assert item.source == text
    assert text.endswith(item.text)
    assert len(item.path) == len(item.spans)
    assert item.path or item.op == "include"


@given(st.text(max_size=60), st.sampled_from(["=", "+=", "-=", "//=", "?="]))
def test_a_value_may_hold_anything(value, op):
    assume(not (op == "=" and value.startswith("@")))  # which names a file
    item = parse_item(f"a.b{op}{value}")
    assert (item.op, item.text) == (op, value)


@given(st.text(max_size=20))
def test_a_quoted_key_may_hold_anything(key):
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    assert parse_item(f"d['{quoted}']=1").path[1] == Step("key", key)
