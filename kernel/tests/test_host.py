"""A broken plugin never breaks another: every way to be broken, beside one plugin that is well."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nrun import PluginError, UnknownName
from nrun.plugins import Hooks, PluginState
from nrun.plugins.host import complain
from nrun.provided import provided

GOOD = """
class GoodExecutor: pass

@hookimpl
def nrun_executors():
    yield ExecutorSpec(
        name="good", summary="Works", class_name="GoodExecutor", executor=lambda: GoodExecutor, backend=lambda: None
    )
"""

BROKEN = {
    "ImportError at import": ("import no_such_module", "import failed: ModuleNotFoundError"),
    "any error at import": ("1 / 0", "import failed: ZeroDivisionError"),
    "syntax error": ("def (:", "import failed: SyntaxError"),
    "SystemExit at import": ("raise SystemExit(3)", "import failed: SystemExit: 3"),
    "misspelt hook": (
        "@hookimpl\ndef nrun_executor(): pass",
        "there is no hook nrun_executor. Did you mean 'nrun_exec",
    ),
    "not named like a hook": ("@hookimpl\ndef executors(): pass", "there is no hook executors."),
    "wrong argument": ("@hookimpl\ndef nrun_validate(plann): pass", "plann"),
    "forgotten mark": ("def nrun_executors(): pass", "nrun_executors looks like a hook but lacks @hookimpl"),
    "wrapper": ("@hookimpl(wrapper=True)\ndef nrun_executors():\n    return (yield)", "nrun's hooks take none"),
    "old wrapper": ("@hookimpl(hookwrapper=True)\ndef nrun_executors():\n    yield", "nrun's hooks take none"),
    "raises in a declaration": ("@hookimpl\ndef nrun_executors(): 1 / 0", "nrun_executors failed: ZeroDivisionError"),
    "raises half through": (
        "@hookimpl\ndef nrun_executors():\n    yield from ()\n    raise SystemExit",
        "nrun_executors failed: SystemExit",
    ),
    "declares something else": (
        "@hookimpl\ndef nrun_executors(): return ['bad']",
        "nrun_executors must give ExecutorSpec objects, not str",
    ),
    "no list": ("@hookimpl\ndef nrun_executors(): return 3", "nrun_executors failed: TypeError"),
    "a name that is no text": (
        (
            "@hookimpl\ndef nrun_executors():\n"
            "    yield ExecutorSpec(name=['bad'], summary='', class_name='', executor=None, backend=None)"
        ),
        "nrun_executors failed: UnfitValue: ExecutorSpec: 'name' must be",
    ),
    "declares a name twice": (
        (
            "@hookimpl\ndef nrun_executors():\n"
            "    one = ExecutorSpec(name='bad', summary='', class_name='', executor=None, backend=None)\n"
            "    return [one, one]"
        ),
        "executor 'bad' is declared twice: by executor-bad",
    ),
}


@pytest.mark.parametrize(("source", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_failed_with_its_cause_and_the_good_one_works(site, source, cause):
    site.add("executor-bad", source)
    site.add("executor-good", GOOD)
    hooks = site.hooks()
    assert [declared.spec.name for declared in hooks.executors] == ["good"]
    assert provided("GoodExecutor", hooks).__name__ == "GoodExecutor"
    states = {record.name: record.state for record in hooks.host.records}
    assert states == {"executor-bad": PluginState.FAILED, "executor-good": PluginState.LOADED}
    assert cause in hooks.host.record("executor-bad").cause
    assert hooks.host.record("executor-bad").detail


@pytest.mark.parametrize(("source", "cause"), BROKEN.values(), ids=BROKEN)
def test_naming_what_a_failed_plugin_would_have_provided_shows_its_cause(site, source, cause):
    site.add("executor-bad", source)
    hooks = site.hooks()
    for ask in (lambda: hooks.executors.get("bad"), lambda: provided("BadExecutor", hooks)):
        with pytest.raises(PluginError) as caught:
            ask()
        assert cause in caught.value.message
        assert caught.value.plugin == "executor-bad 1.0"
        assert "nrun plugins doctor" in caught.value.hint


def test_a_name_that_nothing_provides_says_what_is_there_and_what_to_install(site):
    site.add("executor-good", GOOD)
    hooks = site.hooks()
    with pytest.raises(UnknownName, match=r"unknown executor 'goood'; installed: good\. Did you mean 'good'\?"):
        hooks.executors.get("goood")
    with pytest.raises(UnknownName) as caught:
        provided("PbsExecutor", hooks)
    assert caught.value.hint == "pip install nrun-executor-pbs"
    assert isinstance(caught.value, AttributeError)


def test_a_class_that_cannot_be_loaded_names_its_distribution(site):
    site.add("executor-good", GOOD.replace("executor=lambda: GoodExecutor", "executor=lambda: 1 / 0"))
    with pytest.raises(PluginError, match="GoodExecutor cannot be loaded: ZeroDivisionError") as caught:
        provided("GoodExecutor", site.hooks())
    assert caught.value.plugin == "executor-good"


def test_a_class_that_two_distributions_provide_is_refused_and_both_are_named(site):
    site.add("our-pbs", GOOD)
    site.add("their-pbs", GOOD.replace('"good"', '"other"'))
    with pytest.raises(PluginError, match="GoodExecutor is provided twice: by our-pbs and their-pbs"):
        provided("GoodExecutor", site.hooks())


def test_failed_plugins_cost_one_line_on_stderr(site, capsys):
    site.add("executor-bad", "1 / 0")
    site.add("executor-worse", "raise SystemExit")
    complain(site.host())
    assert capsys.readouterr().err == (
        "nrun: 2 plugins failed to load (executor-bad, executor-worse); see `nrun plugins doctor`\n"
    )


def test_nothing_is_said_when_all_is_well(site, capsys):
    site.add("executor-good", GOOD)
    complain(site.host())
    assert capsys.readouterr().err == ""


def test_two_distributions_that_declare_one_name_are_both_failed_and_both_named(site):
    other = GOOD.replace('"good"', '"other"').replace("GoodExecutor", "OtherExecutor")
    site.add("their-pbs", GOOD.replace('"good"', '"pbs"'))
    site.add("our-pbs", GOOD.replace('"good"', '"pbs"'))
    site.add("executor-other", other)
    hooks = site.hooks()
    assert [declared.spec.name for declared in hooks.executors] == ["other"]
    with pytest.raises(PluginError, match="'pbs' is declared twice: by our-pbs and their-pbs"):
        hooks.executors.get("pbs")


def test_two_distributions_with_one_plugin_name_are_both_left_out_and_both_named(site):
    one = site.add("one", GOOD, name="twin")
    two = site.add("two", GOOD, name="twin")
    site.add("executor-other", GOOD.replace('"good"', '"other"'))
    hooks = site.hooks()
    twins = [record for record in hooks.host.records if record.name == "twin"]
    assert [record.state for record in twins] == [PluginState.SHADOWED] * 2
    assert all("by one and two" in record.cause for record in twins)
    assert not {one, two} & set(sys.modules)
    assert [declared.spec.name for declared in hooks.executors] == ["other"]


def test_a_plugin_of_another_api_is_listed_and_never_imported(site):
    module = site.add("executor-future", GOOD, group="nrun.v2")
    host = site.host()
    (record,) = host.records
    assert record.state is PluginState.INCOMPATIBLE
    assert record.cause == "written for nrun.v2; this nrun speaks nrun.v1"
    assert module not in sys.modules
    assert host.failed() == []


def test_a_plugin_may_be_written_for_two_apis(site):
    module = site.add("executor-good", GOOD)
    info = site.folder / "executor_good-1.0.dist-info" / "entry_points.txt"
    info.write_text(f"[nrun.v0]\nexecutor-good = aa_old_module\n[nrun.v1]\nexecutor-good = {module}\n")
    hooks = site.hooks()
    assert hooks.host.record("executor-good").state is PluginState.LOADED
    assert "good" in hooks.executors


@pytest.mark.parametrize(
    ("env", "loaded"),
    [
        ({}, ["aa", "bb", "cc"]),
        ({"NRUN_PLUGINS": "bb"}, ["bb"]),
        ({"NRUN_PLUGINS": " bb , cc ,"}, ["bb", "cc"]),
        ({"NRUN_PLUGINS": ""}, []),
        ({"NRUN_DISABLE_PLUGINS": "bb,unknown"}, ["aa", "cc"]),
        ({"NRUN_PLUGINS": "aa,bb", "NRUN_DISABLE_PLUGINS": "bb"}, ["aa"]),
    ],
    ids=str,
)
def test_plugins_can_be_allowed_and_denied_by_name(site, env, loaded):
    modules = {name: site.add(name, "") for name in ("aa", "bb", "cc")}
    host = site.host(**env)
    assert [record.name for record in host.records if record.state is PluginState.LOADED] == loaded
    left_out = [record for record in host.records if record.name not in loaded]
    assert all(record.state is PluginState.DISABLED for record in left_out)
    assert all(any(f"left out by {variable}" == record.cause for variable in env) for record in left_out)
    assert {name for name, module in modules.items() if module in sys.modules} == set(loaded)


def test_disabling_one_of_two_clashing_plugins_makes_the_other_work(site):
    site.add("our-pbs", GOOD)
    site.add("their-pbs", GOOD)
    assert "good" not in site.hooks().executors
    assert "good" in site.hooks(NRUN_DISABLE_PLUGINS="their-pbs").executors


def test_a_process_whose_plugins_are_broken_still_has_the_others(site):
    site.add("executor-bad", "raise SystemExit(5)")
    site.add("executor-good", GOOD)
    program = f"""
import sys; sys.path.insert(0, {str(site.folder)!r})
import nrun
print(nrun.GoodExecutor.__name__, hasattr(nrun, "PbsExecutor"))
try:
    nrun.BadExecutor
except nrun.PluginError as error:
    print("executor-bad" in str(error))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "GoodExecutor False\nTrue\n"), done.stderr


def test_hosts_are_independent_of_one_another(site):
    site.add("executor-good", GOOD)
    assert "good" in Hooks(site.host()).executors
    assert "good" not in Hooks(site.host(NRUN_PLUGINS="")).executors
    assert "good" in Hooks(site.host()).executors
