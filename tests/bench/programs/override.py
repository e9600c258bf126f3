"""Measure one override, applied to a small tree beyond what copying the tree takes: prints CPU seconds as JSON."""

import copy
import json

from configure import cpu_s
from tree import tree

from nrun.config import Config
from nrun_language_overrides.overrides import apply

ITEMS = ["v=7", "lr=3e-4", "name=other", "c0.v=8", "c0.lr=1e-3", "c1.name=one", "c2.v+=1", "c3.lr*=2"]
ROOT = tree(Config, 11)

if __name__ == "__main__":
    copied = cpu_s(lambda: copy.deepcopy(ROOT))
    alone = cpu_s(lambda: apply(ROOT, ITEMS[:1])) - copied
    several = cpu_s(lambda: apply(ROOT, ITEMS)) - copied
    print(json.dumps({"alone": alone, "of eight": several / len(ITEMS)}))
