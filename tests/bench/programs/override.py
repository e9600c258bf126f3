"""Measure one override, applied to a small tree beyond what copying the tree takes: prints CPU seconds as JSON."""

import copy
import json
import statistics

from configure import cpu_s
from tree import tree

from nrun.config import Config
from nrun_language_overrides.overrides import apply

ITEMS = ["v=7", "lr=3e-4", "name=other", "c0.v=8", "c0.lr=1e-3", "c1.name=one", "c2.v+=1", "c3.lr*=2"]
ROOT = tree(Config, 11)

if __name__ == "__main__":
    alone, several = [], []
    for _ in range(3):
        copied = cpu_s(lambda: copy.deepcopy(ROOT))
        alone.append(cpu_s(lambda: apply(ROOT, ITEMS[:1])) - copied)
        several.append((cpu_s(lambda: apply(ROOT, ITEMS)) - copied) / len(ITEMS))
    print(json.dumps({"alone": statistics.median(alone), "of eight": statistics.median(several)}))
