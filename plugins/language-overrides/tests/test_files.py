"""Configurations in files: typed by where they go, composed of several files, and told apart by line and column."""

from __future__ import annotations

import dataclasses
import enum
import sys
import threading
from collections.abc import Sequence  # noqa: TC003 - annotations are read
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nrun
from nrun import Config, ConfigError, Partial, UnknownName, build, explain
from nrun.config.special import Reference
from nrun.plugins import Hooks, PluginHost, installed
from nrun_language_overrides.factories import Factories
from nrun_language_overrides.files import loader
from nrun_language_overrides.overrides import Context, apply
from nrun_language_overrides.problems import ConfigProblems
from nrun_language_overrides.reader import Reading


class Act(enum.Enum):
    RELU = "relu"
    GELU = "gelu"


@dataclasses.dataclass
class Adam:
    lr: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)


@dataclasses.dataclass
class SGD:
    lr: float = 0.1
    nesterov: bool = False


@dataclasses.dataclass
class Embed:
    dim: int = 8


@dataclasses.dataclass(frozen=True)
class Note:
    text: str


@dataclasses.dataclass
class Model:
    layers: int = 2
    act: Act = Act.RELU
    embed: Embed | None = None
    head: Embed | None = None
    data: Path | None = None
    extra: Any = None


def adam(lr: float = 0.5) -> Config[Adam]:
    return Config(Adam, lr=lr)


def train(  # noqa: PLR0913, PLR0917 - one argument for each thing to try
    model: Model,
    opt: Adam | SGD | None = None,
    tags: list[str] | None = None,
    env: dict[str, str] | None = None,
    steps: int = 1,
    callback: Any = None,
    opts: Sequence[Adam] = (),
):
    return model, opt, tags, env, steps, callback, opts


def unnamed(a, b=1, /, c=None, *rest, **more):
    return a, b, c, rest, more


READING = Reading(factories=Factories().register(adam), allowed=lambda symbol: symbol.startswith(f"{__name__}:"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_yaml", ".yaml").replace("_toml", ".toml")
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text.replace("HERE", __name__), "utf-8")

    return write


def load_task(name, section, target, reading, hooks):
    """As `--load NAME:SECTION` does."""
    item = f"@{name}:{section}" if section else f"@{name}"
    return apply(Partial(target), [item], Context(reading, load=loader(reading, hooks))).config


def load(name, section="", reading=READING):
    return load_task(name, section, train, reading, installed())


def problems(name, section=""):
    with pytest.raises(ConfigProblems) as caught:
        load(name, section)
    return caught.value


def test_a_file_is_read_by_the_annotations_of_what_it_is_for(folder):
    folder(
        exp_yaml="""
model: {layers: 3, act: gelu, embed: {dim: 4}, data: /x}
opt: adam(lr=0.25)
tags: [a, b]
env: {A: "1"}
"""
    )
    cfg = load("exp.yaml")
    model = Config(Model, layers=3, act=Act.GELU, embed=Config(Embed, dim=4), data=Path("/x"))
    assert cfg == Partial(train, model=model, opt=Config(Adam, lr=0.25), tags=["a", "b"], env={"A": "1"})


def test_a_class_is_named_where_the_annotation_leaves_it_open(folder):
    folder(
        exp_yaml="""
model: {}
opt: {$target: "HERE:SGD", lr: 1, nesterov: true}
callback: {$target: "HERE:Model", $partial: true, act: gelu}
"""
    )
    cfg = load("exp.yaml")
    assert cfg.opt == Config(SGD, lr=1.0, nesterov=True)
    assert cfg.callback == Partial(Model, act=Act.GELU)


def test_a_relative_path_of_a_file_is_relative_to_its_folder(folder):
    folder(
        sub__exp_yaml="""
$include: [parts/model.yaml]
model: {layers: 3, extra: {$path: e.csv}}
""",
        sub__parts__model_yaml="model: {data: ../d.csv}\n",
    )
    model = load("sub/exp.yaml").model
    assert (model.data, model.extra) == (Path("sub/d.csv"), Path("e.csv"))
    assert 'sub/parts/model.yaml:1:15  "../d.csv"' in str(explain(model, "data"))


@pytest.mark.parametrize("written", ["/abs/d.csv", "~/d.csv", "~other/d.csv"])
def test_a_path_that_says_where_it_begins_stays_as_it_is(folder, written):
    folder(sub__exp_yaml=f"model: {{data: {written}}}\n")
    assert load("sub/exp.yaml").model.data == Path(written)


@pytest.mark.parametrize("form", ["adam(lr=2)", "{$factory: adam(lr=2)}"])
def test_a_factory_makes_what_it_is_asked_for(folder, form):
    folder(exp_yaml=f"model: {{}}\nopt: {form}\n")
    assert load("exp.yaml").opt == Config(Adam, lr=2.0)


def test_arguments_beside_a_factory_are_set_in_what_it_gives(folder):
    folder(exp_yaml="model: {}\nopt:\n  $factory: adam(lr=2)\n  betas: [0.5, 0.6]\n")
    cfg = load("exp.yaml")
    assert cfg.opt == Config(Adam, lr=2.0, betas=(0.5, 0.6))
    assert str(explain(cfg, "opt.betas").trail[0][0]) == "file    exp.yaml:4:10"
    folder(bad_yaml="model: {}\nopt:\n  $factory: adam\n  beta: [0.5, 0.6]\n  lr: x\n")
    assert [problem.path for problem in problems("bad.yaml").problems] == ["opt.beta", "opt.lr"]


@pytest.mark.parametrize("key", ["$factory", "_factory_"])
def test_arguments_beside_factories_within_containers_are_set_too(folder, key):
    folder(exp_yaml=f"model: {{}}\nopts:\n- {key}: adam(lr=2)\n  betas: [0.5, 0.6]\n- {{{key}: adam, lr: 3}}\n")
    cfg = load("exp.yaml")
    assert list(cfg.opts) == [Config(Adam, lr=2.0, betas=(0.5, 0.6)), Config(Adam, lr=3.0)]
    assert str(explain(cfg.opts[0], "betas").trail[0][0]) == "file    exp.yaml:4:10"
    folder(bad_yaml=f"model: {{}}\nopts:\n- {{{key}: adam, lrr: 3}}\n")
    assert [problem.path for problem in problems("bad.yaml").problems] == ["opts[0].lrr"]


@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", "layers: 1e4"), ("a.toml", "layers = 1e4"), ("a.json", '{"layers": 1e4}')]
)
def test_a_whole_number_may_have_an_exponent(folder, name, text):
    Path(name).write_text(text, "utf-8")
    context = Context(READING, load=loader(READING, installed()))
    cfg = apply(Config(train), [f"model=@{name}"], context).config
    assert (cfg.model.layers, type(cfg.model.layers)) == (10_000, int)


def test_a_section_is_loaded_for_one_argument(folder):
    folder(models_toml="[small]\nlayers = 1\n\n[big]\nlayers = 9\n")
    context = Context(READING, load=loader(READING, installed()))
    cfg = apply(Config(train), ["model=@models.toml:big", "steps=2"], context).config
    assert cfg.model == Config(Model, layers=9)
    assert str(explain(cfg, "model.layers").trail[0][0]) == "file    models.toml:5:10"


def test_what_nrun_wrote_is_a_task_again(folder, tmp_path):
    embed = Config(Embed, dim=5)
    cfg = Partial(train, model=Config(Model, embed=embed, head=embed, extra={"$a": (1, "${x}")}), tags=["1", "null"])
    for name in ("exp.yaml", "exp.toml", "exp.json"):
        nrun.dump(cfg, name)
        again = load(name)
        assert again == cfg
        assert again.model.embed is again.model.head


texts = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
    st.sampled_from(["$target", "$", "${a}", "\\${a}", "a ${b}", "", "null", "1", "adam", "a\nb", "x+", "[1]", "os:x"]),
)


def names(inner):
    return st.dictionaries(st.text("$dx_", min_size=1, max_size=3), inner, max_size=2)


values = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), texts, st.binary(max_size=3)),
        *(
            st.builds(Note, texts),
            st.dates(),
            st.timedeltas(),
            st.sampled_from([*Act, Act, Path("a/b"), Reference.parse("x-${a.b}")]),
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(texts, st.integers(0, 3)), inner, max_size=3),
        st.sets(texts, max_size=2),
        st.builds(lambda inner: [Config(Model, extra=inner)] * 2, inner),
        st.builds(lambda args, more: Partial(unnamed, *args, **more), st.lists(inner, max_size=4), names(inner)),
    ),
    max_leaves=8,
)
models = st.builds(
    lambda fields: Config(Model, **fields),
    st.fixed_dictionaries(
        {},
        optional={
            "layers": st.integers(0, 9),
            "act": st.sampled_from(Act),
            "data": st.one_of(st.none(), st.sampled_from([Path("/x"), Path("a/b")])),
            "head": st.builds(lambda dim: Config(Embed, dim=dim), st.integers(0, 9)),
            "extra": values,
        },
    ),
)


@pytest.mark.parametrize("name", ["yaml", "toml", "json"])
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    model=models,
    tags=st.lists(texts, max_size=3),
    env=st.dictionaries(texts, texts, max_size=3),
    opt=st.sampled_from([None, Config(Adam, betas=(1.0, 2.0)), Config(SGD, nesterov=True)]),
)
def test_whatever_nrun_wrote_is_a_task_again(name, model, tags, env, opt, tmp_path):  # noqa: PLR0913, PLR0917 - as train
    cfg = Partial(train, model=model, tags=tags, env=env, opt=opt, callback=model.extra)
    nrun.dump(cfg, tmp_path / f"exp.{name}")
    assert load(str(tmp_path / f"exp.{name}")) == cfg


def test_what_stands_twice_is_one_node(folder):
    folder(exp_yaml="model:\n  embed: &e {dim: 3}\n  head: *e\n")
    model = load("exp.yaml").model
    assert model.embed is model.head
    assert model.embed == Config(Embed, dim=3)


def test_two_parts_of_one_class_stay_two_also_in_threads(folder):
    folder(exp_yaml="model:\n  embed: {dim: 3}\n  head: {dim: 4}\n")
    found = []

    def look():
        for _ in range(5):
            model = load("exp.yaml").model
            model.embed.dim += 10
            found.append((model.embed.dim, model.head.dim))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(13, 4)] * 20


def test_names_of_classes_in_a_list_make_a_node_each(folder):
    folder(exp_yaml="model: {}\nsteps: 1\n", many_yaml=f"[{', '.join(f'Adam(lr={n})' for n in range(50))}]\n")
    found = loader(READING, installed())("many.yaml", "").read(list[Adam | SGD], READING)
    assert [opt.lr for opt in found] == [float(n) for n in range(50)]
    assert load_task("exp.yaml", "", train, READING, installed()) == Partial(train, model=Config(Model), steps=1)


def test_a_task_with_arguments_without_names_is_read_again(folder):
    cfg = Partial(unnamed, 1, 2, 3, 4, **{"$d": 5})
    nrun.dump(cfg, "exp.yaml")
    assert load_task("exp.yaml", "", unnamed, READING, installed()) == cfg


# ---- including


def test_a_value_three_includes_deep_knows_its_file_line_and_column(folder):
    folder(
        exp_yaml="$include: parts/big.yaml\nsteps: 3\n",
        parts__big_yaml="$include: [base.yaml]\nmodel:\n  layers: 7\n",
        parts__base_yaml="model:\n  $include: ../model.yaml:all.small\n  layers: 1\n",
        model_yaml="all:\n  small:\n    layers: 0\n    act: gelu\n",
    )
    cfg = load("exp.yaml")
    assert cfg == Partial(train, model=Config(Model, layers=7, act=Act.GELU), steps=3)
    origin = explain(cfg, "model.act").trail[0][0]
    assert (origin.kind, origin.where) == ("file", "parts/../model.yaml:4:10")
    assert origin.note == "included by parts/base.yaml:2, included by parts/big.yaml:1, included by exp.yaml:1"
    assert explain(cfg, "model.layers").trail[0][0].where == "parts/big.yaml:3:11"


def test_mappings_are_merged_and_the_rest_is_replaced(folder):
    folder(
        base_yaml="""
model: {layers: 1, act: gelu}
tags: [a, b]
env: {A: '1', B: '2'}
opt: {$target: 'HERE:Adam', lr: 1}
""",
        exp_yaml="""
$include: base.yaml
model: {layers: 2}
tags: [c]
env: {B: '3'}
opt: {$target: 'HERE:SGD', nesterov: true}
""",
    )
    cfg = load("exp.yaml")
    assert cfg.model == Config(Model, layers=2, act=Act.GELU)
    assert (cfg.tags, cfg.env, cfg.opt) == (["c"], {"A": "1", "B": "3"}, Config(SGD, nesterov=True))


def test_operators_change_what_is_included(folder):
    folder(
        base_yaml="model: {layers: 1}\ntags: [a, b]\nenv: {A: '1', B: '2'}\nsteps: 2\nopt: adam\n",
        exp_yaml="$include: base.yaml\ntags+: [c]\nenv-: [A]\nsteps+: 3\nopt!:\n",
    )
    cfg = load("exp.yaml")
    assert cfg == Partial(train, model=Config(Model, layers=1), tags=["a", "b", "c"], env={"B": "2"}, steps=5)
    assert "opt" not in cfg


@pytest.mark.parametrize("item", ["@all.yaml", "@all.yaml:task", "model=@all.yaml:task.model"])
def test_what_a_file_has_pinned_stays_and_what_has_changed_of_that_is_told(folder, item):
    nrun.dump(nrun.pinned(Config(train, model=Config(Model, layers=3, embed=Config(Embed)))), "all.yaml", "task")
    folder(all_yaml=Path("all.yaml").read_text().replace("dim: 8", "dim: 9"))
    base, context = Config(train), Context(READING, load=loader(READING, installed()))
    if item == "@all.yaml":
        folder(all_yaml="$include: all2.yaml:task\n", all2_yaml=Path("all.yaml").read_text())
    applied = apply(base, [item, "model.act=gelu"], context)
    assert (applied.config.model.embed.dim, applied.config.model.act) == (9, Act.GELU)
    assert {"dim", "layers"} & {name for name, _ in applied.config.model.embed.__nrun_tags__} == {"dim"}
    changed = "defaults have changed, and those of the file are kept: Embed.dim is 8"
    assert [note for note in applied.notes if "defaults" in note] == [f"all.yaml: {changed}"]
    assert apply(base, ["model.layers=3"], context).notes == ()


def test_operators_change_what_is_there_before_the_file(folder):
    folder(exp_yaml="tags+: [c]\nsteps-: 1\nopt!:\nmodel: {layers: 5}\n")
    before = Config(train, model=Config(Model, act=Act.GELU), tags=["a"], steps=4, opt=Config(Adam))
    cfg = apply(before, ["@exp.yaml"], Context(READING, load=loader(READING, installed()))).config
    assert cfg == Config(train, model=Config(Model, act=Act.GELU, layers=5), tags=["a", "c"], steps=3)
    assert before.tags == ["a"]


@pytest.mark.parametrize("key", ["tags-: [z]", "env-: [Z]", "steps|: 1", "env+: 3", "tags|: [a]"])
def test_an_operator_that_does_not_fit_is_told_with_its_line(folder, key):
    folder(base_yaml="tags: [a]\nenv: {A: '1'}\nsteps: 1\n", exp_yaml=f"$include: base.yaml\n{key}\n")
    with pytest.raises(ConfigError, match=r"exp\.yaml:2:\d+: .* does not fit what is included"):
        load("exp.yaml")


def test_a_loop_is_told_as_a_chain(folder):
    folder(a_yaml="$include: b.yaml\n", b_yaml="x: 1\n$include: a.yaml\n")
    with pytest.raises(ConfigError, match=r"a\.yaml includes b\.yaml includes a\.yaml"):
        load("a.yaml")


def test_what_is_shared_in_an_included_file_stays_shared(folder):
    folder(
        base_yaml="model:\n  embed: &e {dim: 3}\n  head: *e\n",
        exp_yaml="$include: base.yaml\nmodel: {embed: {dim: 4}}\n",
    )
    model = load("exp.yaml").model
    assert model.embed is model.head
    assert model.head.dim == 4


# ---- what is wrong


def test_everything_that_is_wrong_is_told_with_file_line_and_column(folder):
    folder(exp_yaml="modle: {}\nmodel:\n  layers: x\n  act: gleu\n  embed: {dmi: 3}\nopt: admas\n")
    found = problems("exp.yaml")
    told = {problem.path: (problem.where.label, problem.hints) for problem in found.problems}
    assert told["modle"] == ("exp.yaml:1:8", ("did you mean model?",))
    assert told["model.layers"][0] == "exp.yaml:3:11"
    assert told["model.act"] == ("exp.yaml:4:8", ("did you mean gelu?",))
    assert told["model.embed.dmi"] == ("exp.yaml:5:16", ("did you mean dim?",))
    assert told["opt"] == ("exp.yaml:6:6", ("did you mean adam?",))
    assert "      exp.yaml:4:8   act: gleu\n                   -------^^^^   did you mean gelu?" in str(found)


def test_what_is_wrong_in_an_included_file_is_told_there(folder):
    folder(exp_yaml="$include: base.yaml\nsteps: 1\n", base_yaml="\nmodel:\n  layers: x\n")
    assert [(p.path, p.where.label) for p in problems("exp.yaml").problems] == [("model.layers", "base.yaml:3:11")]


def test_what_is_wrong_in_a_named_class_is_told_at_its_arguments(folder):
    folder(exp_yaml="model: {}\ncallback:\n  $target: HERE:Model\n  layers: x\n  embed: {dim: y}\n  lyers: 1\n")
    found = {problem.path: problem.where.label for problem in problems("exp.yaml").problems}
    assert found == {
        "callback.layers": "exp.yaml:4:11",
        "callback.embed.dim": "exp.yaml:5:16",
        "callback.lyers": "exp.yaml:6:10",
    }


def test_names_are_imported_only_if_they_may_be(folder):
    folder(exp_yaml="model: {}\ncallback: {$target: 'os:system', $args: [ls]}\n")
    [problem] = problems("exp.yaml").problems
    assert (problem.path, problem.where.label) == ("callback", "exp.yaml:2:11")
    assert "may never be named" in problem.message
    folder(exp_yaml="model: {}\ncallback: {$target: 'antigravity:x'}\n")
    assert "may not be imported" in problems("exp.yaml").problems[0].message
    assert "antigravity" not in sys.modules


def test_a_text_is_never_imported_nor_a_number(folder):
    folder(exp_yaml="model: {extra: 'this:s', layers: 1}\ntags: ['this:s', '5']\n")
    cfg = load("exp.yaml")
    assert (cfg.model.extra, cfg.tags) == ("this:s", ["this:s", "5"])
    assert "this" not in sys.modules


def test_the_syntax_of_a_file_is_told_with_its_place(folder):
    folder(exp_yaml="model: [1\n")
    with pytest.raises(ConfigError, match=r"exp\.yaml: line 1, column 8"):
        load("exp.yaml")


def test_a_section_that_is_not_there_is_told_with_those_that_are(folder):
    folder(exp_yaml="small: {}\nbig: {}\n")
    with pytest.raises(ConfigError, match=r"no 'bgi' here\. Did you mean 'big'\?"):
        load("exp.yaml", "bgi")


def test_without_the_plugin_for_a_format_its_distribution_is_named(folder):
    folder(exp_yaml="model: {}\n")
    with pytest.raises(UnknownName, match="pip install nrun-config-yaml"):
        load_task("exp.yaml", "", train, READING, Hooks(PluginHost([])))


def test_a_file_for_another_task_is_refused(folder):
    folder(exp_yaml="$target: HERE:Model\nlayers: 1\n")
    assert "expected a mapping of the arguments of" in problems("exp.yaml").problems[0].message


def test_what_is_loaded_can_be_built(folder):
    folder(exp_yaml="model: {layers: 2}\nopt: {$target: 'HERE:Adam', betas: [1, 2]}\n")
    model, opt, *_ = build(load("exp.yaml"))()
    assert (model, opt) == (Model(layers=2), Adam(betas=(1.0, 2.0)))
