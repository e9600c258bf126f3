"""Who acts on events is told once, by the process in charge; who only shows them is told wherever somebody looks on."""

from __future__ import annotations

import pytest

OBSERVER = """
    import os

    from nrun import hookimpl
    from nrun.events import ExperimentEnded

    @hookimpl
    def nrun_event(event, experiment{more}):
        if isinstance(event, ExperimentEnded):
            with open("{file}", "a") as file:
                file.write(f"{{event.state}}{said}\\n")
"""
SCRIPT = """
    import nrun as run

    exp = run.Experiment("seen")
    exp.add(run.Script(inline="until test -e {go}; do sleep 0.05; done", entrypoint="sh"), name="waits")
    exp.run(check=False)
"""


@pytest.fixture
def observed(shell):
    """A shell where a notifier and a live view are installed; each writes into a file of its name."""
    site = shell.folder / "site"
    for name, more, said in (("notifier", "", ""), ("view", ", watching", " {watching}")):
        info = site / f"nrun_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: nrun-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[nrun.v1]\n{name} = nrun_{name}\n")
        text = OBSERVER.format(more=more, said=said, file=shell.folder / name)
        shell.write(f"site/nrun_{name}.py", text)
        (shell.folder / name).touch()
    shell.env["PYTHONPATH"] = str(site)
    shell.write("seen.py", SCRIPT.format(go=shell.folder / "go"))
    return shell


def test_a_notifier_is_told_once_however_many_look_on(observed):
    assert observed.nrun("run", "--detach", "seen.py").returncode == 0
    watching = [observed.start(*words) for words in (["attach", "seen"], ["status", "seen", "--watch"], ["attach"])]
    for one in watching:
        assert one.stderr.readline(), "it shows that it looks on"
    (observed.folder / "go").touch()
    assert [one.wait(timeout=60) for one in watching] == [0, 0, 0]
    for one in watching:
        one.communicate()
    assert observed.read("notifier") == "SUCCEEDED\n"
    assert sorted(observed.read("view").splitlines()) == ["SUCCEEDED False", *["SUCCEEDED True"] * 3]


def test_who_takes_charge_tells_a_notifier(observed):
    (observed.folder / "go").touch()
    assert observed.nrun("run", "seen.py").returncode == 0
    assert (observed.read("notifier"), observed.read("view")) == ("SUCCEEDED\n", "SUCCEEDED False\n")
    assert observed.nrun("rerun", "--force", "seen").returncode == 0
    assert observed.read("notifier") == "SUCCEEDED\n" * 2
