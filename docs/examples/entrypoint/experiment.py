"""An entrypoint that makes an experiment of its own: one job for each pair of a model and an optimiser.

python experiment.py
python experiment.py models[0].hidden_size=1024 optimizers[1].learning_rate=0.001
python experiment.py "models+=[my_model(hidden_size=2048)]" optimizers+=my_optimizer
python experiment.py run.executor=local_executor run.executor.retries=1
python experiment.py sequential=True
python experiment.py --dryrun
"""

from typing import Sequence

import nrun as run
from task import Model, Optimizer, my_model, my_optimizer, train_model


@run.cli.factory
@run.autoconvert
def local_executor() -> run.LocalExecutor:
    """This machine, two jobs at a time."""
    return run.LocalExecutor(max_parallel=2)


@run.cli.entrypoint(type="experiment")
def train_models_experiment(
    ctx: run.cli.RunContext,
    models: Sequence[Model] = (my_model(), my_model(hidden_size=512)),
    optimizers: Sequence[Optimizer] = (my_optimizer(), my_optimizer(learning_rate=0.01)),
    epochs: int = 10,
    batch_size: int = 32,
    sequential: bool = False,
):
    """Train several models, each with an optimiser of its own.

    Args:
        models: What is trained.
        optimizers: How; as many as models.
        epochs: How often the data is seen.
        batch_size: How many samples make a step.
        sequential: One after another, instead of side by side.
    """
    with run.Experiment("train_models_experiment") as exp:
        for number, (model, optimizer) in enumerate(zip(models, optimizers)):
            train = run.Partial(train_model, model=model, optimizer=optimizer, epochs=epochs, batch_size=batch_size)
            exp.add(train, executor=ctx.executor, name=f"train_model_{number}")
        ctx.launch(exp, sequential=sequential)


if __name__ == "__main__":
    run.cli.main(train_models_experiment)
