from __future__ import annotations

import importlib.metadata
import json
import re
import sys

from nrun import Experiment, Script
from nrun_provenance_python.note import note, packages


def test_every_package_is_noted_as_the_standard_library_knows_it():
    known = {
        re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version
        for one in reversed(list(importlib.metadata.distributions()))
    }
    assert packages(sys.path) == known
    assert known["click"]


def test_the_first_on_the_path_counts(tmp_path):
    for folder, version in (("a", "1.0"), ("b", "2.0")):
        (tmp_path / folder / f"Some.Thing-{version}.dist-info").mkdir(parents=True)
    (tmp_path / "b" / "old-0.1-py3.11.egg-info").mkdir()
    (tmp_path / "b" / "no-metadata").mkdir()
    path = [str(tmp_path / one) for one in ("a", "gone", "b")]
    assert packages(path) == {"old": "0.1", "some-thing": "1.0"}


def test_an_experiment_has_them_from_its_launch(tmp_path):
    exp = Experiment("noted", home=tmp_path)
    exp.add(Script(inline="true"))
    exp.run()
    file = exp.path / "provenance" / "python.json"
    told = json.loads(file.read_text())
    assert (told["executable"], told["version"]) == (sys.executable, sys.version)
    assert told["packages"] == packages(sys.path)
    file.write_text("as it was")
    note(exp.path)  # whoever resumes it may have other packages
    assert file.read_text() == "as it was"
