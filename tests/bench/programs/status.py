"""Look at an experiment as another process does: `python status.py ID`."""

import sys

import nrun as run

if __name__ == "__main__":
    print(run.Experiment.from_id(sys.argv[1]).status().state.value)
