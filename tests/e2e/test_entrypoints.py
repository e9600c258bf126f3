"""Functions run from the command line, with what they are given changed by items: as processes, on this machine."""

from __future__ import annotations

import json

import pytest

TRAIN = """
    from __future__ import annotations
    from dataclasses import dataclass, field
    from typing import Literal
    import nrun as run

    @dataclass
    class Model:
        hidden: int = 256
        layers: int = 3
        act: Literal["relu", "gelu"] = "relu"

    @dataclass
    class Optimizer:
        lr: float = 1e-3
        betas: tuple[float, float] = (0.9, 0.999)

    @run.cli.factory
    @run.autoconvert
    def big() -> Model:
        return Model(hidden=1024, layers=12)

    @run.cli.factory
    def adam(lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999)) -> run.Config[Optimizer]:
        '''The usual.'''
        return run.Config(Optimizer, lr=lr, betas=betas)

    def train(model: Model, optimizer: Optimizer | None = None, epochs: int = 10, tag: str = "x", note: str = ""):
        '''Train a model.

        Args:
            model: What to train.
            epochs: How often the data is seen.
        '''
        return [vars(model), optimizer and vars(optimizer), epochs, tag, note]

    @run.cli.factory(target=train)
    def quick():
        return run.Partial(train, model=run.Config(Model, layers=1), epochs=1)

    if __name__ == "__main__":
        run.cli.main(train)
"""


def result(shell, job: str = "train"):
    (path,) = shell.home.glob(f"experiments/*/*/jobs/{job}/attempt-1/result.json")
    return json.loads(path.read_text("utf-8"))["value"]


@pytest.fixture(params=["script", "named", "driven"])
def typed(request, shell):
    """Type items after the entrypoint, in each of the three ways in which it can be run."""
    shell.write("train.py", TRAIN)
    words = {
        "script": lambda *items: shell.python("train.py", *items),
        "named": lambda *items: shell.nrun("run", "train.py:train", *items),
        "driven": lambda *items: shell.nrun("run", "train.py", *items),
    }
    return words[request.param]


def test_items_change_what_is_run_in_whichever_way_it_is_started(typed, shell):
    items = ["model=big", "model.layers+=2", "optimizer=adam(lr=3e-4, betas=(0.8, 0.9))", "tag=os.getcwd", "note=true"]
    done = typed(*items, "run.executor=local", "run.executor.retries=1", "run.executor.env_vars.A=1")
    assert done.returncode == 0, done.stderr
    model = {"hidden": 1024, "layers": 14, "act": "relu"}
    assert result(shell) == [model, {"lr": 3e-4, "betas": [0.8, 0.9]}, 10, "os.getcwd", "true"]
    (described,) = shell.home.glob("experiments/train/*/experiment.json")
    (executor,) = json.loads(described.read_text("utf-8"))["executors"]
    assert executor["executor"]["fields"]["retries"] == 1
    assert executor["executor"]["fields"]["env_vars"] == {"A": "1"}


@pytest.mark.parametrize("option", ["--help", "--plan"])
def test_what_runs_nothing_is_a_success_in_whichever_way_it_is_started(typed, shell, option):
    done = typed("model=big", option)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(shell.home.glob("experiments/*/*"))


def test_all_problems_are_told_together_and_nothing_is_run(typed, shell):
    done = typed("modle.layers=3", "epochs=ten", "model=big", "model.act=glu", "run.executr=local")
    assert done.returncode == 2
    assert "4 problems in the configuration" in done.stderr
    for told in ("did you mean model?", "expected int; got 'ten'", "did you mean gelu?", "did you mean executor?"):
        assert told in done.stderr
    assert not list(shell.home.glob("experiments/*/*"))


def test_how_a_run_starts_is_said_by_the_names_of_plugins(shell):
    shell.write("train.py", TRAIN)
    launcher = ["run.executor.ntasks_per_node=2", "run.executor.launcher=torchrun(max_restarts=3)"]
    container = ["run.executor.container=podman", "run.executor.container.image=alpine:3"]
    done = shell.python("train.py", "model=big", "run.executor=local", *launcher, *container, "--dryrun")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("    exec ")]
    assert line.startswith("    exec podman run ")
    assert " alpine:3 python3 -m torch.distributed.run --nnodes 1 --nproc-per-node 2 " in line
    assert " --max-restarts 3 " in line

    done = shell.python("train.py", "model=big", "run.executor=local", container[0], "--dryrun")
    assert done.returncode == 2
    assert "executor.container.image is required and not set" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--dryrum", "--yes"], "No such option '--dryrum'. Did you mean '--dryrun'?"),
        (["--epochs=5"], "write epochs=..., without dashes"),
        (["epochs=1", "epochs=2"], "'epochs=1' is lost: 'epochs=2' comes later and undoes it"),
        (["model.layers=1", "model=big"], "put it after 'model=big'"),
        ([], "lacks required arguments: model"),
        (["model=big", "epochs=1,2,3"], "add --sweep to run them all"),
        (["model=big", "run.executor=nowhere"], "got 'nowhere'"),
        (["model=big", "run.executor.retries=-1"], "'retries' must be >= 0"),
        (["model=big", "tag=${nothing.there}"], "nothing"),
        (["model=big", "tag=${note}", "note=${tag}"], "these refer to each other: tag → note → tag"),
        (["model=big", "tag=${env:NRUN_NO_SUCH_VARIABLE}"], "the environment has no NRUN_NO_SUCH_VARIABLE"),
        (["--factory", "qick"], "Did you mean 'quick'?"),
        (["--factory", "quick(1)"], "the factory quick takes 0 arguments, not 1"),
        (
            ["model=big", "run.executor=local", "run.executor.retries=two"],
            "run.executor.retries expected int or Retries; got 'two'",
        ),
        (["--set-file", "no-such-file"], "cannot read the items in no-such-file"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_do(shell, words, told):
    shell.write("train.py", TRAIN)
    done = shell.python("train.py", *words)
    assert done.returncode == 2, done.stdout
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(shell.home.glob("experiments/*/*"))


LINKED = """
    from dataclasses import dataclass
    import nrun as run

    @dataclass
    class Tokenizer:
        words: str = "a b c"

    @dataclass
    class Model:
        vocab: int
        size: int = 1

    def count(words):
        return len(words.split())

    def train(tokenizer: Tokenizer, model: Model, size: int = 5):
        return [model.vocab, model.size]

    LINKS = [run.cli.Link("model.vocab", "tokenizer.words", via=count), run.cli.Link(dst="model.size", src="size")]

    def start():
        return run.Partial(train, tokenizer=run.Config(Tokenizer), model=run.Config(Model))

    if __name__ == "__main__":
        run.cli.main(train, default_factory=start, links=LINKS)
"""


def test_what_is_linked_follows_what_was_typed(shell):
    shell.write("train.py", LINKED)
    done = shell.python("train.py", "tokenizer.words=a b", "size=7")
    assert done.returncode == 0, done.stderr
    assert result(shell) == [2, 7]
    lines = [" ".join(line.split()) for line in shell.python("train.py", "--help").stdout.splitlines()]
    assert "model.vocab int from tokenizer.words" in lines


def test_what_is_linked_cannot_be_typed(shell):
    shell.write("train.py", LINKED)
    done = shell.python("train.py", "model.vocab=3")
    assert done.returncode == 2
    assert "follows from tokenizer.words, so it cannot be set; set tokenizer.words" in " ".join(done.stderr.split())
    done = shell.python("train.py", "--set-file", "-", "model=Model(vocab=3)")
    assert done.returncode == 0, done.stderr  # what a node had set before is of no account
    shell.write("train.py", LINKED.replace('src="size"', 'src="sizes"'))
    assert "linked to sizes" in shell.python("train.py").stderr


def test_references_and_links_see_what_other_links_give(shell):
    links = ', run.cli.Link("last", "model.size"), run.cli.Link(dst="model.size"'
    shell.write(
        "train.py",
        LINKED.replace(', run.cli.Link(dst="model.size"', links)
        .replace("size: int = 5)", "size: int = 5, last: int = 0, text: str = '')")
        .replace("model.size]", "model.size, last, text]"),
    )
    words = ["tokenizer.words=w ${env:WORDS}", "size=7"]
    done = shell.python("train.py", *words, "text=${model.vocab} of ${last}", WORDS="x y")
    assert done.returncode == 0, done.stderr
    assert result(shell) == [3, 7, 7, "3 of 7"]
    done = shell.python("train.py", "tokenizer.words=${model.vocab}")
    assert done.returncode == 2
    told = "these refer to each other: model.vocab → tokenizer.words → model.vocab"
    assert told in " ".join(done.stderr.split())
    assert done.stderr.count("refer to each other") == 1


def test_what_is_said_of_an_executor_without_naming_one_is_about_the_default_one(shell):
    shell.write("train.py", TRAIN)
    done = shell.python("train.py", "model=big", "run.executor.retries=3")
    assert done.returncode == 0, done.stderr
    (described,) = shell.home.glob("experiments/train/*/experiment.json")
    (executor,) = json.loads(described.read_text("utf-8"))["executors"]
    assert executor["executor"]["fields"]["retries"] == 3


def test_without_a_language_a_function_is_run_as_it_is(shell):
    shell.write("plain.py", "def plain(x: int = 3):\n    return x\n")
    done = shell.nrun("run", "plain.py:plain", NRUN_DISABLE_PLUGINS="language-overrides")
    assert done.returncode == 0, done.stderr
    assert result(shell, "plain") == 3
    done = shell.nrun("run", "plain.py:plain", "x=4", NRUN_DISABLE_PLUGINS="language-overrides")
    assert done.returncode == 2
    assert "unknown language 'overrides'" in done.stderr


def test_a_language_that_is_not_installed_is_told_in_words(shell):
    shell.write("train.py", TRAIN)
    done = shell.python("train.py", "model=big", NRUN_LANGUAGE="klingon")
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown language 'klingon'; installed: overrides.")


def test_problems_are_told_to_programs_as_json(shell):
    shell.write("train.py", TRAIN)
    done = shell.python("train.py", "--errors", "json", "epochs=ten")
    assert done.returncode == 2
    (problem,) = json.loads(done.stderr)
    assert problem["path"] == "epochs"


def test_help_shows_the_tree_after_the_items_that_were_typed(shell):
    shell.write("train.py", TRAIN)
    done = shell.python("train.py", "model=big", "model.layers=7", "--help")
    assert done.returncode == 0
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert 'model.layers int 7 cli argument 2 "model.layers=7"' in lines
    assert "epochs int 10 How often the data is seen." in lines
    assert "model big()" in lines
    assert "optimizer adam(lr, betas) The usual." in lines
    assert any(line.startswith("run.executor Executor | None None") for line in lines)
    assert not list(shell.home.glob("experiments/*/*"))


def test_the_environment_is_below_what_is_typed_and_above_files(shell):
    shell.write("train.py", TRAIN.replace("cli.main(train", "cli.main(train, env_prefix='APP'"))
    shell.write("base.json", '{"epochs": 1, "model": {"layers": 1}}')
    words = ("--load", "base.json", "--to-json", "-")
    given = {"APP__epochs": "2", "APP__model__layers": "2", "APP__run__executor__retries": "3"}
    written = json.loads(shell.python("train.py", *words, "epochs=3", **given).stdout)
    assert (written["task"]["epochs"], written["task"]["model"]["layers"]) == (3, 2)
    assert written["run"]["executor"]["retries"] == 3
    shown = shell.python("train.py", "model=big", "--help", APP__epochs="2").stdout
    assert 'epochs int 2 env APP__epochs "2"' in " ".join(shown.split())
    wrong = shell.python("train.py", "model=big", "--plan", APP__modle__layers="2")
    assert wrong.returncode == 2
    assert "$APP__modle__layers" in wrong.stderr
    assert "did you mean model?" in wrong.stderr


def test_without_a_prefix_the_environment_says_nothing(shell):
    shell.write("train.py", TRAIN)
    assert shell.python("train.py", "model=big", "--plan", APP__modle="2", __model="2").returncode == 0


def test_a_file_that_is_not_there_is_refused_in_words(shell):
    shell.write("train.py", TRAIN)
    done = shell.python("train.py", "model=big", "--load", "latest:train")
    assert done.returncode == 2
    assert "there is no file 'latest'" in done.stderr


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("mo", ["model.", "model="]),
        ("tag", ["tag=", "tag+="]),
        ("optimizer=", ["optimizer=adam", "optimizer=adam(", "optimizer=null"]),
        ("r", ["run."]),
        ("run.ex", ["run.executor.", "run.executor="]),
        ("--pl", ["--plan"]),
        ("nothing", []),
    ],
)
def test_what_is_typed_is_completed(shell, word, offered):
    shell.write("train.py", TRAIN)
    complete = {"_TRAIN_PY_COMPLETE": "bash_complete", "COMP_CWORD": "1", "COMP_WORDS": f"train.py {word}"}
    assert shell.python("train.py", **complete).stdout.split() == [f"plain,{each}" for each in offered]


def test_plan_prints_what_would_be_handed_over_and_runs_nothing(shell):
    shell.write("train.py", TRAIN)
    by_option = shell.nrun("run", "train.py:train", "model=big", "--plan")
    by_command = shell.nrun("plan", "train.py:train", "model=big")
    assert (by_option.returncode, by_command.returncode) == (0, 0)
    assert by_option.stdout == by_command.stdout
    assert "==> train/task.json <==" in by_option.stdout
    assert not list(shell.home.glob("experiments/*/*"))


def test_a_sweep_runs_each_point_as_a_job_of_one_experiment(shell):
    shell.write("train.py", TRAIN)
    done = shell.python("train.py", "model=big", "epochs=1,2,1", "optimizer.lr=0.1,0.2", "--sweep", "--json")
    assert done.returncode == 0, done.stderr
    (status,) = json.loads(done.stdout)
    names = [job["name"] for job in status["jobs"]]
    assert len(names) == 4
    assert "2 of 6 points are the same as others" in done.stderr
    assert names[0].endswith("epochs=1 optimizer.lr=0.1")


def test_problems_about_the_run_are_shown_as_they_were_typed(shell):
    shell.write("train.py", TRAIN)
    done = shell.python("train.py", "model=big", "run.nme=x", "executor.retris=2", "--errors", "json")
    assert done.returncode == 2
    places = [problem["where"] for problem in json.loads(done.stderr)]
    assert [place["text"] for place in places] == ["run.nme=x", "executor.retris=2"]
    assert [place["text"][place["start"] : place["end"]] for place in places] == ["nme", "retris"]


def test_a_sweep_of_the_run_gives_each_point_its_executor(shell):
    shell.write("train.py", TRAIN)
    words = ["model=big", "epochs=1,2", "run.executor=local", "run.executor.retries=0,3", "run.name=${env:TITLE}"]
    done = shell.python("train.py", *words, TITLE="both")
    assert done.returncode == 2
    assert "run.executor.retries a sweep of 2 values" in " ".join(done.stderr.split())
    done = shell.python("train.py", *words, "--sweep", TITLE="both")
    assert done.returncode == 0, done.stderr
    (described,) = shell.home.glob("experiments/both/*/experiment.json")
    asked = json.loads(described.read_text("utf-8"))
    retries = [executor["executor"]["fields"]["retries"] for executor in asked["executors"]]
    assert {job["name"]: retries[job["executors"][0]] for job in asked["jobs"]} == {
        "0: run.executor.retries=0 epochs=1": 0,
        "1: run.executor.retries=0 epochs=2": 0,
        "2: run.executor.retries=3 epochs=1": 3,
        "3: run.executor.retries=3 epochs=2": 3,
    }


def test_sweeps_of_the_run_are_zipped_by_their_whole_paths(shell):
    shell.write("train.py", TRAIN)
    words = ["model=big", "run.executor=local", "run.executor.retries=0,1,1", "run.executor.env_vars.A=choice(a,b,b)"]
    zipped = ["--sweep", "--zip", "run.executor.retries,run.executor.env_vars['A']", "--plan"]
    done = shell.python("train.py", *words, *zipped)
    assert done.returncode == 0, done.stderr
    assert "note: 1 of 3 points are the same as others" in done.stderr


def test_sweeps_over_secrets_keep_those_that_differ(shell):
    shell.write("train.py", TRAIN)
    token = "run.executor.env_vars.TOKEN=choice(secret://env/A,secret://env/B,secret://env/A)"
    done = shell.python("train.py", "model=big", "run.executor=local", token, "--sweep", "--plan", A="1", B="2")
    assert done.returncode == 0, done.stderr
    assert "note: 1 of 3 points are the same as others" in done.stderr
    assert done.stdout.startswith("# experiment train: 2 jobs")


def test_only_jobs_of_a_task_can_be_swept(shell):
    shell.write("train.py", TRAIN.replace("cli.main(train)", "cli.main(train, enable_executor=False)"))
    done = shell.python("train.py", "model=big", "epochs=1,2", "--sweep")
    assert done.returncode == 2
    assert "--sweep makes jobs of a task, and train is no job" in done.stderr


def test_sweeps_that_are_zipped_vary_together(shell):
    shell.write("train.py", TRAIN)
    items = ["model=big", "epochs=1,2", "optimizer.lr=0.1,0.2", "--sweep", "--zip", "epochs,optimizer.lr", "--json"]
    (status,) = json.loads(shell.python("train.py", *items).stdout)
    assert len(status["jobs"]) == 2


def test_factories_files_of_items_and_references(shell):
    shell.write("train.py", TRAIN)
    shell.write("items", "# about the tag\n\ntag=run-${epochs}-${env:WHO,nobody}\n")
    done = shell.python("train.py", "--factory", "quick", "--set-file", "items", "epochs=3", WHO="me")
    assert done.returncode == 0, done.stderr
    assert result(shell)[0]["layers"] == 1
    assert result(shell)[2:4] == [3, "run-3-me"]


EXPERIMENT = """
    import nrun as run

    def work(x: int) -> int:
        return x

    @run.cli.entrypoint(type="experiment", name="several")
    def several(ctx, count: int = 2):
        exp = run.Experiment(ctx.name, ctx.executor)
        for index in range(count):
            exp.add(run.Partial(work, x=index), name=f"job-{index}")
        ctx.launch(exp)

    if __name__ == "__main__":
        run.cli.main(several)
"""


def test_a_factory_may_give_references_and_sweeps(shell):
    shell.write(
        "start.py",
        """
        import nrun as run
        from train import Model, train

        def start():
            model = run.Config(Model, layers=run.reference("${epochs}"))
            return run.Partial(train, model=model, epochs=run.Sweep([1, 2]), tag=run.reference("n-${model.layers}"))

        if __name__ == "__main__":
            run.cli.main(train, default_factory=start)
        """,
    )
    shell.write("train.py", TRAIN)
    assert "add --sweep" in shell.python("start.py").stderr
    assert shell.python("start.py", "epochs=7").returncode == 0
    assert (result(shell)[0]["layers"], result(shell)[3]) == (7, "n-7")
    done = shell.python("start.py", "--sweep", "--plan")
    assert "'n-1'" in done.stdout or '"n-1"' in done.stdout
    assert '"n-2"' in done.stdout


def test_an_entrypoint_may_make_its_own_experiment(shell):
    shell.write("several.py", EXPERIMENT)
    planned = shell.python("several.py", "count=3", "--plan")
    assert planned.stdout.startswith("# experiment several: 3 jobs")
    assert not list(shell.home.glob("experiments/*/*"))
    done = shell.python("several.py", "count=3", "run.executor=local", "--json")
    assert done.returncode == 0, done.stderr
    (status,) = json.loads(done.stdout)
    assert [job["state"] for job in status["jobs"]] == ["SUCCEEDED"] * 3
    assert shell.nrun("run", "several.py:several", "count=1").returncode == 0


ODD = """
    import nrun as run

    def odd(run: int = 1, executor: str = "e", name: str = "n", args: str = "a", runtime: int = 5, plugins: str = "p"):
        return [run, executor, name, args, runtime, plugins]

    if __name__ == "__main__":
        __import__("nrun").cli.main(odd)
"""


def test_parameters_may_have_the_names_of_what_is_said_about_the_run(shell):
    shell.write("odd.py", ODD)
    done = shell.python("odd.py", "run=2", "executor=f", "name=m", "args=b", "runtime=7", "plugins=q")
    assert done.returncode == 0, done.stderr
    assert result(shell, "odd") == [2, "f", "m", "b", 7, "q"]


def test_a_failed_job_gives_1_and_its_log(shell):
    shell.write(
        "bad.py",
        "import nrun\n\ndef bad(x: int = 0):\n    return 1 / x\n\nif __name__ == '__main__':\n    nrun.cli.main(bad)\n",
    )
    done = shell.python("bad.py")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_entrypoints_of_a_distribution_are_a_group_of_commands_loaded_when_used(shell):
    shell.write(
        "recipes.py", "import nrun as run\n\n@run.cli.entrypoint\ndef pretrain(x: int = 1):\n    '''Pretrain it.'''\n"
    )
    code = "import recipes, nrun; print(nrun.cli.group(recipes, name='llm').commands['pretrain'].get_short_help_str())"
    assert shell.python("-c", code).stdout == "Pretrain it.\n"


def test_a_namespace_is_a_group_within_the_group(shell):
    shell.write("recipes.py", "import nrun as run\n\n@run.cli.entrypoint(namespace='llm.small')\ndef tune(): ...\n")
    code = (
        "import recipes, nrun; g = nrun.cli.group(recipes); print(list(g.commands['llm'].commands['small'].commands))"
    )
    assert shell.python("-c", code).stdout == "['tune']\n"


def test_an_entrypoint_costs_no_reader_before_it_is_used(shell):
    loaded = (
        "[m for m in ('asyncio', 'cattrs', 'nrun_language_overrides.reader', 'nrun.config.node') if m in sys.modules]"
    )
    code = f"import sys, nrun\n@nrun.cli.entrypoint\ndef f(x: int = 1): ...\nprint({loaded})"
    assert shell.python("-c", code).stdout == "[]\n"


def test_a_job_that_loads_an_unguarded_script_does_not_run_it_again(shell):
    shell.write("bare.py", "import nrun\n\ndef work(x: int = 4):\n    return x\n\nnrun.cli.main(work)\n")
    done = shell.python("bare.py", "x=5")
    assert done.returncode == 0, done.stderr
    assert result(shell, "work") == 5


CHATTY = """
    import sys, time, nrun

    def chat(x: int = 0):
        for index in range(3):
            print("line", index)
            time.sleep(0.05)
        print("no end", end="")
        print("trouble", file=sys.stderr)

    if __name__ == "__main__":
        nrun.cli.main(chat)
"""


@pytest.mark.parametrize("start", ["script", "named"])
def test_logs_are_printed_as_they_come(shell, start):
    shell.write("chatty.py", CHATTY)
    words = ["x=1", "--tail-logs"]
    done = shell.python("chatty.py", *words) if start == "script" else shell.nrun("run", "chatty.py:chat", *words)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("chat| ")]
    assert sorted(lines) == ["chat| line 0", "chat| line 1", "chat| line 2", "chat| no end", "chat| trouble"]


# ---- files


@pytest.mark.parametrize("format_", ["yaml", "toml", "json"])
def test_a_run_is_repeated_exactly_from_what_it_wrote(shell, format_):
    shell.write("train.py", TRAIN)
    items = ["model=big", "model.layers+=2", "optimizer=adam(lr=3e-4)", "tag=run-${epochs}", "run.executor=local"]
    first, again = f"first.{format_}", f"again.{format_}"
    for words in (
        [*items, "run.executor.retries=2", f"--to-{format_}", first],
        ["--load", first, f"--to-{format_}", again],
    ):
        assert shell.python("train.py", *words).returncode == 0
    assert shell.python("train.py", "--load", again, f"--to-{format_}", "-").stdout == shell.read(again)
    if format_ != "toml":  # which has plain values before tables, whatever order they were given in
        assert shell.read(again) == shell.read(first)
    for words in ([*items, "run.executor.retries=2"], ["--load", first]):
        done = shell.python("train.py", *words, "run.name=same")
        assert done.returncode == 0, done.stderr
    (typed, loaded) = (described(path) for path in sorted(shell.home.glob("experiments/same/*/experiment.json")))
    assert typed == loaded
    assert shell.python("train.py", "--yaml", first, "epochs=3").returncode == 0
    assert result(shell)[2:4] == [3, "run-3"]


def described(path):
    """What was asked for, without when and by whom."""
    document = json.loads(path.read_text("utf-8"))
    return document["jobs"], document["executors"]


def test_one_argument_is_written_to_a_file_and_read_from_it(shell):
    shell.write("train.py", TRAIN)
    assert shell.python("train.py", "model=big", "--to-json", "model.json:model").returncode == 0
    done = shell.python("train.py", "model=@model.json", "model.layers=1")
    assert done.returncode == 0, done.stderr
    assert result(shell)[0] == {"hidden": 1024, "layers": 1, "act": "relu"}


def test_what_lies_beside_the_script_and_is_imported_may_be_named(shell):
    shell.write("parts.py", "from dataclasses import dataclass\n\n@dataclass\nclass Part:\n    x: int = 1\n")
    shell.write("other.py", "print('imported')\n")
    shell.write(
        "task.py",
        """
        import nrun as run
        from parts import Part

        def task(part: Part = run.Config(Part), also: object = None) -> int:
            return part.x

        if __name__ == "__main__":
            run.cli.main(task)
        """,
    )
    for words in (["part.x=7", "--to-yaml", "run.yaml"], ["--load", "run.yaml"], ["part=parts:Part"]):
        done = shell.python("task.py", *words)
        assert done.returncode == 0, done.stderr
    assert "parts:Part" in shell.read("run.yaml")
    shell.write("read.py", "import nrun, parts\nprint(nrun.load('run.yaml', 'task.part').x)\n")
    assert shell.python("read.py").stdout == "7\n"
    for symbol in ("other:x", "hypothesis:given"):
        shell.write("bad.yaml", f"also: {{$target: '{symbol}'}}\n")
        done = shell.python("task.py", "@bad.yaml")
        assert (done.returncode, "imported" in done.stdout) == (2, False)
        assert f"as with NRUN_ALLOW={symbol.partition(':')[0]}" in done.stderr


def test_a_module_of_a_package_may_name_what_is_in_the_package(shell):
    (shell.folder / "pack").mkdir()
    shell.write("pack/parts.py", "class Part:\n    def __init__(self, x: int = 1):\n        self.x = x\n")
    shell.write(
        "pack/task.py",
        """
        import nrun as run
        from pack.parts import Part

        def task(part: Part) -> int:
            return part.x

        if __name__ == "__main__":
            run.cli.main(task)
        """,
    )
    for words in (["part.x=7", "--to-yaml", "run.yaml"], ["--load", "run.yaml"]):
        done = shell.python("-m", "pack.task", *words)
        assert done.returncode == 0, done.stderr


FACTORY = """
@run.cli.factory
def huge(layers: int = 99) -> run.Config[Train.Model]:
    return run.Config(Train.Model, layers=layers)
"""


def test_a_workspace_brings_factories_if_it_is_named(shell):
    shell.write("train.py", TRAIN)
    unknown = shell.nrun("run", "train.py:train", "model=huge")
    assert unknown.returncode == 2
    for words in (["--workspace", "nowhere.py"], ["--workspace", "train.yaml"]):
        missing = shell.python("train.py", "model=big", *words)
        assert (missing.returncode, "there is no such file of Python" in missing.stderr) == (2, True)
    shell.write("ours.py", "import nrun as run, sys\nTrain = sys.modules['__main__']\n" + FACTORY)
    done = shell.python("train.py", "--workspace", "ours.py", "model=huge(layers=7)", "model.hidden=2")
    assert done.returncode == 0, done.stderr
    assert result(shell)[0] == {"hidden": 2, "layers": 7, "act": "relu"}
    assert "huge(layers)" in shell.python("train.py", "--workspace", "ours.py", "--help").stdout


def test_two_factories_of_one_name_are_refused_unless_one_takes_the_place_of_the_other(shell):
    shell.write("train.py", TRAIN)
    shell.write("one.py", "import nrun as run, sys\nTrain = sys.modules['__main__']\n" + FACTORY.replace("huge", "big"))
    done = shell.python("train.py", "--workspace", "one.py", "model=big")
    assert (done.returncode, "two factories 'big'" in done.stderr) == (2, True)
    shell.write("two.py", shell.read("one.py").replace("cli.factory", "cli.factory(override=True)"))
    done = shell.python("train.py", "--workspace", "two.py", "model=big")
    assert done.returncode == 0, done.stderr
    assert result(shell)[0]["layers"] == 99


def test_a_file_without_an_ending_does_not_say_its_format(shell):
    shell.write("train.py", TRAIN)
    done = shell.python("train.py", "model=big", "--to-yaml", "file")
    assert done.returncode == 2
    assert "'file' does not say its format" in done.stderr


def test_a_profile_names_an_executor_once(shell):
    shell.write("train.py", TRAIN)
    (shell.home / "profiles").mkdir(parents=True)
    (shell.home / "profiles" / "site.yaml").write_text("$factory: local(retries=5)\n", "utf-8")
    done = shell.python("train.py", "model=big", "--on", "site", "run.executor.timeout_s=60")
    assert done.returncode == 0, done.stderr
    (described,) = shell.home.glob("experiments/train/*/experiment.json")
    (executor,) = json.loads(described.read_text("utf-8"))["executors"]
    assert (executor["executor"]["fields"]["retries"], executor["executor"]["fields"]["timeout_s"]) == (5, 60.0)
    unknown = shell.python("train.py", "model=big", "--on", "sit")
    assert unknown.returncode == 2
    assert "Did you mean 'site'?" in unknown.stderr


def test_a_file_that_names_something_hostile_is_refused(shell):
    shell.write("train.py", TRAIN)
    shell.write("bad.yaml", "model:\n  $target: os:system\n  command: touch pwned\n")
    done = shell.python("train.py", "--load", "bad.yaml")
    assert done.returncode == 2
    assert "bad.yaml:2:3" in done.stderr
    assert not (shell.folder / "pwned").exists()
