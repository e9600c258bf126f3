from __future__ import annotations

import copy
import enum
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import Config, ConfigError, Partial, build
from nrun.config import document_reader
from nrun.config.document_reader import TextFile
from nrun.config.document_writer import to_data
from nrun.config.node import set_tags
from nrun.config.special import Reference, Sweep
from nrun.model import Document
from nrun_language_overrides.factories import Factories
from nrun_language_overrides.files import Section, TypedReader
from nrun_language_overrides.overrides import Context, apply
from nrun_language_overrides.problems import ConfigProblems, Source
from nrun_language_overrides.reader import Reading


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass
class Adam:
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.95)
    name: str = "a"


@dataclass
class AdamW(Adam):
    wd: float = 0.0


@dataclass
class Embed:
    dim: int = 8
    dtype: Annotated[str, "dtype"] = "fp32"


@dataclass
class Model:
    layers: int = 2
    dropout: float = 0.1
    act: str = "relu"
    embed: Embed | None = None
    head: Embed | None = None
    blocks: list[Embed] = field(default_factory=list)


@attrs.frozen
class Place:
    nodes: int = 1
    account: str = ""


class Callback:
    def __init__(self, on: bool = True, patience: int = 1):
        self.on = on
        self.patience = patience


def train(  # noqa: PLR0913, PLR0917 - one of every kind
    model: Model,
    opt: Adam,
    steps: int = 10,
    tags: list[str] = [],  # noqa: B006 - a default that overrides must not reach
    env: dict[str, int] = {},  # noqa: B006 - as above
    sizes: tuple[int, ...] = (1, 2),
    ids: set[int] = frozenset(),
    callbacks: list[Callback] | None = None,
    grid: list[list[int]] | None = None,
    seed: int | None = None,
    wait: timedelta = timedelta(hours=1),
    price: Decimal = Decimal("1.5"),
    out: Path = Path("/data"),
    color: Color = Color.RED,
    anything: Any = None,
    place: Place | None = None,
    by_number: dict[int, str] | None = None,
): ...


def adam(lr: float = 1.0, betas: tuple[float, float] = (0.9, 0.95)) -> Adam:
    return Config(Adam, lr=lr, betas=betas)


def adamw(lr: float = 1.0, wd: float = 0.1) -> AdamW:
    return Config(AdamW, lr=lr, wd=wd)


READING = Reading(factories=Factories().register(adam).register(adamw))
CONTEXT = Context(READING)


def base(**more):
    return Config(train, model=Config(Model, layers=3), opt=Config(Adam, lr=0.1), **more)


def after(*items, config=None, context=CONTEXT):
    return apply(base() if config is None else config, items, context).config


def broken() -> Adam:
    raise OSError("no disk")


def problems(*items, config=None, context=CONTEXT):
    given = base() if config is None else config
    before = copy.deepcopy(given)
    with pytest.raises(ConfigProblems) as caught:
        apply(given, items, context)
    assert given == before
    return caught.value.problems


def problem(*items, **more):
    [found] = problems(*items, **more)
    return found


def told(found):
    return " ".join([found.path, found.message, *found.hints])


# ---- setting


def test_values_are_read_for_the_annotation():
    config = after("model.layers=1e1", "model.act=1e1", "opt.lr=2", "out=/x", "color=blue", "seed=null", "wait=90m")
    assert (config.model.layers, config.model.act, config.opt.lr) == (10, "1e1", 2.0)
    assert (config.out, config.color, config.seed) == (Path("/x"), Color.BLUE, None)
    assert config.wait == timedelta(minutes=90)


def test_the_tree_that_is_given_is_not_changed():
    config = base(tags=["a"])
    before = copy.deepcopy(config)
    apply(config, ["model.layers=9", "tags+=b", "opt=adamw", "model.embed.dim=1"], CONTEXT)
    assert config == before


def test_no_items_change_nothing():
    config = base()
    applied = apply(config, [])
    assert applied.config == config
    assert applied.config is not config
    assert (applied.notes, applied.changed, applied.paths) == ((), (), ())


def test_missing_nodes_are_made_where_the_annotation_names_a_class():
    config = after("model.embed.dim=4")
    assert config.model.embed == Config(Embed, dim=4)


def test_missing_containers_are_made():
    config = after("callbacks[+]={patience: 3}", "callbacks[-1].on=no", "by_number.7=x", "grid+=[[1,2]]")
    assert config.callbacks == [Config(Callback, patience=3, on=False)]
    assert config.by_number == {7: "x"}
    assert config.grid == [[1, 2]]


def test_a_required_node_is_made_on_the_way():
    assert after("model.layers=5", config=Config(train)).model == Config(Model, layers=5)


def test_what_the_annotation_does_not_say_is_not_made():
    found = problem("anything.x=1")
    assert "anything is not set, and nothing says what to make" in told(found)
    assert "anything=NAME" in told(found)


def test_an_instance_becomes_a_node_when_it_is_edited():
    config = after("place.nodes=4", config=base(place=Place(account="me")))
    assert config.place == Config(Place, nodes=4, account="me")


def test_set_if_unset():
    config = after("seed?=1", "steps?=5", "opt.lr?=9")
    assert (config.seed, config.steps, config.opt.lr) == (1, 5, 0.1)


def test_set_if_unset_at_any_depth():
    config = base(anything=[Config(Adam, lr=7), Config(Adam)])
    applied = apply(config, ["...lr?=5", "...lr?=6"], CONTEXT)
    assert [one.lr for one in applied.config.anything] == [7, 5]
    assert applied.changed == ("anything[1].lr?=5",)
    assert applied.notes == ("...lr?=5 changes 1 place: anything[1].lr",)


def test_set_if_unset_gives_way_to_later_items():
    assert after("seed?=1", "seed=2").seed == 2


def test_keys_of_dictionaries():
    config = after("env.A=1", "env['b.c']=2", "env.some-key=3", "by_number[4]=x", "by_number['5']=y")
    assert config.env == {"A": 1, "b.c": 2, "some-key": 3}
    assert config.by_number == {4: "x", 5: "y"}


def test_keys_of_an_unknown_type():
    config = after("anything.a=1", "anything[2]=b", "anything.3=c", config=base(anything={"3": 0}))
    assert config.anything == {"3": "c", "a": 1, 2: "b"}


@pytest.mark.parametrize(("text", "wanted"), [("sizes[0]=7", (7, 2)), ("sizes.1=7", (1, 7)), ("sizes[-1]=7", (1, 7))])
def test_elements(text, wanted):
    assert after(text).sizes == wanted


def test_positional_arguments_are_reached_by_index():
    def takes(a: int, /, b: int = 2, *rest: int): ...

    config = after("[0]=5", "1=6", "[2]=7", config=Config(takes, 1))
    assert dict(zip(config, (config[name] for name in config), strict=True)) == {0: 5, "b": 6, 2: 7}


def test_parameters_may_have_any_name():
    def awkward(  # noqa: PLR0913, PLR0917 - the names are what matters
        run=0, runtime=0, executor=0, plugins_dir=0, name=0, args=0, fn=0, self=0, config=0, diff=0, build=0
    ): ...

    names = list(signature(awkward).parameters)
    config = after(*(f"{name}={number}" for number, name in enumerate(names)), config=Config(awkward))
    assert [config[name] for name in names] == list(range(len(names)))


def test_the_text_of_an_item_is_kept_as_its_origin():
    from nrun import explain

    config = apply(base(), [Source("argv[4]", "opt.lr=3e-4")], CONTEXT).config
    assert 'argv[4]  "opt.lr=3e-4"' in str(explain(config, "opt.lr"))


# ---- operators


@pytest.mark.parametrize(
    ("item", "name", "wanted"),
    [
        ("steps+=2", "steps", 12),
        ("steps-=3", "steps", 7),
        ("steps*=2", "steps", 20),
        ("steps*=1.5", "steps", 15),
        ("steps/=5", "steps", 2),
        ("steps//=3", "steps", 3),
        ("steps**=2", "steps", 100),
        ("wait*=2", "wait", timedelta(hours=2)),
        ("wait+=30m", "wait", timedelta(minutes=90)),
        ("price*=2", "price", Decimal("3.0")),
        ("out/=x", "out", Path("/data/x")),
        ("tags+=a", "tags", ["a"]),
        ("tags+=[a,b]", "tags", ["a", "b"]),
        ("tags+=a,b", "tags", ["a,b"]),
        ("tags[+]=a", "tags", ["a"]),
        ("sizes+=3", "sizes", (1, 2, 3)),
        ("sizes-=1", "sizes", (2,)),
        ("sizes[+0]=0", "sizes", (0, 1, 2)),
        ("sizes[+1]=0", "sizes", (1, 0, 2)),
        ("sizes[0]!", "sizes", (2,)),
        ("ids+=3", "ids", {3}),
        ("ids|={1,2}", "ids", {1, 2}),
        ("ids+=1,2", "ids", {1, 2}),
        ("env|={a: 1}", "env", {"a": 1}),
        ("env+={a: 1}", "env", {"a": 1}),
        ("grid+=[1,2]", "grid", None),
        ("grid+=[[1,2]]", "grid", [[1, 2]]),
    ],
)
def test_operators_work_on_what_counts(item, name, wanted):
    if wanted is None:
        assert problems(item)[0].path.startswith(name)
        return
    value = after(item)[name]
    assert value == wanted
    assert isinstance(value, type(wanted)) or isinstance(wanted, set)


def test_operators_on_what_was_set():
    config = base(ids={1, 2, 3}, env={"a": 1, "b": 2, "c": 3}, tags=["x", "y", "x"])
    config = after("ids&={2,3,4}", "ids-=3", "env-=a", "env-=[b]", "tags-=x", "model.act+=6", config=config)
    assert (config.ids, config.env, config.tags, config.model.act) == ({2}, {"c": 3}, ["y", "x"], "relu6")


def test_text_is_joined_as_it_is():
    assert after("model.act+= a=b, [c").model.act == "relu a=b, [c"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("steps/=3", "int"),
        ("steps/=0", "zero"),
        ("steps**=99999", "too large"),
        ("steps+=x", "'x'"),
        ("steps+=1,2", "one value"),
        ("steps|=1", "no |="),
        ("seed+=1", "not set"),
        ("tags-=a", "is not in it"),
        ("ids-=7", "is not in it"),
        ("env-=k", "is not a key"),
        ("tags*=2", "no *= for a list"),
        ("sizes+=1,2", "did you mean [1,2]?"),
        ("model+=1", "no +="),
        ("color+=1", "no +="),
        ("model.act-=x", "no -="),
    ],
)
def test_operators_that_cannot_be_done(item, message):
    assert message in told(problem(item))


def test_nothing_is_added_to_a_sweep_or_a_reference():
    for value in (Sweep((1, 2)), Reference.parse("${steps}")):
        assert "no +=" in told(problem("seed+=1", config=base(seed=value)))


# ---- unsetting


def test_delete_unsets_and_removes():
    config = after("opt.lr!", "env.a!", "~tags.0", config=base(env={"a": 1, "b": 2}, tags=["x", "y"]))
    assert "lr" not in config.opt
    assert (config.env, config.tags) == ({"b": 2}, ["y"])


def test_every_element_can_be_deleted():
    assert after("tags[*]!", config=base(tags=["x", "y", "z"])).tags == []


@pytest.mark.parametrize("item", ["steps!", "model.embed!", "env.k!", "...seed!"])
def test_what_is_not_set_cannot_be_unset(item):
    assert any(words in told(problem(item)) for words in ("not set", "nothing"))


@pytest.mark.parametrize("item", ["tags[9]=a", "tags[0]!", "tags[-1]=a", "tags[+1]=a", "sizes.2=1", "[99]=1"])
def test_an_index_must_be_in_range(item):
    assert "no such" in told(problem(item))


# ---- wildcards


def test_any_depth_reaches_lists_dictionaries_and_shared_nodes_once():
    shared = Config(Embed, dim=1)
    config = base(anything={"k": [Config(Embed), (shared,)]})
    config.model.embed = config.model.head = shared
    applied = apply(config, ["...dim*=3"], CONTEXT)
    assert applied.config.model.embed.dim == 3
    assert applied.config.model.head is applied.config.model.embed
    assert applied.config.anything["k"][0].dim == 24
    assert applied.notes[0] == "...dim*=3 changes 2 places: model.embed.dim, anything['k'][0].dim"


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ("...lr=1", ["opt.lr"]),
        ("opt...lr=1", ["opt.lr"]),
        ("*.lr=1", ["opt.lr"]),
        ("...@Adam.lr=1", ["opt.lr"]),
        ("@Adam.lr=1", None),
        ("...@Embed.dim=1", ["model.embed.dim", "model.blocks[0].dim", "model.blocks[1].dim"]),
        ("model.*.dim=1", ["model.embed.dim"]),
        ("model.blocks[*].dim=1", ["model.blocks[0].dim", "model.blocks[1].dim"]),
        ("model.blocks.*.dim=1", ["model.blocks[0].dim", "model.blocks[1].dim"]),
        ("...blocks[0].dim=1", ["model.blocks[0].dim"]),
        ("...%dtype=bf16", ["model.embed.dtype", "model.blocks[0].dtype", "model.blocks[1].dtype"]),
        ("model.embed.%dtype=bf16", ["model.embed.dtype"]),
        ("model.@Embed.dim=1", ["model.embed.dim"]),
        ("...layers=1", ["model.layers"]),
    ],
)
def test_wildcards(item, wanted):
    config = base()
    config.model.embed = Config(Embed)
    config.model.blocks = [Config(Embed), Config(Embed)]
    if wanted is None:  # at the beginning @ includes a file
        assert "no format is known" in told(problem(item, config=config))
        return
    applied = apply(config, [item], CONTEXT)
    value = item.partition("=")[2]
    assert list(applied.changed) == [f"{path}={value}" for path in wanted]
    assert applied.notes[0].startswith(f"{item} changes {len(wanted)} place")


def test_a_subclass_counts_as_its_class():
    config = after("...@Adam.lr=5", config=Config(train, opt=Config(AdamW)))
    assert config.opt.lr == 5


@pytest.mark.parametrize("item", ["...nothing=1", "model...steps=1", "...@Nothing.lr=1", "...%nothing=1", "tags[*]=x"])
def test_a_wildcard_that_matches_nothing_is_an_error(item):
    assert "matches nothing" in told(problem(item))


def test_a_wildcard_makes_no_new_keys_or_arguments():
    def free(**more): ...

    config = base(anything=[{"dim": 1}, {}, Config(free)])
    config = after("anything[*].dim=2", config=config)
    assert config.anything == [{"dim": 2}, {}, Config(free)]
    assert "matches nothing" in told(problem("...unheard=2", config=config))


def test_what_comes_from_a_default_is_no_part_of_a_wildcard():
    def holds(inner=Config(Embed, dim=1)): ...  # noqa: B008 - on purpose

    assert "matches nothing" in told(problem("...dim=2", config=Config(holds)))
    assert after("inner.dim=2", config=Config(holds)).inner.dim == 2
    assert Config(holds).inner.dim == 1


def with_an_instance(embed: Embed = Embed(), n: int = 1):  # noqa: B008 - a default that is one
    return embed, n


@pytest.mark.parametrize("config", [Config(with_an_instance), Config(with_an_instance, embed=Embed(3))])
def test_a_wildcard_that_finds_its_name_only_in_an_instance_says_how_to_reach_it(config):
    hint = "embed is an instance, in which no wildcard looks: write embed.dim="
    assert hint in told(problem("...dim=2", config=config))
    assert apply(config, ["embed.dim=2"], CONTEXT).config.embed == Config(Embed, dim=2)
    assert hint not in told(problem("...dam=2", config=config))


def test_an_exact_path_protects_its_value_from_a_wildcard_in_any_order():
    config = Config(train, model=Config(Model, blocks=[Config(Embed), Config(Embed)]))
    for items in (["...dim=1", "model.blocks[0].dim=2"], ["model.blocks[0].dim=2", "...dim=1"]):
        assert [block.dim for block in after(*items, config=config).model.blocks] == [2, 1]


def test_a_wildcard_with_nothing_left_is_an_error():
    for items in (["...lr=1", "opt.lr=2"], ["opt.lr=2", "...lr=1"]):
        found = problem(*items)
        assert found.where.text == "...lr=1"


# ---- items that undo others


@pytest.mark.parametrize(
    ("items", "lost", "advice"),
    [
        (["steps=1", "steps=2"], "steps=1", "give one of them"),
        (["opt.lr=1", "opt=adam"], "opt.lr=1", "put it after 'opt=adam'"),
        (["env.a=1", "env={b: 2}"], "env.a=1", "put it after"),
        (["model.embed.dim=1", "model.embed!"], "model.embed.dim=1", "put it after"),
        (["seed=1", "seed!"], "seed=1", "give one of them"),
        (["tags+=a", "tags=[b]"], "tags+=a", "put it after"),
        (["tags[+]=a", "tags[0]=b"], "tags[+]=a", "put it after"),
        (["tags=[a,b]", "tags[0]=c", "tags[0]!"], "tags[0]=c", "give one of them"),
        (["model.embed.dim=1", "model.head.dim=2", "model.embed@=model.head"], "model.embed.dim=1", "put it after"),
        (["hidden-size=1", "hidden_size=2"], "hidden-size=1", "give one of them"),
    ],
)
def test_an_item_that_a_later_one_undoes_is_an_error(items, lost, advice):
    def sized(hidden_size=0): ...

    config = Config(sized) if "size" in items[0] else base()
    found = problem(*items, config=config)
    assert found.message.startswith(f"{lost!r} is lost: {items[-1]!r}")
    assert found.where.text == lost
    assert advice in told(found)


def test_the_last_wins_if_that_is_allowed():
    config = after("opt.lr=1", "opt=adam", "steps=1", "steps=2", context=Context(READING, last_wins=True))
    assert (config.opt.lr, config.steps) == (1.0, 2)


@pytest.mark.parametrize(
    "items",
    [
        ["opt=adamw", "opt.wd=2"],
        ["steps=1", "steps+=2"],
        ["tags=[a]", "tags[0]=b"],
        ["tags[+0]=a", "tags[+0]=b"],
        ["tags=[a,b]", "tags[0]!", "tags[0]=c"],
        ["tags+=a", "tags-=a"],
        ["env={a: 1}", "env.a=2"],
        ["...lr=1", "...@AdamW.lr=2"],
        ["model.embed.dim=1", "model.head@=model.embed", "model.embed!"],
    ],
)
def test_items_that_build_on_others_are_none(items):
    config = Config(train, model=Config(Model), opt=Config(Adam), anything=Config(AdamW))
    assert apply(config, items, CONTEXT).changed


def test_items_apply_from_left_to_right():
    assert after("steps+=2", "steps*=2").steps == 24
    assert after("steps*=2", "steps+=2").steps == 22


def test_replacing_a_node_tells_what_went_with_it():
    applied = apply(base(), ["opt={name: y}"], CONTEXT)
    assert applied.config.opt == Config(Adam, name="y")
    assert applied.notes == ("opt is a new node; the Adam there had set: lr",)


# ---- sharing


def test_two_places_become_one_node():
    applied = apply(base(), ["model.embed.dim=4", "model.head@=model.embed", "model.head.dim+=1"], CONTEXT)
    model = applied.config.model
    assert model.head is model.embed
    assert model.embed.dim == 5
    assert "model.head.dim also changes model.embed.dim (shared)" in applied.notes
    made = build(model)
    assert made.head is made.embed


def test_a_change_in_a_shared_node_is_told():
    config = base()
    config.model.embed = config.model.head = Config(Embed)
    config.anything = [config.model]
    [note] = apply(config, ["model.head.dim=1"], CONTEXT).notes
    assert note == "model.head.dim also changes anything[0].head.dim, model.embed.dim (shared)"


def test_only_nodes_are_shared():
    found = problem("model.layers@=steps")
    assert "only nodes can be shared" in told(found)
    assert "model.layers=${steps}" in told(found)


def test_sharing_again_or_in_a_circle_is_refused():
    config = base()
    config.model.embed = config.model.head = Config(Embed)
    assert "the same node" in told(problem("model.head@=model.embed", config=config))
    assert "contain itself" in told(problem("anything.x@=anything", config=base(anything=Config(dict, y=1))))
    assert "contain itself" in told(problem("model.embed@=model"))


def test_a_shared_node_must_fit():
    assert problem("model.head@=opt").path == "model.head"


@dataclass
class Rare:
    ratio: Fraction = Fraction(1, 2)
    queue: deque[int] = field(default_factory=deque)
    ratios: list[Fraction] = field(default_factory=list)


def test_what_a_tree_cannot_hold_is_described():
    config = apply(Config(Rare), ["ratio=1/3", "queue=1,2", "ratios=[0.5, 2]"]).config
    assert build(config) == Rare(Fraction(1, 3), deque([1, 2]), [Fraction(1, 2), Fraction(2)])
    assert Config.from_json(config.to_json()) == config
    assert "expected fraction" in told(problem("ratio=1/0", config=Config(Rare)))


# ---- references and sweeps stay in the tree


def test_references_stay_in_the_tree():
    config = after("opt.lr=${model.dropout}", "model.act=run-${steps}")
    assert config.opt.lr == Reference(("", "model.dropout", ""))
    assert config.model.act == Reference(("run-", "steps", ""))
    assert "has the value of ${model}" in told(
        problem("anything.x=1", config=base(anything=Reference.parse("${model}")))
    )


def test_sweeps_stay_in_the_tree():
    config = after("opt.lr=1e-3,1e-4", "model.act=a,b", "steps=choice(1,2)")
    assert config.opt.lr == Sweep((1e-3, 1e-4))
    assert config.model.act == "a,b"
    assert config.steps == Sweep((1, 2))


def test_an_item_below_a_sweep_applies_where_it_fits():
    config = after("opt=adam,adamw", "opt.wd=3")
    assert [point.__nrun_target__ for point in config.opt.points] == [Adam, AdamW]
    assert config.opt.points[1].wd == 3
    assert "matches nothing" in told(problem("opt=adam,adamw", "opt.nothing=3"))


# ---- including


ALLOWING = attrs.evolve(READING, allowed=lambda symbol: symbol.startswith(f"{__name__}:"))


def included(data, reading=READING):
    """A file with this in it, all on one line."""
    return Section(TypedReader(document_reader.Source.of(Document(data), TextFile("base", ["..."])), reading), ())


def test_an_include_goes_into_the_nodes_that_are_there():
    files = {("base.yaml", ""): {"model": {"layers": 7, "embed": {"dim": 3}}, "tags": ["a"], "steps": 4}}
    context = Context(READING, load=lambda *name: included(files[name]))
    config = after("@base.yaml", "steps=5", context=context)
    assert config.model == Config(Model, layers=7, embed=Config(Embed, dim=3))
    assert (config.tags, config.steps, config.opt.lr) == (["a"], 5, 0.1)


def test_an_include_at_a_path_replaces_what_is_there():
    context = Context(
        READING,
        load=lambda file, section: included({"dropout": 0.5} if (file, section) == ("m.yaml", "big") else 0),
    )
    assert after("model=@m.yaml:big", context=context).model == Config(Model, dropout=0.5)


def test_a_tree_can_be_included():
    context = Context(READING, load=lambda *_: included(to_data(base(steps=99), share=True), ALLOWING))
    assert after("@base.json", context=context, config=Config(train)) == base(steps=99)


def test_all_that_is_wrong_in_an_include_is_told():
    context = Context(READING, load=lambda *_: included({"modle": 1, "model": {"layers": "x", "act": "y"}}))
    assert [found.path for found in problems("@base.yaml", context=context)] == ["modle", "model.layers"]
    assert "mapping" in told(problem("@base.yaml", context=Context(READING, load=lambda *_: included(3))))


def test_without_a_format_nothing_can_be_included():
    assert "no format is known" in told(problem("model=@m.yaml"))


# ---- defaults


def test_defaults_are_never_changed():
    for _ in range(2):
        assert after("tags+=a", "env.k=1", "model.blocks[+]={}", config=base()).tags == ["a"]
    assert train.__defaults__[1:3] == ([], {})
    assert Model().blocks == []


# ---- problems


def test_all_problems_come_in_one_report_with_the_nearest_names():
    found = problems(
        "optim.lr=1",
        "layers=2",
        "model.layrs=3",
        "model.layers=x",
        "opt=adm",
        "opt=adam(lrr=1)",
        "color=BLEU",
        "model.layers.x=1",
        "--dryrum",
    )
    words = [told(one) for one in found]
    expected = ["opt", "model.layers", "layers", "expected int", "adam", "lr", "BLUE", "no parts", "--help"]
    assert len(words) == len(expected)
    assert all(word in text for word, text in zip(expected, words, strict=True))


def test_a_problem_points_at_the_step():
    found = problem("model.layrs=3")
    assert (found.where.text[found.where.start : found.where.end]) == "layrs"
    assert found.where.label == "item 1"
    assert problem(Source("argv[7]", "model.layers=x")).where.start == len("model.layers=")


@pytest.mark.parametrize("text", ["--dryrum", "--epochs=5", "", "a b=1", "f(n=2)", "steps"])
def test_text_that_is_no_item_is_a_problem(text):
    assert problem(text).where.text == text


def test_a_broken_factory_keeps_its_traceback():
    with pytest.raises(OSError, match="no disk"):
        after("opt=broken", context=Context(Reading(factories=Factories().register(broken))))


def test_a_partial_is_changed_as_a_config_is():
    assert after("lr=2", config=Partial(Adam)) == Partial(Adam, lr=2.0)


def test_a_deep_tree_is_no_trouble():
    config = Config(dict)
    node = config
    for _ in range(2000):
        node["x"] = Config(dict)
        node = node["x"]
    node["lr"] = 1
    applied = apply(config, ["...lr=2"], CONTEXT)
    assert len(applied.paths[0]) == 2001


# ---- laws


_texts = st.text(alphabet="modelayrsptgk.=+-*/!~@%[]0123 {}()',\"$", max_size=25)
_paths = st.sampled_from(
    ["model", "model.layers", "opt", "opt.lr", "tags", "tags[0]", "env", "env.a", "ids", "...lr", "steps"]
)
_ops = st.sampled_from(["=", "?=", "+=", "-=", "*=", "/=", "//=", "**=", "|=", "&=", "@=", "!"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_texts, st.builds("{}{}{}".format, _paths, _ops, st.text(max_size=8))), max_size=3))
def test_any_text_gives_a_tree_or_a_config_error(items):
    config = base(env={"a": 1}, tags=["x"])
    try:
        applied = apply(config, items, CONTEXT)
    except ConfigError:
        pass
    else:
        assert isinstance(applied.config, Config)
    assert config == base(env={"a": 1}, tags=["x"])


_BUILDING_ON = [
    "steps+=1",
    "tags+=a",
    "env+={k: 1}",
    "opt.lr*=2",
    "model.embed.dim+=3",
    "ids+=1",
    "sizes[+0]=4",
    "...dim+=1",
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(_BUILDING_ON), unique=True))
def test_applying_the_same_items_twice_gives_the_same(items):
    config = base(callbacks=[], anything=Config(Embed))
    once, again = apply(config, items, CONTEXT), apply(config, items, CONTEXT)
    assert (once.config, once.notes, once.changed) == (again.config, again.notes, again.changed)
    assert apply(config, once.changed, CONTEXT).config == once.config


@given(st.sampled_from(["model.layers", "model.dropout", "opt.betas", "callbacks", "by_number"]), st.data())
def test_an_unknown_name_is_a_problem_that_names_the_nearest(path, data):
    *before, name = path.split(".")
    at = data.draw(st.integers(0, len(name)))
    mistyped = name[:at] + data.draw(st.sampled_from("qzj")) + name[at:]
    found = problem(".".join([*before, mistyped]) + "=1")
    assert f"did you mean {name}?" in found.hints


def test_a_tag_that_was_set_on_a_node_is_found():
    config = base()
    set_tags(config.opt, frozenset({("lr", "tuned")}))
    assert after("...%tuned=0.5", config=config).opt.lr == 0.5
    assert problem("...%other=0.5", config=config)
