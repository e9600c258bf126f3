"""One function with many arguments, two at a time, and the best of what came back.

Run it with `nrun run docs/examples/sweep.py`.
"""

import nrun as run


def train(learning_rate: float) -> float:
    """Stands for a training; gives a loss that is smallest at 0.01."""
    return abs(learning_rate - 0.01)


if __name__ == "__main__":
    rates = [0.1, 0.03, 0.01, 0.003]
    with run.Experiment("sweep", executor=run.LocalExecutor(max_parallel=2)) as exp:
        jobs = {exp.add(run.Partial(train, learning_rate=rate), name=f"lr-{rate}"): rate for rate in rates}
        exp.run()
        losses = {rate: exp.jobs[name].result() for name, rate in jobs.items()}
        print("best learning rate:", min(losses, key=losses.__getitem__))
