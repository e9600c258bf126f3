"""A task whose model and optimiser are made by factories, changed from the command line.

python task.py --help
python task.py
python task.py model.hidden_size=512 optimizer.learning_rate=0.01 epochs=20
python task.py "model=my_model(hidden_size=1024, activation='tanh')" "optimizer=my_optimizer(learning_rate=0.005)"
python task.py "model=my_model(hidden_size=1024)" model.num_layers=5 optimizer.weight_decay=1e-4
python task.py "model.hidden_size*=2" optimizer.learning_rate/=10 batch_size+=16
python task.py optimizer.betas=0.9,0.99
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
    """A small network. Written as if it made one; autoconvert makes it describe one."""
    return Model(hidden_size=hidden_size, num_layers=num_layers, activation=activation)


@run.cli.factory
def my_optimizer(
    learning_rate: float = 0.001, weight_decay: float = 1e-5, betas: List[float] = [0.9, 0.999]
) -> run.Config[Optimizer]:
    """An optimiser, described by hand."""
    return run.Config(Optimizer, learning_rate=learning_rate, weight_decay=weight_decay, betas=betas)


@run.cli.entrypoint
def train_model(
    model: Model = my_model(), optimizer: Optimizer = my_optimizer(), epochs: int = 10, batch_size: int = 32
):
    """Pretend to train a model.

    Args:
        model: What is trained.
        optimizer: How it is trained.
        epochs: How often the data is seen.
        batch_size: How many samples make a step.
    """
    print(f"{model} by {optimizer}, {batch_size} samples at a time")
    for epoch in range(1, epochs + 1):
        print(f"epoch {epoch} of {epochs}")
    return {"parameters": model.hidden_size**2 * model.num_layers, "samples": epochs * batch_size}


if __name__ == "__main__":
    run.cli.main(train_model)
