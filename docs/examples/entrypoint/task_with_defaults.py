"""A task whose starting point is a factory of its own: the items that are typed change what that gives.

python task_with_defaults.py
python task_with_defaults.py epochs=2 model.num_layers+=1
python task_with_defaults.py --factory small
"""

from dataclasses import dataclass
from typing import List

import nrun as run


@dataclass
class Model:
    """Stands for a network."""

    hidden_size: int
    num_layers: int
    activation: str


@dataclass
class Optimizer:
    """Stands for what moves the weights."""

    learning_rate: float
    weight_decay: float
    betas: List[float]


@run.cli.factory
@run.autoconvert
def my_model(hidden_size: int = 256, num_layers: int = 3, activation: str = "relu") -> Model:
    """A small network."""
    return Model(hidden_size=hidden_size, num_layers=num_layers, activation=activation)


@run.cli.factory
@run.autoconvert
def my_optimizer(
    learning_rate: float = 0.001, weight_decay: float = 1e-5, betas: List[float] = [0.9, 0.999]
) -> Optimizer:
    """An optimiser."""
    return Optimizer(learning_rate=learning_rate, weight_decay=weight_decay, betas=betas)


def train_model(model: Model, optimizer: Optimizer, epochs: int = 10, batch_size: int = 32):
    """Pretend to train a model."""
    print(f"{model} by {optimizer}, {batch_size} samples at a time")
    return {"hidden_size": model.hidden_size, "num_layers": model.num_layers, "samples": epochs * batch_size}


def custom_defaults() -> run.Partial["train_model"]:
    """What is run if nothing is typed."""
    return run.Partial(
        train_model,
        model=my_model(hidden_size=512),
        optimizer=my_optimizer(learning_rate=0.0005),
        epochs=50,
        batch_size=2048,
    )


@run.cli.factory(target=train_model)
def small() -> run.Partial[train_model]:
    """For a quick look."""
    return run.Partial(train_model, model=my_model(num_layers=1), optimizer=my_optimizer(), epochs=1)


if __name__ == "__main__":
    run.cli.main(train_model, default_factory=custom_defaults)
