"""One test per hook shows it at work; the others show what the five conventions promise."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs
import pytest

from nrun import Config, LauncherSpec, PackagerSpec, PackagingError, PlanError, PluginError, Script, State, UnknownName
from nrun.cli.entrypoint import entrypoint_of
from nrun.declare import CheckSpec, CommandSpec, ExecutorSpec
from nrun.events import ExperimentEnded
from nrun.planning import Plan, Surroundings
from nrun.plugins.observers import Observers
from nrun.provided import config_view, provided

PLAN = Plan(title="t", jobs=(), surroundings=Surroundings(cwd="/", path=(), main=None))
EVENT = ExperimentEnded(at=0.0, state=State.SUCCEEDED)


def declared(registry):
    return [(found.spec.name, found.plugin, found.distribution) for found in registry]


# ---- every hook


def test_hook_configure(site):
    site.add(
        "team",
        """
        import attrs

        @hookimpl
        def nrun_configure(task, job):
            return attrs.evolve(task, env={**task.env, "TEAM": "speech", "JOB": job})
        """,
    )
    task = site.hooks().configure(Script(inline="true", env={"A": "1"}), "train")
    assert task.env == {"A": "1", "TEAM": "speech", "JOB": "train"}


def test_hook_default_executor(site):
    assert site.hooks().default_executor() == "local"
    site.add("site-default", "@hookimpl\ndef nrun_default_executor(): return 'our-cluster'")
    assert site.hooks().default_executor() == "our-cluster"


def test_hook_packagers(site):
    site.add(
        "packager-wheel",
        """
        @hookimpl
        def nrun_packagers():
            yield PackagerSpec(name="wheel", summary="A wheel", class_name="WheelPackager", packager=lambda: Packager)
        """,
    )
    registry = site.hooks().packagers
    assert declared(registry) == [("wheel", "packager-wheel", "packager-wheel")]
    assert isinstance(registry.get("wheel"), PackagerSpec)


def test_hook_ignore_rule(site):
    with pytest.raises(PackagingError, match="nothing installed says what stays behind"):
        site.hooks().ignore_rule(Path("/code"))
    site.add("rules", "@hookimpl\ndef nrun_ignore_rule(root): return f'the rule of {root}'")
    assert site.hooks().ignore_rule(Path("/code")) == "the rule of /code"


def test_hook_executors(site):
    site.add(
        "executor-pbs",
        """
        @hookimpl
        def nrun_executors():
            return [ExecutorSpec(name="pbs", summary="PBS", class_name="Pbs", executor=None, backend=None)]
        """,
    )
    registry = site.hooks().executors
    assert declared(registry) == [("pbs", "executor-pbs", "executor-pbs")]
    assert isinstance(registry.get("pbs"), ExecutorSpec)


def test_hook_launchers(site):
    site.add(
        "launcher-mpi",
        """
        @hookimpl
        def nrun_launchers():
            yield LauncherSpec(name="mpi", summary="Under mpirun", class_name="Mpi", launcher=lambda: Launcher)
        """,
    )
    registry = site.hooks().launchers
    assert declared(registry) == [("mpi", "launcher-mpi", "launcher-mpi")]
    assert isinstance(registry.get("mpi"), LauncherSpec)


def test_hook_containers(site):
    site.add(
        "container-jail",
        """
        class JailContainer(Container):
            cell: int = 1

        @hookimpl
        def nrun_containers():
            yield ContainerSpec(
                name="jail", summary="In a jail", class_name="JailContainer", container=lambda: JailContainer
            )
        """,
    )
    hooks = site.hooks()
    assert declared(hooks.containers) == [("jail", "container-jail", "container-jail")]
    assert provided("JailContainer", hooks)(image="alpine", cell=2).mounts == ()
    with pytest.raises(UnknownName) as error:
        provided("PaperBagContainer", hooks)
    assert error.value.hint == "pip install nrun-container-paper-bag"


def test_hook_transports(site):
    site.add(
        "transport-mirror",
        """
        class MirrorTunnel(LocalTunnel):
            speed: int = 1

        @hookimpl
        def nrun_transports():
            yield TransportSpec(
                name="mirror", summary="To this machine", class_name="MirrorTunnel", tunnel=lambda: MirrorTunnel
            )
        """,
    )
    hooks = site.hooks()
    assert declared(hooks.transports) == [("mirror", "transport-mirror", "transport-mirror")]
    assert provided("MirrorTunnel", hooks)(job_dir="/tmp", speed=2).host == "localhost"
    with pytest.raises(UnknownName) as error:
        provided("CarrierPigeonTunnel", hooks)
    assert error.value.hint == "pip install nrun-transport-carrier-pigeon"
    with pytest.raises(UnknownName) as error:
        provided("SSHTunnel", hooks)
    assert error.value.hint == "pip install nrun-transport-ssh"


def test_hook_secrets(site):
    site.add(
        "secret-vault",
        """
        @hookimpl
        def nrun_secrets():
            yield SecretSpec(name="vault", summary="Ask the vault", resolver=lambda: str.upper)
        """,
    )
    registry = site.hooks().secrets
    assert declared(registry) == [("vault", "secret-vault", "secret-vault")]
    assert registry.get("vault").resolver()("team/token") == "TEAM/TOKEN"


def test_hook_validate(site):
    site.add(
        "budget", "@hookimpl\ndef nrun_validate(plan):\n    yield f'{plan.title} is too dear'\n    yield 'and too slow'"
    )
    assert site.hooks().validate(PLAN) == ["t is too dear (says plugin budget)", "and too slow (says plugin budget)"]


def test_hook_around(site):
    site.add(
        "quota",
        """
        import contextlib
        seen = []

        @contextlib.asynccontextmanager
        async def lease(title):
            seen.append(f"enter {title}")
            try:
                yield
            finally:
                seen.append("leave")

        @hookimpl
        def nrun_around(plan):
            return lease(plan.title)
        """,
    )
    hooks = site.hooks()
    seen = hooks.host.manager.get_plugin("quota").seen

    async def run():
        async with hooks.around(PLAN):
            seen.append("run")
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(run())
    assert seen == ["enter t", "run", "leave"]


def test_hook_event(site):
    site.add(
        "notifier",
        """
        import asyncio
        seen = []

        @hookimpl
        async def nrun_event(event, experiment, folder):
            await asyncio.sleep(0)
            seen.append((event.kind, experiment, str(folder)))
        """,
    )
    site.add("view", "seen = []\n@hookimpl\ndef nrun_event(event, watching): seen.append(watching)")
    hooks = site.hooks()
    for watching in (False, True):
        asyncio.run(hooks.observers(watching=watching).tell([EVENT], "2026-x", Path("/record")))
    assert hooks.host.manager.get_plugin("notifier").seen == [(EVENT.kind, "2026-x", "/record")]
    assert hooks.host.manager.get_plugin("view").seen == [False, True]


def test_hook_commands(site):
    site.add(
        "command-quota",
        """
        def load():
            import click
            return click.Command("quota")

        @hookimpl
        def nrun_commands():
            yield CommandSpec(name="quota", summary="What is left", command=load)
        """,
    )
    registry = site.hooks().commands
    assert declared(registry) == [("quota", "command-quota", "command-quota")]
    assert isinstance(registry.get("quota"), CommandSpec)
    assert registry.get("quota").command().name == "quota"


def test_hook_checks(site):
    site.add(
        "executor-pbs",
        """
        @hookimpl
        def nrun_checks():
            yield CheckSpec(name="pbs", summary="qsub answers", check=lambda: [CheckResult(ok=False, message="no")])
        """,
    )
    (found,) = site.hooks().checks
    assert isinstance(found.spec, CheckSpec)
    assert [result.ok for result in found.spec.check()] == [False]


def test_hook_languages(site):
    site.add(
        "language-flags",
        """
        class Flags:
            def command(self, entry):
                import click
                return click.Command(entry.name)

        @hookimpl
        def nrun_languages():
            yield LanguageSpec(name="flags", summary="--lr 3e-4", language=lambda: Flags)
        """,
    )
    hooks = site.hooks()
    assert declared(hooks.languages) == [("flags", "language-flags", "language-flags")]
    assert hooks.languages.get("flags").language()().command(entrypoint_of(declared)).name == "declared"


def test_hook_views(site):
    site.add(
        "config-html",
        """
        class Html:
            def diff(self, config, old):
                return "<table>"

        @hookimpl
        def nrun_views():
            yield ViewSpec(name="view", summary="As HTML", view=lambda: Html)
        """,
    )
    hooks = site.hooks()
    assert declared(hooks.views) == [("view", "config-html", "config-html")]
    assert config_view(hooks).diff(Config(dict, a=1), Config(dict)) == "<table>"


def test_a_view_that_is_not_installed_is_named(site):
    with pytest.raises(UnknownName, match="pip install nrun-config-view"):
        config_view(site.hooks())


def test_hook_names(site):
    site.add(
        "names-ours",
        """
        @hookimpl
        def nrun_names():
            yield NameSpec(name="quota_left", summary="Hours", load=lambda: 40)
            yield NameSpec(name="cli.quota", summary="Hours", load=lambda: 41)
        """,
    )
    hooks = site.hooks()
    assert [name for name, *_ in declared(hooks.names)] == ["quota_left", "cli.quota"]
    assert [provided(name, hooks) for name in ("quota_left", "cli.quota")] == [40, 41]
    with pytest.raises(UnknownName, match=r"provides quota_lft. Did you mean 'quota_left'\?"):
        provided("quota_lft", hooks)


def test_a_name_of_a_plugin_that_failed_names_the_failure(site):
    site.add("names-ours", "raise LookupError('gone')")
    with pytest.raises(PluginError, match="gone"):
        provided("ours", site.hooks())


def test_hook_formats(site):
    site.add(
        "config-ini",
        """
        class Ini:
            pass

        @hookimpl
        def nrun_formats():
            yield FormatSpec(name="ini", summary="INI files", suffixes=(".ini",), format=lambda: Ini)
        """,
    )
    registry = site.hooks().formats
    assert declared(registry) == [("ini", "config-ini", "config-ini")]
    assert registry.get("ini").suffixes == (".ini",)
    assert registry.get("ini").format().__name__ == "Ini"


# ---- collect


def test_declarations_are_collected_once(site):
    site.add(
        "counted",
        """
        calls = []

        @hookimpl
        def nrun_executors():
            calls.append(1)
            return ()
        """,
    )
    hooks = site.hooks()
    assert list(hooks.executors) == list(hooks.executors) == []
    assert len(hooks.host.manager.get_plugin("counted").calls) == 1


def test_a_plugin_that_declares_nothing_is_well(site):
    site.add("empty", "@hookimpl\ndef nrun_executors(): return None")
    hooks = site.hooks()
    assert list(hooks.executors) == []
    assert hooks.host.failed() == []


# ---- the order of calling

ANSWER = "@hookimpl{options}\ndef nrun_default_executor(): return {answer!r}"


def test_the_first_answer_counts_in_order_of_name(site):
    for name in ("cc", "aa", "bb"):
        site.add(name, ANSWER.format(options="", answer=None if name == "aa" else name))
    assert site.hooks().default_executor() == "bb"


def test_tryfirst_and_trylast_move_a_plugin(site):
    site.add("aa", ANSWER.format(options="(trylast=True)", answer="last"))
    site.add("bb", ANSWER.format(options="", answer="middle"))
    site.add("cc", ANSWER.format(options="(tryfirst=True)", answer="first"))
    assert site.hooks().default_executor() == "first"
    assert site.hooks(NRUN_DISABLE_PLUGINS="cc").default_executor() == "middle"
    assert site.hooks(NRUN_DISABLE_PLUGINS="cc,bb").default_executor() == "last"


def test_a_fold_goes_through_all_plugins_in_order_of_name(site):
    for name in ("cc", "aa", "bb"):
        site.add(
            name,
            f"""
            import attrs

            @hookimpl
            def nrun_configure(task):
                return attrs.evolve(task, args=(*task.args, {name!r})) if {name!r} != "bb" else None
            """,
        )
    assert site.hooks().configure(Script(inline="true"), "j").args == ("aa", "cc")


def test_scopes_are_left_in_reverse(site):
    for name in ("aa", "bb"):
        site.add(
            name,
            f"""
            import contextlib

            @contextlib.asynccontextmanager
            async def scope(plan):
                plan.jobs.append("+{name}")
                yield
                plan.jobs.append("-{name}")

            @hookimpl
            def nrun_around(plan):
                return scope(plan)
            """,
        )
    site.add("none", "@hookimpl\ndef nrun_around(): return None")
    plan = attrs.evolve(PLAN, jobs=[])

    async def run():
        async with site.hooks().around(plan):
            plan.jobs.append("run")

    asyncio.run(run())
    assert plan.jobs == ["+aa", "+bb", "run", "-bb", "-aa"]


# ---- participants may fail a run, and are named


FAILING = {
    "nrun_configure(task)": lambda hooks: hooks.configure(Script(inline="true"), "j"),
    "nrun_default_executor()": lambda hooks: hooks.default_executor(),
    "nrun_around(plan)": lambda hooks: asyncio.run(enter(hooks)),
}


async def enter(hooks):
    async with hooks.around(PLAN):
        pass


@pytest.mark.parametrize("error", ["ValueError('oh')", "SystemExit('oh')"])
@pytest.mark.parametrize(("signature", "call"), FAILING.items(), ids=FAILING)
def test_a_participant_that_fails_is_named(site, signature, call, error):
    site.add("culprit", f"@hookimpl\ndef {signature}: raise {error}", version="2.5")
    with pytest.raises(PluginError, match=r"plugin 'culprit' failed in nrun_.*: oh") as caught:
        call(site.hooks())
    assert caught.value.plugin == "culprit 2.5"
    assert isinstance(caught.value.__cause__, ValueError | SystemExit)


def test_an_error_of_nrun_that_a_participant_raises_stays_what_it_is_and_names_it(site):
    site.add("policy", "@hookimpl\ndef nrun_configure(task): raise PlanError('not on Fridays')")
    with pytest.raises(PlanError, match="not on Fridays") as caught:
        site.hooks().configure(Script(inline="true"), "j")
    assert caught.value.plugin == "policy 1.0"


def test_a_scope_that_cannot_be_entered_fails_the_run_and_leaves_those_before_it(site):
    site.add(
        "aa",
        """
        import contextlib
        left = []

        @contextlib.asynccontextmanager
        async def scope():
            try:
                yield
            finally:
                left.append("aa")

        @hookimpl
        def nrun_around():
            return scope()
        """,
    )
    site.add(
        "bb",
        """
        import contextlib

        @contextlib.asynccontextmanager
        async def scope():
            raise OSError("no lock")
            yield

        @hookimpl
        def nrun_around():
            return scope()
        """,
    )
    hooks = site.hooks()
    with pytest.raises(PluginError, match="plugin 'bb' failed in nrun_around: OSError: no lock"):
        asyncio.run(enter(hooks))
    assert hooks.host.manager.get_plugin("aa").left == ["aa"]


@pytest.mark.parametrize("body", ["raise ValueError('oh')", "yield 'too big'; raise ValueError('oh')"])
def test_a_validator_that_fails_is_itself_a_problem(site, body):
    site.add("aa", f"@hookimpl\ndef nrun_validate(plan): {body}")
    site.add("bb", "@hookimpl\ndef nrun_validate(): return ['really bad']")
    assert site.hooks().validate(PLAN) == [
        "plugin 'aa' failed in nrun_validate: ValueError: oh (says plugin aa)",
        "really bad (says plugin bb)",
    ]


# ---- observers never can

MISBEHAVING = {
    "raises": "def nrun_event(event): raise ValueError",
    "raises in a coroutine": "async def nrun_event(event): raise ValueError",
    "exits": "def nrun_event(event): raise SystemExit",
    "cancels itself": "async def nrun_event(event):\n    import asyncio\n    raise asyncio.CancelledError",
    "never answers": "async def nrun_event(event):\n    import asyncio\n    await asyncio.Event().wait()",
    "blocks": "def nrun_event(event):\n    import time\n    time.sleep(0.3)",
}


@pytest.mark.parametrize("source", MISBEHAVING.values(), ids=MISBEHAVING)
def test_an_observer_that_misbehaves_is_reported_once_and_left_out(site, caplog, source):
    site.add("aa-bad", f"@hookimpl\n{source}")
    site.add("good", "seen = []\n@hookimpl\ndef nrun_event(event): seen.append(event)")
    hooks = site.hooks()
    implementations = hooks.observers()._implementations
    observers = Observers(implementations, timeout_s=0.1)

    async def run():
        await observers.tell([EVENT], "x", Path("/record"))
        await observers.tell([EVENT, EVENT], "x", Path("/record"))

    asyncio.run(run())
    assert len(hooks.host.manager.get_plugin("good").seen) == 3
    assert [record.name for record in hooks.host.failed()] == ["aa-bad"]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "observer aa-bad failed and is left out"
    ]


def test_telling_observers_can_be_cancelled(site):
    site.add("slow", "@hookimpl\nasync def nrun_event(event):\n    import asyncio\n    await asyncio.Event().wait()")
    hooks = site.hooks()

    async def run():
        telling = asyncio.create_task(hooks.observers().tell([EVENT], "x", Path("/record")))
        await asyncio.sleep(0)
        telling.cancel()
        await telling

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert hooks.host.failed() == []


def test_an_observer_hears_events_in_their_order(site):
    site.add("good", "seen = []\n@hookimpl\nasync def nrun_event(event): seen.append(event.at)")
    hooks = site.hooks()
    events = [attrs.evolve(EVENT, at=float(number)) for number in range(20)]
    asyncio.run(hooks.observers().tell(events, "x", Path("/record")))
    assert hooks.host.manager.get_plugin("good").seen == [event.at for event in events]
