"""Sweeps that Python programs make."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

import nrun as run
from nrun.errors import ConfigError


@dataclasses.dataclass
class Model:
    layers: int = 2


def train(model: Model, lr: float = 0.1, wd: float = 0.0):
    """Train."""


def task():
    return run.Partial(train, model=run.Config(Model))


def test_a_grid_is_every_combination_in_the_order_written():
    config = task()
    points = run.grid(config, {"model.layers": [1, 2], "lr": (0.1, 0.2)})
    assert [point.overrides for point in points] == [
        *(("model.layers=1", "lr=0.1"), ("model.layers=1", "lr=0.2")),
        *(("model.layers=2", "lr=0.1"), ("model.layers=2", "lr=0.2")),
    ]
    assert points[2].config == run.Partial(train, model=run.Config(Model, 2), lr=0.1)
    assert config == task()


def test_paths_of_a_grid_may_vary_together():
    points = run.grid(task(), {"lr": [0.1, 0.2], "wd": [1.0, 2.0]}, zipped=[("lr", "wd")])
    assert [point.overrides for point in points] == [("lr=0.1", "wd=1.0"), ("lr=0.2", "wd=2.0")]


def test_one_point_of_a_huge_grid_is_made_alone():
    points = run.grid(task(), dict.fromkeys(["model.layers", "lr", "wd"], range(10_000)))
    assert points[10**12 - 1].overrides == ("model.layers=9999", "lr=9999", "wd=9999")


def test_a_sample_is_the_same_for_a_seed_whatever_is_asked_for_first():
    axes = {"model.layers": [1, 2, 3], "lr": lambda draw: 10 ** draw.uniform(-5, -1)}
    points = run.sample(task(), axes, 20, seed=7)
    assert points[13].config == run.sample(task(), axes, 50, seed=7)[13].config
    assert points[-1].config == points[19].config
    assert {point.config.model.layers for point in points} == {1, 2, 3}
    assert len({point.config.lr for point in points}) == 20
    assert all(1e-5 <= point.config.lr <= 0.1 for point in points)
    assert [point.config for point in run.sample(task(), axes, 20, seed=8)] != [point.config for point in points]
    assert str(run.explain(points[3].config, "lr").trail[0][0]) == "sweep   4/20"


def test_a_sample_is_the_same_in_any_process():
    program = (
        "import json, nrun as run\n"
        "points = run.sample(run.Config(dict, a=0), {'a': list(range(1000))}, 5, seed=1)\n"
        "print(json.dumps([point.config.a for point in points]))"
    )
    outputs = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in "ab"}
    (output,) = outputs
    assert len(set(json.loads(output))) > 1


@pytest.mark.parametrize(
    ("axes", "told"),
    [({"lrr": [1]}, "lrr"), ({"lr": []}, "no values for lr"), ({"lr": ["x"]}, "lr"), ({"=": [1]}, "not a path")],
)
@pytest.mark.parametrize(
    "make", [run.grid, lambda config, axes: run.sample(config, axes, 1)[0]], ids=["grid", "sample"]
)
def test_what_does_not_fit_is_refused(make, axes, told):
    with pytest.raises(ConfigError, match=told):
        make(task(), axes)
