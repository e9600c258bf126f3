"""nrun leaves the process it is imported into as it was: nothing that other code relies on changes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((*ROOT.glob("kernel/src"), *ROOT.glob("plugins/*/src")))
MODULES = sorted(
    ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
    for source in SOURCES
    for path in source.rglob("*.py")
    if path.name not in {"__main__.py", "worker.py", "worker_forms.py", "worker_task.py"}  # programs of their own
)

STATE = """
import asyncio, faulthandler, gc, json, locale, logging, os, random, signal, sys, threading, warnings

# What other distributions do when they are imported is theirs: rich draws a random number.
import attrs, click, pluggy, rich.live, yaml


def state():
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    return {
        "yaml": yaml.safe_dump({"a": [1.5, None, "on", {"b": "x"}]}),
        "yaml tables": [sorted(map(repr, table)) for one in (yaml.SafeDumper, yaml.SafeLoader, yaml.CSafeLoader)
            for table in (getattr(one, name, {}) for name in
                ("yaml_representers", "yaml_multi_representers", "yaml_constructors", "yaml_implicit_resolvers"))],
        "logging": [(one.name, one.level, one.disabled, one.propagate, list(map(repr, one.handlers)))
            for one in loggers if one is logging.root or one.level or one.handlers or one.disabled],
        "records": [repr(logging.getLogRecordFactory()), repr(logging.getLoggerClass()), logging.root.manager.disable],
        "warnings": (list(map(repr, warnings.filters)), repr(warnings.showwarning)),
        "hooks": [repr(hook) for hook in (sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook,
            sys.breakpointhook, sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile())],
        "streams": [repr(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "signals": [repr(signal.getsignal(one)) for one in sorted(signal.valid_signals())],
        "fatal errors": faulthandler.is_enabled(),
        "locale": [locale.setlocale(one) for one in (locale.LC_CTYPE, locale.LC_NUMERIC, locale.LC_TIME)],
        "gc": (gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.get_freeze_count(), len(gc.callbacks)),
        "limits": (sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits()),
        "imports": [list(map(repr, one)) for one in (sys.path, sys.meta_path, sys.path_hooks)],
        "process": (os.getcwd(), dict(os.environ), os.umask(os.umask(0o77)), sys.argv, threading.active_count()),
        "asyncio": repr(asyncio.get_event_loop_policy()),
        "random": hash(random.getstate()),
    }
"""

USE = """
import importlib, tempfile

import nrun
[getattr(nrun, name) for name in nrun.__all__]
for module in {modules}:
    importlib.import_module(module)

config = nrun.Config(dict, a=1, b=nrun.Config(dict, c=[1, 2.5, "x"]))
config.b.d = nrun.Partial(print, "x")
copy = nrun.Config.from_json(config.to_json())
assert copy == config and repr(copy)
from nrun.config.identity import content_id
content_id(config)
nrun.build(nrun.Config(dict, a=nrun.Config(dict)))
from nrun_language_overrides.overrides import apply
assert apply(config, ["a=2", "b.c+=[3]"]).config.b.c == [1, 2.5, "x", 3]
for found in nrun.plugins.installed().formats:
    form = found.spec.format()()
    assert form.read(form.write({{"a": [1, 2]}}, comments={{}})).data == {{"a": [1, 2]}}
"""


@pytest.fixture(scope="module")
def states():
    """What a process is like before everything of nrun is imported and used, and after."""
    program = STATE + "before = state()\n" + USE.format(modules=MODULES) + "print(json.dumps([before, state()]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_and_using_nrun_changes_nothing_for_other_code(states):
    before, after = states
    assert len(MODULES) > 100
    assert before == after


def test_the_state_that_is_looked_at_does_change_when_it_is_meddled_with():
    meddle = """
before = state()
import logging, signal, warnings
logging.getLogger("x").addHandler(logging.NullHandler()); warnings.simplefilter("ignore"); sys.excepthook = print
yaml.SafeDumper.add_representer(complex, print); signal.signal(signal.SIGTERM, signal.SIG_IGN); gc.disable()
sys.settrace(lambda *_: None)
after = state()
print(json.dumps(sorted(name for name in before if json.dumps(before[name]) != json.dumps(after[name]))))
"""
    done = subprocess.run(
        [sys.executable, "-c", STATE + meddle], capture_output=True, text=True, timeout=60, check=True
    )
    changed = json.loads(done.stdout.splitlines()[-1])
    assert changed == ["gc", "hooks", "logging", "signals", "warnings", "yaml tables"]
