from __future__ import annotations

import copy
import dataclasses
import inspect

import attrs
import pytest

from nrun import Config, ConfigError, Executor, Launcher, Packager, Partial, Plugin, Script, build
from nrun.model import Place


@attrs.frozen(kw_only=True)
class Cluster(Executor):
    nodes: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    account: str

    def place(self) -> Place:
        return Place("cluster")


class BigCluster(Cluster):
    """Adds no field."""


class Plain(Cluster):
    """Written as a plain class, as all of these may be."""

    nodes: int = 4
    queue: str = "long"
    tags: list[str] = []  # noqa: RUF012 - made a field's default


class Plainer(Plain):
    """A subclass is one too; what it is made from is complete."""

    comment: str


@dataclasses.dataclass(kw_only=True)
class Written(Cluster):
    """As users of NeMo Run write them."""

    queue: str = "long"
    tags: list[str] = dataclasses.field(default_factory=list)
    whole: str = dataclasses.field(init=False)

    def __post_init__(self):
        self.whole = f"{self.account}/{self.queue}"


@dataclasses.dataclass(frozen=True)
class Strict(Cluster):
    queue: str = "long"

    def __repr__(self):
        return f"<{self.queue}>"


@attrs.define(kw_only=True)
class Defined(Plain):
    comment: str = ""


class Team(Plugin):
    name: str = "speech"

    def setup(self, task, executor):
        return task, executor.clone(env_vars={**executor.env_vars, "TEAM": self.name})


@attrs.frozen(init=False)
class OldCluster(Executor):
    """Has an `__init__` of its own, as some are used to."""

    def __init__(self, node_count: int, **others: object) -> None:
        self.__attrs_init__(max_parallel=node_count, **others)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Executor(retrys=1), r"Executor takes no argument 'retrys'; it takes: .* Did you mean 'retries'\?"),
        (lambda: Cluster(account="a", nodez=2), r"Cluster takes no argument 'nodez'.* Did you mean 'nodes'\?"),
        (lambda: BigCluster(account="a", nodez=2), r"BigCluster takes no argument 'nodez'"),
        (lambda: attrs.evolve(Cluster(account="a"), nodez=2), "Cluster takes no argument 'nodez'"),
        (lambda: Script(paht="train.sh"), r"Script takes no argument 'paht'.* Did you mean 'path'\?"),
        (lambda: Packager(ref="HEAD"), "Packager takes no argument 'ref'; it takes: max_size, start"),
        (lambda: Launcher(nproc=2), "Launcher takes no argument 'nproc'; it takes: none"),
    ],
)
def test_an_unknown_keyword_is_named_with_what_was_probably_meant(make, message):
    with pytest.raises(ConfigError, match=message) as caught:
        make()
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("make", "message", "kind"),
    [
        (lambda: Cluster(account="a", nodes=0), "Cluster: 'nodes' must be >= 1: 0", ValueError),
        (lambda: Cluster(account="a", retries="2"), "Cluster: 'retries' must be a number, or .*: '2'", ValueError),
        (lambda: Cluster(account="a", launcher="mpi"), r"Cluster: launcher .* such as run.Mpi\(\), not", ValueError),
        (lambda: Cluster(account="a", packager="git"), "Cluster: 'packager' must be .*Packager", TypeError),
        (lambda: Executor(timeout_s=float("nan")), "Executor: 'timeout_s' must be > 0: nan", ValueError),
    ],
)
def test_a_value_that_is_refused_is_told_with_the_class(make, message, kind):
    with pytest.raises(ConfigError, match=message) as caught:
        make()
    assert isinstance(caught.value, kind)


def test_what_python_says_well_is_left_to_it():
    with pytest.raises(TypeError, match="account"):
        Cluster()
    with pytest.raises(TypeError, match="positional"):
        Cluster("a")


def test_a_class_with_a_constructor_of_its_own_is_judged_by_that():
    assert OldCluster(node_count=3, retries=1).max_parallel == 3
    with pytest.raises(TypeError, match="node_count"):
        OldCluster(retries=1)


def test_the_classes_stay_what_attrs_makes_of_them():
    cluster = Cluster(account="a", nodes=2)
    assert copy.deepcopy(cluster) == attrs.evolve(cluster) == cluster
    assert list(inspect.signature(Cluster).parameters)[-2:] == ["nodes", "account"]
    assert not hasattr(cluster, "__dict__")


# ---- classes that nobody decorated


@pytest.mark.parametrize(
    ("one", "fields"),
    [
        (Plain(account="a"), {"nodes": 4, "queue": "long", "tags": []}),
        (Plainer(account="a", comment="c", retries=2), {"nodes": 4, "queue": "long", "comment": "c", "retries": 2}),
        (Written(account="a", queue="q"), {"nodes": 1, "queue": "q", "tags": [], "whole": "a/q"}),
        (Strict(account="a", queue="q", nodes=3), {"nodes": 3, "queue": "q"}),
        (Defined(account="a", comment="c"), {"nodes": 4, "queue": "long", "tags": [], "comment": "c"}),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_subclass_is_data_however_it_is_written(one, fields):
    assert {name: getattr(one, name) for name in fields} == fields
    assert copy.deepcopy(one) == copy.copy(one) == attrs.evolve(one) == one
    assert one.clone(nodes=7).nodes == 7
    assert one.clone(nodes=7) != one
    assert one.place() == Place("cluster")
    with pytest.raises(ConfigError, match="takes no argument 'queu'"):
        type(one)(account="a", queu="q")


@pytest.mark.parametrize("kind", [Plain, Written])
def test_a_default_that_can_be_edited_is_made_for_each_instance(kind):
    kind(account="a").tags.append("x")
    assert kind(account="a").tags == []
    assert Config(kind).tags == []


def test_what_a_class_defines_itself_is_kept():
    assert repr(Strict(account="a", queue="q")) == "<q>"
    assert repr(Written(account="a")).endswith("queue='long', tags=[], whole='a/long')")


def test_a_plain_class_is_configured_before_it_was_ever_made():
    class Fresh(Plain):
        later: int = 1

    Fresh.__qualname__ = "Fresh"
    assert "later" in dir(Config(Fresh))
    assert build(Config(Plainer, account="a", comment="c")) == Plainer(account="a", comment="c")
    with pytest.raises(ConfigError, match="no argument 'laterr'"):
        Config(Fresh, laterr=2)


def test_a_plain_plugin_changes_the_executor_of_a_job():
    _, executor = Team(name="vision").setup(Partial(print), Cluster(account="a"))
    assert executor.env_vars == {"TEAM": "vision"}


def test_a_constructor_of_its_own_is_refused_with_what_to_write():
    class Made(Plugin):
        def __init__(self, name):
            self.name = name

    with pytest.raises(ConfigError, match="Made has an __init__") as caught:
        Made("x")
    assert "annotate its fields" in str(caught.value)


@pytest.mark.parametrize(
    "one",
    [
        Cluster(account="a"),
        Plain(account="a"),
        Written(account="a"),
        Defined(account="a"),
        Script("a.sh", args=[]),
    ],
)
def test_what_is_frozen_tells_how_to_make_another(one):
    before = copy.deepcopy(one)
    (name, *_) = [field.name for field in attrs.fields(type(one))]
    with pytest.raises(ConfigError, match=rf"x\.clone\({name}='mpi'\)"):
        setattr(one, name, "mpi")
    with pytest.raises(ConfigError, match="typo cannot be set"):
        one.typo = 1
    with pytest.raises(ConfigError, match="cannot be deleted"):
        delattr(one, name)
    assert one == before
