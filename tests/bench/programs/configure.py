"""Measure steps on a tree: `python configure.py LIBRARY NODES STEP...` prints the CPU seconds of each as JSON."""

import copy
import json
import sys
import time

from tree import tree

AT_LEAST_S = 0.2


def cpu_s(step):
    """The mean over as many turns as take a while, after one that fills the caches."""
    step()
    turns, start = 0, time.process_time()
    while (passed := time.process_time() - start) < AT_LEAST_S:
        step()
        turns += 1
    return passed / turns


def nrun_steps(nodes):
    from nrun.config import Config, build
    from nrun.config.identity import content_id

    root = tree(Config, nodes)
    other = tree(Config, nodes)
    assert root == other
    assert Config.from_json(root.to_json()) == root
    return {
        "construct": lambda: tree(Config, nodes),
        "build": lambda: build(root),
        "deepcopy": lambda: copy.deepcopy(root),
        "json": lambda: Config.from_json(root.to_json()),
        "equal": lambda: root == other,
        "content_id": lambda: content_id(root),
    }


def fiddle_steps(nodes):
    import fiddle
    from fiddle.experimental.serialization import dump_json, load_json

    root = tree(fiddle.Config, nodes)
    return {
        "construct": lambda: tree(fiddle.Config, nodes),
        "build": lambda: fiddle.build(root),
        "deepcopy": lambda: copy.deepcopy(root),
        "json": lambda: load_json(dump_json(root)),
    }


def yaml_steps(nodes):
    import yaml

    from nrun.config import Config
    from nrun.config.codec import encode
    from nrun_config_yaml.format import YamlFormat

    text = YamlFormat().write(encode(tree(Config, nodes)), comments={})
    return {
        "read": lambda: YamlFormat().read(text),
        "compose": lambda: yaml.compose(text, Loader=yaml.CSafeLoader),
    }


LIBRARIES = {"nrun": nrun_steps, "fiddle": fiddle_steps, "yaml": yaml_steps}

if __name__ == "__main__":
    library, nodes, *names = sys.argv[1:]
    steps = LIBRARIES[library](int(nodes))
    print(json.dumps({name: cpu_s(steps[name]) for name in names or steps}))
