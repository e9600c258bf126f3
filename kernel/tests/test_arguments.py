from __future__ import annotations

import copy
import inspect

import attrs
import pytest

from nrun import ConfigError, Executor, Launcher, Packager, Script
from nrun.model import Place


@attrs.frozen(kw_only=True)
class Cluster(Executor):
    nodes: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    account: str

    def place(self) -> Place:
        return Place("cluster")


class BigCluster(Cluster):
    """Not an attrs class."""


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
        (lambda: Packager(ref="HEAD"), "Packager takes no argument 'ref'; it takes: none"),
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
