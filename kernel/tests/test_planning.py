"""From experiment to scripts: names, dependencies, purity, and the exact text, run by a real shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nrun import Config, ConfigError, Container, Executor, Launcher, Partial, PlanError, Script, Secret
from nrun.model import Capabilities, JobPath, Launch, Place, Worker
from nrun.planning import (
    Job,
    Plan,
    Surroundings,
    check_name,
    dependencies_of,
    launch_files,
    launch_of,
    plan_experiment,
    task_json,
)
from nrun.plugins import Hooks, PluginHost
from nrun.protocols import check_container
from nrun.words import JobVariable, Joined
from nrun_testing.memory import MemoryBackend, MemoryExecutor

GOLDEN = Path(__file__).parent / "golden"
HERE = Surroundings(cwd="/data/my project", path=("/data/my project",), main="/data/my project/train.py")
SHELLS = {"sh": ["/bin/sh"]} | ({"bash as sh": ["bash", "--posix"]} if shutil.which("bash") else {})


@attrs.frozen(kw_only=True)
class PaperExecutor(Executor):
    """An executor that needs no backend: its jobs are only written down."""

    def place(self) -> Place:
        return Place("paper")


def job(name, *tasks, dependencies=(), executor=None):
    tasks = tasks or (Script(inline="true"),)
    return Job(
        name=name, tasks=tasks, executors=(executor or MemoryExecutor(),), dependencies=dependencies_of(dependencies)
    )


def plan(*jobs, backends=None, hooks=None):
    backends = backends or {each.executor.place(): MemoryBackend(each.executor.place()) for each in jobs}
    return plan_experiment("title", jobs, HERE, hooks or Hooks(PluginHost([], {})), backends)


def launch(*tasks, executor=None, name="train", title="title") -> Launch:
    one = job(name, *tasks, executor=executor or PaperExecutor())
    return launch_of(one, Plan(title=title, jobs=(one,), surroundings=HERE))


# ---- names


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty"),
        (".", "begins with a dot"),
        ("..", "begins with a dot"),
        (".x", "begins with a dot"),
        ("a/b", "contains a slash"),
        ("/", "contains a slash"),
        ("../../etc", "contains a slash"),
        ("a\0b", "NUL"),
        ("x" * 201, "is longer than 200 bytes"),
        ("é" * 101, "is longer than 200 bytes"),
        ("\ud800", "lone surrogate"),
        (7, "must be text, not int"),
        (None, "must be text, not NoneType"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_name_that_could_leave_its_folder_or_be_no_folder_is_refused(name, problem):
    with pytest.raises(PlanError, match=f"the title {problem}|the title contains .*{problem}"):
        check_name(name, "the title")


@pytest.mark.parametrize("name", ["a", "a b", "-rf", "$(x)", "`x`", "it's", 'q"q', "a\nb", "é☃", "x" * 200, "a.b", "*"])
def test_any_other_name_is_taken_as_it_is(name):
    assert check_name(name, "the title") == name


@given(st.text(max_size=30))
@settings(deadline=None)
def test_an_accepted_name_stays_in_its_folder(name):
    try:
        check_name(name, "the title")
    except PlanError:
        return
    assert os.path.normpath(f"/records/{name}") == f"/records/{name}"  # the text matters


# ---- dependencies


def test_jobs_keep_their_order_and_dependencies():
    made = plan(job("b"), job("a", dependencies=["b"]), job("c", dependencies=["a", "b"]))
    assert [(each.name, tuple(map(str, each.dependencies))) for each in made.jobs] == [
        ("b", ()),
        ("a", ("b",)),
        ("c", ("a", "b")),
    ]


def test_a_dependency_may_be_added_later():
    assert [each.name for each in plan(job("a", dependencies=["b"]), job("b")).jobs] == ["a", "b"]


def test_an_unknown_dependency_is_refused_with_the_nearest_name():
    with pytest.raises(PlanError, match=r"job 'eval' depends on 'trian', which is not in .* Did you mean 'train'\?"):
        plan(job("train"), job("eval", dependencies=["trian"]))


@pytest.mark.parametrize(
    ("edges", "path"),
    [
        ({"a": ["a"]}, "'a' → 'a'"),
        ({"a": ["b"], "b": ["a"]}, "'a' → 'b' → 'a'"),
        ({"x": ["a"], "a": ["b", "c"], "b": [], "c": ["d"], "d": ["a"]}, "'a' → 'c' → 'd' → 'a'"),
    ],
    ids=str,
)
def test_a_cycle_is_refused_with_its_path(edges, path):
    with pytest.raises(PlanError, match=f"wait for each other: {path}"):
        plan(*(job(name, dependencies=before) for name, before in edges.items()))


def test_a_diamond_is_no_cycle():
    plan(job("a"), job("b", dependencies=["a"]), job("c", dependencies=["a"]), job("d", dependencies=["b", "c"]))


def test_a_long_chain_is_planned_without_recursion():
    names = [str(number) for number in range(5000)]
    chain = [job(name, dependencies=[before]) for name, before in zip(names[1:], names, strict=False)]
    assert len(plan(job("0"), *chain).jobs) == 5000
    with pytest.raises(PlanError, match="wait for each other"):
        plan(job("0", dependencies=["4999"]), *chain)


def test_an_experiment_without_jobs_is_refused():
    with pytest.raises(PlanError, match="'title' has no jobs"):
        plan()


# ---- what a backend or a plugin refuses


class Humble(MemoryBackend):
    """A backend that cannot do everything, and says so."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(refuses={"groups": "it starts one process per job", "code": "it has no storage"})


def test_what_the_backend_refuses_is_refused_with_its_reason_for_every_job():
    place = MemoryExecutor().place()
    two = (Script(inline="a"), Script(inline="b"))
    with pytest.raises(PlanError) as caught:
        plan(job("one"), job("many", *two), job("more", *two), backends={place: Humble(place)})
    assert "job 'many' needs 'groups', which memory refuses: it starts one process per job" in str(caught.value)
    assert "job 'more'" in str(caught.value)
    assert "job 'one'" not in str(caught.value)


def test_objections_of_plugins_refuse_the_plan(site):
    site.add(
        "budget", "@hookimpl\ndef nrun_validate(plan):\n    return [f'{job.name} is too dear' for job in plan.jobs]"
    )
    with pytest.raises(PlanError) as caught:
        plan(*(job(f"job-{number}") for number in range(25)), hooks=site.hooks())
    assert "job-0 is too dear (says plugin budget)" in str(caught.value)
    assert "and 5 more" in str(caught.value)


def test_plugins_change_tasks_before_they_are_planned(site):
    site.add(
        "team",
        "import attrs\n@hookimpl\ndef nrun_configure(task, job):\n    return attrs.evolve(task, env={'JOB': job})",
    )
    made = plan(job("a"), hooks=site.hooks())
    assert made.jobs[0].tasks[0].env == {"JOB": "a"}


# ---- tasks that travel


def test_a_task_of_an_interactive_session_is_refused():
    with pytest.raises(PlanError, match="interactive session"):
        task_json(Config("__main__:f"), attrs.evolve(HERE, main=None))


def test_a_launcher_started_as_a_module_is_named_by_its_importable_name():
    text = task_json(Config("__main__:f", x="__main__:f"), attrs.evolve(HERE, main_module="pkg.train"))
    assert json.loads(text)["task"] == {"$config": "pkg.train:f", "args": {"x": "__main__:f"}}


def test_a_text_that_looks_like_a_symbol_is_a_text():
    text = task_json(
        Config("m:f", x='"$config":"__main__:x"', y={"$config": "__main__:y"}), attrs.evolve(HERE, main=None)
    )
    assert json.loads(text)["task"]["args"]["x"] == '"$config":"__main__:x"'


def test_a_task_file_is_ascii_whatever_it_says():
    assert task_json(Config("m:f", x="é\udcff\ud800\u2028"), HERE).isascii()


def test_a_launcher_wraps_every_command():
    @attrs.frozen(kw_only=True)
    class Nice(Launcher):
        def wrap(self, command, executor):
            return attrs.evolve(command, argv=("nice", "-n5", *command.argv))

    made = launch(Script("a.sh"), Script("b.sh"), executor=PaperExecutor(launcher=Nice()))
    assert [command.argv for command in made.commands] == [
        ("nice", "-n5", "bash", "a.sh"),
        ("nice", "-n5", "bash", "b.sh"),
    ]


def test_a_launcher_can_use_what_only_the_job_knows(tmp_path):
    @attrs.frozen(kw_only=True)
    class Printf(Launcher):
        def wrap(self, command, executor):
            meeting = Joined((JobVariable("NRUN_HEAD_NODE"), ":$", JobVariable("NRUN_HEAD_PORT"), JobPath("it's")))
            return attrs.evolve(command, argv=("printf", "%s\\n", meeting, *command.argv), cwd=str(tmp_path))

    made = launch(Script("a.sh"), executor=PaperExecutor(launcher=Printf()))
    script = tmp_path / "launch.sh"
    script.write_text(launch_files(made)["launch.sh"])
    head = {"NRUN_HEAD_NODE": "node 1", "NRUN_HEAD_PORT": "29400"}
    assert subprocess.run(["sh", script], env={**os.environ, **head}, timeout=60, check=False).returncode == 0
    assert (tmp_path / "out.log").read_text() == f"node 1:$29400{tmp_path}/it's\nbash\na.sh\n"

    assert subprocess.run(["sh", script], timeout=60, check=False).returncode != 0
    assert "NRUN_HEAD_NODE: this job has no such variable" in (tmp_path / "err.log").read_text()


@attrs.frozen(kw_only=True)
class Jail(Container):
    def wrap(self, command, executor):
        return attrs.evolve(command, argv=("jail", self.image, *self.needed(command), *command.argv))


@attrs.frozen(kw_only=True)
class JailExecutor(PaperExecutor):
    container: Container | None = attrs.field(default=None, validator=check_container)


def test_a_container_wraps_what_the_launcher_made():
    @attrs.frozen(kw_only=True)
    class Nice(Launcher):
        def wrap(self, command, executor):
            return attrs.evolve(command, argv=("nice", *command.argv))

    executor = JailExecutor(launcher=Nice(), container=Jail(image="alpine"))
    (command,) = launch(Script("a.sh"), executor=executor).commands
    assert command.argv == ("jail", "alpine", Worker(folder=True), HERE.cwd, "nice", "bash", "a.sh")
    assert '"$NRUN_JOB_DIR/../../.."' in launch_files(launch(Script("a.sh"), executor=executor))["launch.sh"]
    assert launch(Script("a.sh"), executor=JailExecutor()).commands[0].argv == ("bash", "a.sh")


def test_a_folder_that_is_mounted_anyway_is_not_mounted_twice():
    executor = JailExecutor(container=Jail(image="alpine", mounts=["/data/", "/elsewhere"]))
    (command,) = launch(Script("a.sh"), executor=executor).commands
    assert command.argv == ("jail", "alpine", Worker(folder=True), "bash", "a.sh")


def test_only_a_container_is_taken_for_one():
    with pytest.raises(ConfigError, match="container"):
        JailExecutor(container="alpine")


def test_a_task_has_the_environment_of_its_executor_and_then_its_own():
    made = launch(Script(inline="x", env={"A": "task"}), executor=PaperExecutor(env_vars={"A": "executor", "B": "b"}))
    assert made.commands[0].env == {"A": "task", "B": "b"}


def test_a_script_whose_path_begins_with_a_dash_is_not_taken_for_an_option():
    assert launch(Script("-x.sh")).commands[0].argv == ("bash", "./-x.sh")


# ---- the exact text

CASES = {
    "script": launch(Script("train.sh", args=["--lr", "0.1", "it's $HOME\n"], env={"TEAM": "speech & text"})),
    "inline": launch(Script(inline="echo hi", entrypoint="python", args=["-v"])),
    "module": launch(Script("pkg.train", m=True, entrypoint="python")),
    "function": launch(
        Partial("train:main", lr=0.1, path="é"), executor=PaperExecutor(env_vars={"OMP_NUM_THREADS": "2"})
    ),
    "group": launch(Script("server.sh"), Config("train:main"), name="pair", title="two\nlines"),
    "secrets": launch(
        Script(inline="true", env={"WANDB_API_KEY": Secret("env:WANDB_API_KEY"), "TEAM": "speech"}),
        Partial("train:main", token=Secret("file:~/it's $HOME")),
        name="pair",
    ),
    "odd-names": launch(Script("x.sh", env={"A-B": "1", "OK": "2", "UID": "3", "é": "'"}), name="it's $(odd)"),
}


def golden_text(files) -> str:
    return "".join(f"==> {name} <==\n{text}" + ("" if text.endswith("\n") else "\n") for name, text in files.items())


@pytest.mark.parametrize("name", CASES)
def test_the_files_of_a_job_are_these(name):
    path = GOLDEN / f"{name}.txt"
    made = golden_text(launch_files(CASES[name]))
    if os.environ.get("NRUN_UPDATE_GOLDEN"):
        path.write_text(made, "utf-8")
    assert made == path.read_text("utf-8")


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("name", CASES)
def test_scripts_are_plain_posix_shell_without_fault(name, tmp_path):
    scripts = []
    for file, text in launch_files(CASES[name]).items():
        if file.endswith("launch.sh"):
            scripts.append(tmp_path / file.replace("/", "-"))
            scripts[-1].write_text(text, "utf-8")
    # What users write is quoted on purpose, and some functions are called by traps alone (2317, in newer ones 2329).
    words = ["shellcheck", "--shell=sh", "--exclude=SC2016,SC2317,SC2329", *scripts]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_planning_gives_the_same_bytes_in_every_process():
    program = """
import json
from nrun import Config, Executor, Script
from nrun.planning import Job, Plan, Surroundings, launch_files, launch_of
config = Config("m:f", a={"x", "y", "z"}, b={"k": 1, "j": frozenset({("p", 1), ("q", 2)})})
job = Job(name="j", tasks=(config, Script(inline="x", env={"B": "1", "A": "2"})), executors=(Executor(),))
plan = Plan(title="t", jobs=(job,), surroundings=Surroundings(cwd="/", path=(), main=None))
print(json.dumps(launch_files(launch_of(job, plan))))
"""
    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            timeout=60,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"), ("3", "UTC"))
    }
    assert len(made) == 1
    assert len(json.loads(made.pop())) == 5


# ---- what a real process gets

SHOW = """
import json, os, sys
told = {"args": [os.fsencode(arg).hex() for arg in sys.argv[1:]],
        "env": {os.fsencode(name).hex(): os.fsencode(value).hex() for name, value in os.environ.items()},
        "cwd": os.getcwd()}
print(json.dumps(told))
"""
texts = st.binary(max_size=30).map(lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
tricky = st.sampled_from(
    ["", "-n", "--", "'", '"', "\\", "$HOME", "`id`", "$(id)", "*", "~", "a\nb\n", "\r", "!", "\x1b[0m", "%s", "é☃"]
)
words = st.one_of(texts, tricky)
SHELLS_OWN = [
    "UID",
    "EUID",
    "_",
    "PPID",
    "IFS",
    "OPTIND",
    "LINENO",
    "RANDOM",
    "SECONDS",
    "PS1",
    "NRUN_JOB_DIR",
    "BASHOPTS",
]
"""Names of variables that a shell has its own use for."""
names = st.one_of(
    texts.map(lambda text: text.replace("=", "")).filter(bool),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
    st.sampled_from(SHELLS_OWN),
)


def run(made: Launch, folder: Path, shell: list[str], *, own_session: bool = False) -> int:
    """Write the files of a job and run its script as any shell would; gives the exit code."""
    for name, text in launch_files(made).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    command = [*shell, folder / "launch.sh"]
    return subprocess.run(command, timeout=60, check=False, start_new_session=own_session).returncode


def here(tmp_path: Path, *tasks, name="train") -> Launch:
    one = job(name, *tasks, executor=PaperExecutor())
    surroundings = attrs.evolve(HERE, cwd=str(tmp_path))
    return launch_of(one, Plan(title="t", jobs=(one,), surroundings=surroundings))


def hexed(text: str) -> str:
    return os.fsencode(text).hex()


@pytest.fixture(params=SHELLS.values(), ids=SHELLS)
def shell(request):
    return request.param


def test_arguments_and_environment_reach_the_process_byte_for_byte(tmp_path_factory, shell):
    folder = tmp_path_factory.mktemp("it's a $folder")
    (folder / "show.py").write_text(SHOW, "utf-8")

    @given(st.lists(words, max_size=4), st.dictionaries(names, words, max_size=4))
    @example([], dict.fromkeys(SHELLS_OWN, "x"))
    @settings(max_examples=60, deadline=None)
    def check(args, env):
        task = Script(folder / "show.py", entrypoint=sys.executable, args=args, env=env)
        attempt = folder / os.urandom(8).hex()
        assert run(here(folder, task), attempt, shell) == 0, (attempt / "err.log").read_text()
        told = json.loads((attempt / "out.log").read_bytes())
        assert told["args"] == [hexed(arg) for arg in args]
        assert {hexed(name): hexed(value) for name, value in env.items()}.items() <= told["env"].items()
        assert told["cwd"] == str(folder)

    check()


def test_inline_text_reaches_its_program_byte_for_byte(tmp_path_factory, shell):
    folder = tmp_path_factory.mktemp("inline")

    @given(texts.filter(bool))
    @settings(max_examples=30, deadline=None)
    def check(text):
        attempt = folder / os.urandom(8).hex()
        assert run(here(folder, Script(inline=text, entrypoint="cat")), attempt, shell) == 0
        assert (attempt / "out.log").read_bytes() == os.fsencode(text)

    check()


@pytest.mark.parametrize("name", ["it's", "-n", "a b", "$(x)", "é☃", "a\nb", "%s", "\\"])
def test_the_name_of_a_job_reaches_it(tmp_path, shell, name):
    task = Script(inline='printf "%s" "$NRUN_JOB_NAME"', entrypoint="sh")
    assert run(here(tmp_path, task, name=name), tmp_path / "attempt", shell) == 0
    assert (tmp_path / "attempt" / "out.log").read_text("utf-8") == name


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("no_such_program", 127)], ids=str
)
def test_the_end_of_a_job_is_marked_with_its_code(tmp_path, shell, script, code):
    assert run(here(tmp_path, Script(inline=script, entrypoint="sh")), tmp_path / "attempt", shell) == code
    marker = (tmp_path / "attempt" / "exit.json").read_text("utf-8")
    assert marker.partition("\n")[2].isspace()  # room that was reserved for it
    assert json.loads(marker) == {"exit_code": code, "stop": ""}
    assert json.loads((tmp_path / "attempt" / "start.json").read_text("utf-8"))["pid"] > 0


def test_a_folder_that_is_gone_fails_the_job_before_it_starts(tmp_path, shell):
    made = here(tmp_path / "gone", Script(inline="echo ran", entrypoint="sh"))
    assert run(made, tmp_path / "attempt", shell) == 72
    assert (tmp_path / "attempt" / "out.log").read_text() == ""
    assert "gone" in (tmp_path / "attempt" / "err.log").read_text()


@pytest.mark.parametrize("own_session", [True, False], ids=["in a session of its own", "started by hand"])
def test_when_a_task_of_a_group_fails_the_others_are_stopped_and_its_code_is_the_groups(tmp_path, shell, own_session):
    tasks = [Script(inline=text, entrypoint="sh") for text in ("sleep 60", "sleep 0.2; exit 5", "exec sleep 61")]
    attempt = tmp_path / "attempt"
    run(here(tmp_path, *tasks), attempt, shell, own_session=own_session)
    assert json.loads((attempt / "exit.json").read_text())["exit_code"] == 5
    codes = [json.loads((attempt / f"task-{i}" / "exit.json").read_text())["exit_code"] for i in range(3)]
    assert codes == [143, 5, 143]


@pytest.mark.parametrize("own_session", [True, False], ids=["in a session of its own", "started by hand"])
def test_a_group_whose_tasks_all_succeed_succeeds(tmp_path, shell, own_session):
    tasks = [Script(inline=f"sleep 0.{i}; echo {i}", entrypoint="sh") for i in range(3)]
    attempt = tmp_path / "attempt"
    assert run(here(tmp_path, *tasks), attempt, shell, own_session=own_session) == 0
    assert json.loads((attempt / "exit.json").read_text()) == {"exit_code": 0, "stop": ""}
    assert [(attempt / f"task-{i}" / "out.log").read_text() for i in range(3)] == ["0\n", "1\n", "2\n"]


def test_a_task_of_a_failed_group_that_does_not_stop_is_killed(tmp_path, shell):
    tasks = [
        Script(inline=text, entrypoint="sh")
        for text in ("sleep 0.5; exit 4", "trap '' TERM; while :; do sleep 1; done")
    ]
    attempt = tmp_path / "attempt"
    run(here(tmp_path, *tasks), attempt, shell, own_session=True)
    assert json.loads((attempt / "exit.json").read_text())["exit_code"] == 4
    pid = json.loads((attempt / "task-1" / "start.json").read_text())["pid"]
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]
