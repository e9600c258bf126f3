"""What an experiment was made of and what came of it: provenance, differences, results."""

from __future__ import annotations

import getpass
import json
import os

import pytest

TRAIN = """
    import sys
    import nrun as run

    def train(lr: float, steps: int = 2) -> dict:
        if lr > 1:
            raise ValueError("the rate is too high")
        return {"loss": [1 / lr, 2.0], "steps": steps}

    if __name__ == "__main__":
        exp = run.Experiment("train")
        exp.add(run.Partial(train, lr=float(sys.argv[1])), name="train")
        exp.add(run.Script(inline="true"), name="script", dependencies=["train"])
        exp.run(check=False)
"""
ARRAYS = """
    import nrun as run

    def arrays():
        import numpy

        grid = numpy.arange(6, dtype="float32").reshape(2, 3)
        return {"grid": grid, "scalar": numpy.float32(0.5), "count": numpy.int64(3), "mine": {"$array": "result-9.npy"}}

    def objects():
        import numpy

        return numpy.array([object()])

    if __name__ == "__main__":
        with run.Experiment("arrays") as exp:
            exp.add(arrays)
            exp.add(objects)
            exp.run()
"""


@pytest.fixture
def train(shell):
    shell.write("train.py", TRAIN)
    for rate in ("0.5", "0.25", "2"):
        shell.python("train.py", rate)
    return shell


def ids(shell):
    return [one["id"] for one in json.loads(shell.nrun("list", "--json").stdout)]


def test_show_says_who_launched_it_how_and_with_what(train):
    text = train.nrun("show", "train").stdout
    for word in (getpass.getuser(), os.uname().nodename, "train.py 2", str(train.folder), "executor-local 0.1.0"):
        assert word in text
    told = json.loads(train.nrun("show", "train", "--json").stdout)
    assert told["by"]["argv"] == ["train.py", "2"]
    assert told["jobs"][0]["tasks"] == [{"$partial": "__main__:train", "args": {"lr": 2.0}}]


def test_show_has_the_whole_command_line(shell):
    shell.write("f.py", "def f(lr: float = 0.1): ...")
    assert shell.nrun("run", "--fail-fast", "f.py:f", "lr=0.5").returncode == 0
    assert "nrun run --fail-fast f.py:f lr=0.5" in shell.nrun("show").stdout
    assert shell.nrun("list", "--text", "lr=0.5", "--json").stdout != "[]\n"


def test_show_names_the_code_that_was_shipped_and_the_versions(shell):
    shell.write("hello.txt", "hello")
    shell.write(
        "exp.py",
        """
        import nrun as run

        exp = run.Experiment("shipped")
        executor = run.LocalExecutor(packager=run.PatternPackager(include_pattern="*.txt"))
        exp.add(run.Script(inline="cat hello.txt"), executor, name="job")
        exp.run()
        """,
    )
    shell.python("exp.py")
    told = json.loads(shell.nrun("show", "--json").stdout)
    assert [len(bundle) for bundle in told["bundles"].values()] == [64]
    assert told["provenance"]["python"]["packages"]["nrun-kernel"] == told["by"]["nrun"]
    text = shell.nrun("show").stdout
    assert f"bundle {told['bundles']['0']}" in text
    assert f"{len(told['provenance']['python']['packages'])}, which --json lists" in text


def test_diff_tells_configuration_environment_and_results_apart(train):
    _, newer, older = ids(train)
    done = train.nrun("diff", older, newer, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "configuration": {"train.lr": [0.5, 0.25]},
        "code": {},
        "files": {},
        "environment": {"argv": [["train.py", "0.5"], ["train.py", "0.25"]]},
        "results": {"train.loss[0]": [2.0, 4.0]},
        "diffs": {},
    }
    text = train.nrun("diff", older, newer, "--only", "configuration").stdout
    assert text == "configuration\n  train.lr\n    - 0.5\n    + 0.25\n"
    same = train.nrun("diff", older, older)
    assert (same.returncode, same.stdout) == (0, "")
    failed = json.loads(train.nrun("diff", newer, "latest", "--json").stdout)["results"]
    assert failed["train: state"] == ["SUCCEEDED", "FAILED"]
    assert failed["train.steps"] == [2, None]


SHIP = """
    import nrun as run

    executor = run.LocalExecutor(packager=run.PatternPackager(include_pattern="code"))
    exp = run.Experiment("shipped")
    exp.add(run.Script(inline="true"), executor, name="job")
    exp.run()
"""


@pytest.fixture
def shipped(shell):
    """Two experiments with different code."""
    code = shell.folder / "code"
    code.mkdir()
    shell.write("exp.py", SHIP)
    (code / "same").write_text("same\n")
    (code / "gone").write_text("x")
    (code / "mode").write_text("x")
    (code / "train.py").write_text("a = 1\nb = 2\n")
    (code / "model.bin").write_bytes(b"\0\1")
    (code / "link").symlink_to("same")
    (code / "long").write_text("\n".join(map(str, range(1000))))
    assert shell.python("exp.py").returncode == 0
    (code / "gone").unlink()
    (code / "mode").chmod(0o755)
    (code / "new").write_text("")
    (code / "train.py").write_text("a = 1\nb = \x1b[31m\n")
    (code / "train.py").chmod(0o755)
    (code / "model.bin").write_bytes(b"\0\2\3")
    (code / "link").unlink()
    (code / "link").symlink_to("new")
    (code / "long").write_text("\n".join(map(str, range(1000, 2000))))
    assert shell.python("exp.py").returncode == 0
    return shell


def test_diff_tells_the_files_that_differ(shipped):
    after, before = ids(shipped)
    told = json.loads(shipped.nrun("diff", before, after, "--json").stdout)
    files = told["files"]
    assert set(files) == {f"code/{name}" for name in ("gone", "mode", "new", "train.py", "model.bin", "link", "long")}
    assert files["code/gone"][1] is files["code/new"][0] is None
    assert [one["kind"] for one in files["code/train.py"]] == ["file", "executable"]
    assert [one["target"] for one in files["code/link"]] == ["same", "new"]
    assert [one["size"] for one in files["code/model.bin"]] == [2, 3]
    assert all(len(one["sha256"]) == 64 for one in files["code/model.bin"])
    assert set(told["diffs"]) == {"code/train.py", "code/long"}
    assert told["diffs"]["code/train.py"].splitlines() == [
        "--- code/train.py",
        "+++ code/train.py",
        "@@ -1,2 +1,2 @@",
        " a = 1",
        "-b = 2",
        "+b = \x1b[31m",
    ]
    long = told["diffs"]["code/long"].splitlines()
    assert len(long) == 201
    assert long[-1] == "… 1803 more lines"
    text = shipped.nrun("diff", before, after, "--only", "files").stdout
    assert "  code/train.py\n    @@ -1,2 +1,2 @@\n     a = 1\n    -b = 2\n    +b = \\x1b[31m\n" in text
    assert "  code/new\n    - (not there)\n" in text
    assert '  code/mode\n    - {"kind": "file"' in text
    same = shipped.nrun("diff", before, before)
    assert (same.returncode, same.stdout) == (0, "")


def test_diff_without_the_code_still_tells_that_it_differs(shipped):
    after, before = ids(shipped)
    for manifest in (shipped.home / "bundles").glob("*.manifest"):
        manifest.unlink()
    done = shipped.nrun("diff", before, after, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["files"]) == (1, {})
    assert list(told["code"]) == ["bundle of executor 0"]


def test_results_are_printed_and_an_error_comes_with_its_traceback(train):
    _, newer, _ = ids(train)
    done = train.nrun("results", newer, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"train": {"value": {"loss": [4.0, 2.0], "steps": 2}}}
    assert train.nrun("results", newer).stdout == 'train: {"loss": [4.0, 2.0], "steps": 2}\n'
    failed = train.nrun("results", "train")
    assert failed.returncode == 1
    assert "ValueError: the rate is too high" in failed.stdout
    assert "train.py" in failed.stdout
    assert train.nrun("results", newer, "script").returncode == 1


def test_arrays_of_numbers_come_back_by_file(shell):
    shell.write("arrays.py", ARRAYS)
    done = shell.python("arrays.py")
    assert done.returncode == 0, done.stderr
    read = """
        import nrun as run

        exp = run.Experiment.from_id("arrays")
        found = exp.jobs["arrays"].result()
        print(type(found["grid"]).__name__, found["grid"].tolist(), found["grid"].dtype)
        print(found["scalar"], found["count"], found["mine"])
        try:
            exp.jobs["objects"].result()
        except run.ResultError as error:
            print(error.message.partition(",")[0])
    """
    shell.write("read.py", read)
    done = shell.python("read.py")
    assert done.stdout.splitlines() == [
        "ndarray [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] float32",
        "0.5 3 {'$array': 'result-9.npy'}",
        "job 'objects' returned a numpy.ndarray",
    ], done.stderr
    told = json.loads(shell.nrun("results", "arrays", "arrays", "--json").stdout)["arrays"]["value"]["grid"]
    assert told["$array"].endswith("/jobs/arrays/attempt-1/result-0.npy")
    assert (told["shape"], told["dtype"]) == ([2, 3], "float32")
