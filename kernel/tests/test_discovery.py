from __future__ import annotations

import subprocess
import sys

from nrun.plugins.discovery import PluginRef, discover


def write(folder, info, text):
    (folder / info).mkdir(parents=True)
    (folder / info / "entry_points.txt").write_text(text, "utf-8")


def test_a_plugin_is_found_by_its_metadata(tmp_path):
    write(
        tmp_path, "our_pbs-2.1.dist-info", "[console_scripts]\npbs = x:y\n\n[nrun.v1]\nexecutor-pbs = our_pbs.plugin\n"
    )
    assert discover([str(tmp_path)]) == [PluginRef("executor-pbs", "our_pbs.plugin", "our-pbs", "2.1", "nrun.v1")]


def test_nothing_is_imported_to_find_plugins(tmp_path):
    write(tmp_path, "bad-1.dist-info", "[nrun.v1]\nbad = no_such_module_at_all\n")
    assert [ref.module for ref in discover([str(tmp_path)])] == ["no_such_module_at_all"]
    assert "no_such_module_at_all" not in sys.modules


def test_plugins_of_every_api_version_are_found_and_other_groups_are_not(tmp_path):
    write(tmp_path, "a-1.dist-info", "[nrun.v2]\na = a\n[nrun.v1]\na = a_old\n[nrunner.v1]\nb = b\n[nrun]\nc = c\n")
    assert {(ref.group, ref.module) for ref in discover([str(tmp_path)])} == {("nrun.v1", "a_old"), ("nrun.v2", "a")}


def test_a_distribution_on_two_folders_of_the_path_counts_once_where_it_is_first(tmp_path):
    write(tmp_path / "one", "Some.Thing-1.0.dist-info", "[nrun.v1]\nx = first\n")
    write(tmp_path / "two", "some_thing-2.0.dist-info", "[nrun.v1]\nx = second\n")
    assert [ref.module for ref in discover([str(tmp_path / "one"), str(tmp_path / "two")])] == ["first"]


def test_plugins_come_sorted_by_name_whatever_the_path(tmp_path):
    for name in ("zeta", "alpha", "mid"):
        write(tmp_path / name, f"d_{name}-1.dist-info", f"[nrun.v1]\n{name} = m\n")
    folders = [str(tmp_path / name) for name in ("mid", "zeta", "alpha")]
    assert [ref.name for ref in discover(folders)] == ["alpha", "mid", "zeta"]


def test_egg_info_of_a_development_install_counts(tmp_path):
    write(tmp_path, "dev.egg-info", "[nrun.v1]\ndev = dev_module\n")
    assert [(ref.distribution, ref.version) for ref in discover([str(tmp_path)])] == [("dev", "")]


def test_comments_blanks_extras_and_attributes_are_read_as_the_standard_has_them(tmp_path):
    text = "# comment\n\n[nrun.v1]\n; other = comment\n\n  spaced   =   pkg.mod [extra]\nobject = pkg.other:thing\n"
    write(tmp_path, "a-1.dist-info", text)
    assert [(ref.name, ref.module) for ref in discover([str(tmp_path)])] == [
        ("object", "pkg.other"),
        ("spaced", "pkg.mod"),
    ]


def test_what_cannot_be_read_is_passed_over(tmp_path):
    (tmp_path / "no_entry_points-1.dist-info").mkdir()
    (tmp_path / "not_utf8-1.dist-info").mkdir()
    (tmp_path / "not_utf8-1.dist-info" / "entry_points.txt").write_bytes(b"[nrun.v1]\nx = \xff\xfe\n")
    (tmp_path / "file.dist-info").write_text("not a folder")
    write(tmp_path, "good-1.dist-info", "[nrun.v1]\ngood = good\nbroken =\n = nameless\njust words\n")
    found = discover([str(tmp_path / "missing"), str(tmp_path / "file.dist-info"), str(tmp_path)])
    assert [ref.name for ref in found if ref.name] == ["good"]


def test_the_answer_is_that_of_importlib_metadata():
    program = """
from importlib.metadata import entry_points
from nrun.plugins.discovery import discover
ours = {(ref.name, ref.module) for ref in discover() if ref.group == "nrun.v1"}
theirs = {(point.name, point.module) for point in entry_points(group="nrun.v1")}
assert ours == theirs, (ours, theirs)
assert ours
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
