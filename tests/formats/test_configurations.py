"""What every installed format promises for whole configurations, tried with generated trees."""

from __future__ import annotations

import dataclasses
import enum
import sys
import threading
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nrun
from nrun import Config, ConfigError, Partial, Secret, UnknownName, explain
from nrun.config.special import Reference, Sweep
from nrun.plugins import installed

FORMATS = sorted(found.spec.name for found in installed().formats)
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


class Level(enum.IntEnum):
    LOW = 1


@attrs.frozen
class Size:
    width: int = 1


@dataclasses.dataclass
class Leaf:
    x: int = 0
    y: object = None


@dataclasses.dataclass
class Told:
    """Its annotations tell what its values are."""

    pair: tuple[int, float] = (1, 1.0)
    nested: list[tuple[Path, ...]] = dataclasses.field(default_factory=list)
    names: set[str] = dataclasses.field(default_factory=set)
    where: Path = Path()
    maybe: Path | str | None = None
    by_name: dict[str, frozenset[int]] = dataclasses.field(default_factory=dict)


def anything(a=None, b=None, /, c=None, *args, **kwargs):
    return a, b, c, args, kwargs


texts = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    st.sampled_from(
        [
            "$target",
            "$$",
            "$",
            "${a.b}",
            "\\${a}",
            "a ${b} c",
            "${",
            "",
            "null",
            "1",
            "a\nb\n",
            "'",
            '"',
            "<<",
            "secret://env/X",
            "\\\\secret://x",
        ]
    ),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    texts,
    st.binary(max_size=4),
    st.complex_numbers(allow_nan=False),
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.sampled_from(
        [*Color, *Level, Color, len, anything, int, Size(3), Reference.parse("a ${b.c}${env:X}"), Secret("file:~/x y")]
    ),
    st.builds(Path, st.text("ab./é ", max_size=6)),
)
keys = st.one_of(
    texts, st.integers(-9, 9), st.booleans(), st.sampled_from([*Color]), st.tuples(texts, st.integers(0, 3))
)
told = st.builds(
    lambda values: Config(Told, **values),
    st.fixed_dictionaries(
        {},
        optional={
            "pair": st.tuples(st.integers(0, 9), st.floats(allow_nan=False)),
            "nested": st.lists(
                st.lists(st.builds(Path, texts.filter(lambda t: "\0" not in t)), max_size=2).map(tuple), max_size=2
            ),
            "names": st.sets(texts, max_size=3),
            "where": st.builds(Path, st.just("/tmp")),
            "maybe": st.one_of(st.none(), texts, st.builds(Path, st.just("a/b"))),
            "by_name": st.dictionaries(texts, st.frozensets(st.integers(0, 9), max_size=2), max_size=2),
        },
    ),
)


def shared_in(value):
    """A node that stands in several places."""
    node = Config(Leaf, x=1, y=value)
    return [node, 1, {"again": node}, Config(anything, node, b=node)]


def containers(inner):
    return st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(texts, inner, max_size=3),
        st.sets(keys, max_size=3),
        st.builds(lambda points: Sweep(tuple(points)), st.lists(inner, max_size=2)),
        st.builds(
            lambda cls, args, kwargs: cls(anything, *args, **kwargs),
            st.sampled_from([Config, Partial]),
            st.lists(inner, max_size=4),
            st.dictionaries(st.text("$dx_", min_size=1, max_size=4), inner, max_size=3),
        ),
        st.builds(shared_in, inner),
    )


trees = st.one_of(
    told,
    st.builds(
        lambda value: Config(anything, c=value), st.recursive(st.one_of(scalars, told), containers, max_leaves=10)
    ),
)


@pytest.fixture(params=FORMATS)
def name(request):
    return request.param


@many
@given(cfg=trees)
def test_what_is_written_is_read_back(name, cfg):
    text = nrun.dumps(cfg, name)
    again = nrun.loads(text, name, mode="trust")
    assert again == cfg


@many
@given(cfg=trees)
def test_what_was_read_is_written_as_it_was(name, cfg):
    text = nrun.dumps(nrun.loads(nrun.dumps(cfg, name), name, mode="data"), name)
    assert nrun.dumps(nrun.loads(text, name, mode="trust"), name) == text
    assert nrun.dumps(nrun.loads(text, name, mode="data"), name) == text


@many
@given(cfg=trees)
def test_comments_change_nothing(name, cfg):
    assert nrun.loads(nrun.dumps(cfg, name, full=True), name, mode="trust") == cfg


def test_two_parts_of_one_class_stay_two_also_in_threads(name, tmp_path):
    cfg = Config(anything, c=[Config(Leaf, x=1), Config(Leaf, x=2)])
    nrun.dump(cfg, tmp_path / f"two.{name}")
    found = []

    def look():
        for _ in range(5):
            again = nrun.load(tmp_path / f"two.{name}", mode="trust")
            again.c[0].x += 10
            found.append([leaf.x for leaf in again.c])

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[11, 2]] * 20


def test_a_section_is_written_and_the_rest_stays(name, tmp_path):
    file = tmp_path / f"all.{name}"
    nrun.dump(Config(Leaf, x=1), file, "models.small")
    before = file.read_text()
    nrun.dump(Config(Leaf, x=2), file, "models.big")
    nrun.dump(Config(Leaf, x=3), file, "models.small")
    assert [nrun.load(file, f"models.{size}", mode="trust").x for size in ("small", "big")] == [3, 2]
    nrun.dump(Config(Leaf, x=1), file, "models.small")
    assert [line for line in before.splitlines() if line.strip() and line not in file.read_text()] in ([], ["    }"])


def test_what_a_later_minor_version_says_at_the_top_stays_when_a_section_is_written(name, tmp_path):
    file = tmp_path / f"all.{name}"
    head = {"$nrun": "1.2", "$created_by": "nrun 3.1", "$note": {"x": 1}}
    form = installed().formats.get(name).format()()
    file.write_text(form.write({**head, "leaf": 0}, comments={}))
    nrun.dump(Config(Leaf, x=2), file, "leaf")
    whole = form.read(file.read_text()).data
    assert {key: whole[key] for key in head} == head
    assert nrun.load(file, mode="trust") == {"leaf": Config(Leaf, x=2)}


@pytest.mark.parametrize("name", ["yaml", "toml"])
def test_comments_stay_when_a_section_is_written(name, tmp_path):
    file = tmp_path / f"all.{name}"
    mark = {"yaml": "a: 1\n", "toml": "a = 1\n"}[name]
    file.write_text(f"# what this is about\n{mark}")
    nrun.dump(Config(Leaf, x=2), file, "leaf")
    text = file.read_text()
    assert text.startswith(f"# what this is about\n{mark}")
    assert nrun.load(file, "leaf", mode="trust") == Config(Leaf, x=2)
    with pytest.raises(ConfigError, match=r"no mapping to put 'a\.b' into"):
        nrun.dump(Config(Leaf), file, "a.b")


def test_nothing_is_imported_unless_it_may_be(name, monkeypatch):
    cfg = Config("antigravity:fly", where=Config(Leaf, x=1))
    text = nrun.dumps(cfg, name)
    assert nrun.dumps(nrun.loads(text, name, mode="data"), name) == text
    with pytest.raises(ConfigError, match=f"^{name}:[0-9]+:[0-9]+: antigravity:fly may not be imported"):
        nrun.loads(text, name)
    assert "antigravity" not in sys.modules
    text = nrun.dumps(Config(Leaf, x=1), name)
    assert nrun.loads(text, name, allow={__name__.partition(".")[0]}) == Config(Leaf, x=1)
    monkeypatch.setenv("NRUN_ALLOW", f"json:{__name__.partition('.')[0]}")
    assert nrun.loads(text, name) == Config(Leaf, x=1)


def test_every_value_knows_its_file_line_and_column(name, tmp_path):
    nrun.dump(Config(anything, c=Config(Leaf, x=1)), tmp_path / f"one.{name}")
    origin = explain(nrun.load(tmp_path / f"one.{name}", mode="trust"), "c.x").trail[0][0]
    file, line, column = origin.where.rsplit(":", 2)
    assert (origin.kind, file) == ("file", str(tmp_path / f"one.{name}"))
    assert Path(file).read_text().splitlines()[int(line) - 1][int(column) - 1] == "1"


def test_nodes_write_and_read_yaml_themselves():
    cfg = Partial(anything, c=1)
    assert Partial.from_yaml(cfg.to_yaml(), mode="trust") == cfg
    with pytest.raises(ConfigError, match="describes a Partial, not a Config"):
        Config.from_yaml(cfg.to_yaml(), mode="trust")
    assert "# not set:" in cfg.to_yaml(full=True) or cfg.to_yaml(full=True) == cfg.to_yaml()


def test_a_format_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(UnknownName, match="pip install nrun-config-ini"):
        nrun.dump(Config(Leaf), tmp_path / "x.ini")
    with pytest.raises(UnknownName, match="pip install nrun-config-xml"):
        nrun.dumps(Config(Leaf), "xml")
    with pytest.raises(ConfigError, match=r"cannot read .*none\.yaml"):
        nrun.load(tmp_path / "none.yaml")
