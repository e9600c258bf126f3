"""`worker.py` as jobs run it: a process of any Python that is at hand, with nothing installed."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import nrun
from nrun import Config, Partial, build
from nrun.config.node import Fresh
from nrun.planning import Surroundings, task_json
from nrun_testing.interpreters import interpreters

SOURCES = Path(nrun.__file__).parent

# What tasks call. It runs on every interpreter, and here, to see that both build the same.
TARGETS = '''
import dataclasses, datetime, decimal, enum, functools, pathlib, sys, uuid

class Color(enum.Enum):
    RED = "r"

@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0

class Holder:
    class Inner:
        def __init__(self, x): self.x = x
        @staticmethod
        def make(x): return ["made", x]

def shape(value):
    """A value as JSON that tells types apart and does not depend on the version of Python."""
    kind = type(value).__name__
    if isinstance(value, functools.partial):
        return [kind, value.func.__name__, shape(value.args), shape(value.keywords)]
    if isinstance(value, (list, tuple)):
        return [kind, [shape(item) for item in value]]
    if isinstance(value, (set, frozenset)):
        return [kind, sorted(str(shape(item)) for item in value)]
    if isinstance(value, dict):
        return [kind, [[shape(key), shape(item)] for key, item in value.items()]]
    if isinstance(value, (Point, Holder.Inner)):
        return [kind, shape(vars(value))]
    if callable(value):
        return ["callable", value.__module__, value.__qualname__]
    return [kind, ascii(str(value))]

def each(values):
    return [shape(value) for value in values]

def everything(a, b=2, /, c=3, *args, d, e=5, **rest):
    return shape([a, b, c, args, d, e, rest])

def named_first(a, b=2, *args):
    return shape([a, b, args])

def same(a, b):
    return a is b

def give(value):
    return value

def fail(text):
    raise LookupError(text)

def leave(code):
    sys.exit(code)

class Counted:
    made = 0
    def __init__(self, inner=None):
        Counted.made += 1
        self.number, self.inner = Counted.made, inner

def numbers(*args, plain=None, **items):
    """Which of the things that were made is where; those in a list share it."""
    tell = lambda value: [value.number, value.inner and value.inner.number]
    return [tell(args[0]), tell(items["x"]), [tell(value) for value in items["xs"][0]["k"]], plain]

def calls(function):
    return [function(), function(), function(x=Counted())]

def nest(a, b=None):
    return [a]

def versions():
    return [sys.version_info[1], sorted(set(sys.modules) & {"nrun", "attr", "json", "inspect", "site"})]
'''


@pytest.fixture(params=interpreters(), ids=lambda path: re.sub(r".*?(3\.\d+).*", r"\1", path))
def python(request):
    return request.param


class Job:
    """A folder as jobs find it: the worker above, the task in the attempt."""

    def __init__(self, folder):
        self.folder = folder
        self.attempt = folder / "jobs" / "j" / "attempt-1"
        self.attempt.mkdir(parents=True)
        for name in ("worker.py", "worker_task.py", "worker_forms.py"):
            shutil.copy(SOURCES / name, folder)

    def write(self, name, source):
        (self.folder / name).write_text(textwrap.dedent(source), "utf-8")
        return self.folder / name

    def run(self, task, python=sys.executable, *, options=("-S", "-E"), main=None):
        surroundings = Surroundings(cwd=str(self.folder), path=(str(self.folder),), main=main and str(main))
        (self.attempt / "task.json").write_text(task_json(task, surroundings), "utf-8")
        words = [python, *options, str(self.folder / "worker.py"), str(self.attempt / "task.json")]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd="/")

    def result(self):
        return json.loads((self.attempt / "result.json").read_text("utf-8"))


@pytest.fixture
def job(tmp_path):
    job = Job(tmp_path)
    job.write("nrun_worker_targets.py", TARGETS)
    return job


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    """The same targets here, under the name by which the job imports them."""
    path = tmp_path_factory.mktemp("targets") / "nrun_worker_targets.py"
    path.write_text(TARGETS, "utf-8")
    spec = importlib.util.spec_from_file_location("nrun_worker_targets", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def every_form(targets):
    import datetime
    import decimal
    import uuid

    shared = Config(targets.give, {"x": [1]})
    zone = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
    return [
        *(None, True, 0, -1, 10**30, 0.1, 1e300, -0.0, float("inf"), float("-inf"), float("nan"), 1 + 2j),
        *("", "é ☃ 😀 \x00\x1f\x7f\u2028", "\udcff\ud800", '"\\', "$ref", "__main__:x", b"\0\xff", b""),
        *([], [[]], (), (1, (2,)), {}, {"a": {"b": []}}, {"$config": 1, "": 2}, {1: "one", (1, 2): "two", None: 0}),
        *({1, 2}, {"a"}, frozenset({(1, "x")}), Path("/a b/é"), Path(), Path("~/x"), {Path("~")}),
        *(datetime.datetime.fromisoformat("2026-01-02T03:04:05.000678"), datetime.datetime(2026, 1, 2, tzinfo=zone)),
        *(datetime.date(1, 1, 1), datetime.time(23, 59, 59, 1), datetime.time(1, tzinfo=zone)),
        *(datetime.timedelta(days=-1, microseconds=1), decimal.Decimal("1.10"), uuid.UUID(int=5)),
        *(targets.Color.RED, targets.Color, targets.Point(1.5), targets.give, len, int, targets.Holder.Inner),
        *(Config(targets.Point, x=1), Partial(targets.same, 1), [shared, (shared, {"k": shared})]),
        *(Config(targets.Holder.Inner, x=2), Config(targets.Holder.Inner.make, 1)),
        *(Config(max, 3, 4), Config(dict, a=1), Config(targets.everything, 1, 2, 3, 4, d=5)),
    ]


def test_every_form_of_value_is_built_as_nrun_builds_it(job, targets, python):
    forms = every_form(targets)
    done = job.run(Config(targets.each, forms), python)
    assert (done.returncode, done.stderr) == (0, "")
    ours = build(Config(targets.each, forms))
    theirs = job.result()["value"]
    assert len(ours) == len(theirs) == len(forms)
    assert [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ([1], {"d": 4}),
        ([1, 2], {"c": 3, "d": 4}),
        ([1, 2, 3, 4, 5], {"d": 6, "z": 7}),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [Config, Partial])
def test_arguments_arrive_as_nrun_passes_them(job, targets, kind, arguments):
    args, kwargs = arguments
    task = kind(targets.everything, *args, **kwargs)
    assert job.run(task).returncode == 0
    assert job.result() == {"value": targets.everything(*args, **kwargs)}


def test_named_arguments_before_extra_positional_ones_are_passed_in_order(job, targets):
    assert job.run(Config(targets.named_first, 1, 2, 3, 4)).returncode == 0
    assert job.result() == {"value": targets.named_first(1, 2, 3, 4)}


def test_a_shared_node_is_built_once(job, targets):
    node = Config(targets.Point, x=1)
    assert job.run(Config(targets.same, node, b=node)).returncode == 0
    assert job.result() == {"value": True}


def fresh_task(targets):
    both = Fresh(targets.Counted, inner=Config(targets.Counted))
    xs = [{"k": (both, Fresh(targets.Counted, inner=Fresh(targets.Counted)))}]
    return Partial(targets.numbers, both, x=Fresh(targets.Counted), xs=xs, plain=[1])


def test_what_is_fresh_is_made_at_each_call_as_nrun_makes_it(job, targets, python):
    done = job.run(Config(targets.calls, fresh_task(targets)), python)
    assert (done.returncode, done.stderr) == (0, "")
    targets.Counted.made = 0
    assert job.result()["value"] == build(Config(targets.calls, fresh_task(targets)))


def test_a_task_with_fresh_arguments_gets_them(job, targets):
    assert job.run(fresh_task(targets)).returncode == 0
    targets.Counted.made = 0
    assert job.result()["value"] == build(fresh_task(targets))()


def test_a_deep_task_with_sharing_is_built(job, targets, python):
    shared = Config(targets.Point, x=1)
    task = Config(targets.same, shared, b=shared)
    for _ in range(300):
        task = Config(targets.nest, task, b=shared)
    done = job.run(task, python)
    assert (done.returncode, done.stderr) == (0, "")
    assert job.result() == {"value": build(task)}


def test_it_runs_where_nothing_is_installed_and_imports_next_to_nothing(job, targets, python):
    done = job.run(Config(targets.versions), python, options=("-S", "-E", "-I"))
    assert (done.returncode, done.stderr) == (0, "")
    minor, modules = job.result()["value"]
    assert str(minor) in python or python == sys.executable
    assert not {"nrun", "attr", "site"} & set(modules)


@pytest.mark.parametrize("value", [None, 0, "é\ud800", [1, {"a": None}], 0.5])
def test_a_result_comes_back(job, targets, value):
    assert job.run(Config(targets.give, value)).returncode == 0
    assert job.result() == {"value": value}


@pytest.mark.parametrize("value", [{1, 2}, [b"x"]], ids=str)
def test_a_result_that_json_cannot_hold_is_described(job, targets, value):
    assert job.run(Config(targets.give, value)).returncode == 0
    assert set(job.result()["not_json"]) == {"type", "why"}
    assert job.result()["not_json"]["type"] == f"builtins.{type(value).__name__}"


def test_an_error_comes_back_with_the_lines_of_the_task_and_none_of_the_worker(job, targets, python):
    done = job.run(Config(targets.fail, "oh é"), python)
    assert done.returncode == 1
    error = job.result()["error"]
    assert (error["type"], error["message"]) == ("builtins.LookupError", "oh é")
    for text in (error["traceback"], done.stderr):
        assert "nrun_worker_targets.py" in text
        assert "raise LookupError(text)" in text
        assert "worker.py" not in text
        assert "worker_task.py" not in text
        assert "worker_forms.py" not in text


def test_an_error_while_a_value_is_built_shows_none_of_the_worker_either(job, targets):
    done = job.run(Config(targets.give, [Config(targets.fail, "deep")]))
    assert done.returncode == 1
    assert job.result()["error"]["message"] == "deep"
    assert "worker" not in done.stderr.replace("nrun_worker_targets", "")


def test_leaving_by_sys_exit_gives_its_code_and_no_result(job, targets):
    assert job.run(Config(targets.leave, 7)).returncode == 7
    assert not (job.attempt / "result.json").exists()


SHOP = """
import nrun
from nrun.config.migrations import argument_renamed, renamed

class Till:
    def __init__(self, drawers=1): self.drawers = drawers

def sell(amount, till=nrun.Config(Till, drawers=5), tills={"spare": [nrun.Config(Till)]}, *, last=nrun.Config(Till, 7)):
    return [amount, till.drawers, tills["spare"][0].drawers, last.drawers]

def nrun_migrations():
    names = {"vend": "sell", "X": "Till"}
    moved = [renamed("shop_of_tasks.old:" + old, "shop_of_tasks:" + new) for old, new in names.items()]
    return [*moved, argument_renamed("shop_of_tasks:sell", "n", "amount")]
"""


def by_name(target, *args, **kwargs):
    task = Config(f"shop_of_tasks{target}", **kwargs)
    for index, value in enumerate(args):
        task[index] = value
    return task


@pytest.mark.parametrize(
    ("task", "value"),
    [
        (by_name(":sell", amount=3), [3, 5, 1, 7]),
        (by_name(":sell", 3, by_name(":Till", drawers=2)), [3, 2, 1, 7]),
        (by_name(":sell", amount=3, till=by_name(".old:X"), last=by_name(":Till")), [3, 1, 1, 1]),
        (by_name(".old:vend", n=3), [3, 5, 1, 7]),
    ],
)
def test_a_task_that_is_only_named_is_called_as_its_package_describes_it_now(job, task, value):
    job.write("shop_of_tasks.py", SHOP)
    done = job.run(task, options=())
    assert (done.stderr, job.result()["value"]) == ("", value)


def test_a_module_that_is_missing_is_named(job):
    done = job.run(Config("no_such_module_xyz:f"))
    assert done.returncode == 1
    assert "No module named 'no_such_module_xyz'" in job.result()["error"]["message"]


def test_output_of_the_task_is_its_output(job):
    job.write("talks.py", "def talk():\n    import sys\n    print('out')\n    print('err', file=sys.stderr)\n")
    done = job.run(Config("talks:talk"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")


# ---- functions of the launching script

GUARDED = """
def work(x):
    return [x, __name__, __file__]

if __name__ == "__main__":
    raise SystemExit("loaded as the main script")
"""


def test_a_function_of_the_launching_script_is_found_and_its_main_guard_holds(job, python):
    script = job.write("launch.py", GUARDED)
    done = job.run(Config("__main__:work", x=1), python, main=script)
    assert (done.returncode, done.stderr) == (0, "")
    assert job.result()["value"] == [1, "__nrun_main__", str(script)]


LAUNCHING = """
import sys
sys.path.insert(0, {sources!r})
import nrun

def before(x):
    return x + 1

with nrun.Experiment("inner") as exp:
    print("launched again")

def after(x):
    return x
"""


def test_an_unguarded_launch_ends_the_loading_and_what_is_above_it_is_found(job):
    script = job.write("launch.py", LAUNCHING.format(sources=str(SOURCES.parent)))
    done = job.run(Config("__main__:before", x=1), main=script, options=())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert job.result() == {"value": 2}


def test_a_function_below_an_unguarded_launch_is_missed_with_what_to_do(job):
    script = job.write("launch.py", LAUNCHING.format(sources=str(SOURCES.parent)))
    done = job.run(Config("__main__:after", x=1), main=script, options=())
    assert done.returncode == 1
    message = job.result()["error"]["message"]
    assert message.startswith(f"after is not defined in {script} before it launches")
    assert "if __name__ == '__main__':" in message


def test_an_error_in_the_launching_script_is_shown_where_it_is(job):
    script = job.write("launch.py", "def work(): pass\n\n1 / 0\n")
    done = job.run(Config("__main__:work"), main=script)
    assert done.returncode == 1
    assert f'File "{script}", line 3' in job.result()["error"]["traceback"]


def test_the_launching_script_is_compiled_once_and_again_when_it_has_changed(job, monkeypatch):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    script = job.write("launch.py", "def work(): return 1\n")
    task, options = Config("__main__:work"), ("-S",)
    results = []
    for source in (None, None, "def work(): return 2\n", None):
        if source:
            script.write_text(source, "utf-8")
        assert job.run(task, main=script, options=options).returncode == 0
        results.append(job.result()["value"])
    (kept,) = job.folder.glob("main.*.bin")
    assert results == [1, 1, 2, 2]
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(kept.read_bytes()[:-20])  # whoever wrote it died
    assert job.run(task, main=script, options=options).returncode == 0
    assert not list(job.folder.rglob("*.tmp"))


@pytest.mark.parametrize(("name", "rank", "gives"), [("RANK", "0", True), ("RANK", "1", False), ("OTHER", "1", True)])
def test_of_processes_that_run_one_function_the_first_gives_the_result(job, monkeypatch, name, rank, gives):
    monkeypatch.setenv("NRUN_RANK_FROM", "RANK")
    monkeypatch.setenv(name, rank)
    done = job.run(Config("builtins:print", "ran"))
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert (job.attempt / "result.json").exists() == gives
