"""Leave COUNT jobs of KIND behind on a cluster: `python cluster.py KIND COUNT CONFIG HOST JOB_DIR`."""

import sys

import nrun as run

if __name__ == "__main__":
    kind, count, config, host, job_dir = sys.argv[1:]
    tunnel = run.SSHTunnel(host=host, config=config, job_dir=job_dir)
    with run.Experiment("bench") as exp:
        for number in range(int(count)):
            own = {"comment": str(number)} if kind == "each" else {"additional_parameters": {"hold": True}}
            executor = run.SlurmExecutor(tunnel=tunnel, time="5", mem="10", **own)
            exp.add(run.Script(inline=":", entrypoint="sh"), executor, name=f"job-{number}")
        exp.run(detach=True)
