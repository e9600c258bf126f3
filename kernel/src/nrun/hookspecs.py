"""Every hook of nrun, grouped by phase. Hooks declare; objects act.

Each hook has one of five calling conventions, and with it one answer to "who may fail?":

- **collect**: every plugin is asked once; a failing one is marked FAILED and contributes nothing.
- **first**: plugins are asked in order of name until one has an answer; a failing one fails the run.
- **fold**: a value goes through all plugins in order of name; `None` means unchanged; a failing one fails the run.
- **around**: an async context manager is entered before and left after; failing to enter fails the run.
- **notify**: every plugin is told; failures and slowness are contained and never reach the run.

Implementations take any subset of the parameters, without defaults. They are plain functions (only
**notify** may be `async`) in a module that imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun.markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from nrun.containers import ContainerSpec
    from nrun.declare import (
        CheckSpec,
        CommandSpec,
        ExecutorSpec,
        FormatSpec,
        LanguageSpec,
        LauncherSpec,
        NameSpec,
        PackagerSpec,
        SecretSpec,
        ViewSpec,
    )
    from nrun.events import Event
    from nrun.planning import Plan, Task
    from nrun.protocols import IgnoreRule
    from nrun.tunnels import TransportSpec


# ---- configuration building ----------------------------------------------------------------------


@hookspec
def nrun_configure(task: Task, job: str) -> Task | None:
    """Change a task before it is planned.

    Convention: fold. Fires for each task of the job named `job`, when an experiment is planned.
    A failing plugin fails the plan.

    Example::

        @hookimpl
        def nrun_configure(task):
            return attrs.evolve(task, env={**task.env, "TEAM": "speech"}) if isinstance(task, Script) else None
    """


@hookspec(firstresult=True)
def nrun_default_executor() -> str | None:
    """Name the executor of jobs that were given none.

    Convention: first. Fires when an experiment is planned and a job has no executor. A failing
    plugin fails the plan. Without an answer it is `local`.

    Example::

        @hookimpl
        def nrun_default_executor():
            return "our-cluster"
    """


@hookspec
def nrun_formats() -> Iterable[FormatSpec]:
    """Declare config formats: how a configuration is written down.

    Convention: collect. Fires once per process, when a file is first read or written.

    Example::

        @hookimpl
        def nrun_formats():
            yield FormatSpec(name="ini", summary="INI files", suffixes=(".ini",), format=_ini)
    """
    return ()


@hookspec
def nrun_languages() -> Iterable[LanguageSpec]:
    """Declare command languages: what can be typed after an entrypoint to change its configuration.

    Convention: collect. Fires once per process, when an entrypoint is run from the command line. `overrides` is the
    language unless `NRUN_LANGUAGE` names another.

    Example::

        @hookimpl
        def nrun_languages():
            yield LanguageSpec(name="flags", summary="--lr 3e-4, as argparse has it", language=_flags)
    """
    return ()


@hookspec
def nrun_views() -> Iterable[ViewSpec]:
    """Declare views: what `cfg.diff`, `cfg.visualize` and `cfg.save_config_img` do. The one called `view` is used.

    Convention: collect. Fires once per process, when one of these methods is first called.

    Example::

        @hookimpl
        def nrun_views():
            yield ViewSpec(name="view", summary="Differences and pictures as HTML", view=_html_view)
    """
    return ()


# ---- packaging -----------------------------------------------------------------------------------


@hookspec
def nrun_packagers() -> Iterable[PackagerSpec]:
    """Declare packagers: what code can travel with a job.

    Convention: collect. Fires once per process, when a packager is first looked up.

    Example::

        @hookimpl
        def nrun_packagers():
            yield PackagerSpec(
                name="wheel", summary="Ship a wheel", class_name="WheelPackager", packager=_wheel_packager
            )
    """
    return ()


@hookspec(firstresult=True)
def nrun_ignore_rule(root: Path) -> IgnoreRule | None:
    """Give the rule that says what stays behind of a folder, whatever packager ships it.

    Convention: first. Fires when a packager asks, in the process that packs. A failing plugin fails the packing.

    Example::

        @hookimpl
        def nrun_ignore_rule(root):
            from our_rules import NoNotebooks

            return NoNotebooks(root)
    """


# ---- execution -----------------------------------------------------------------------------------


@hookspec
def nrun_executors() -> Iterable[ExecutorSpec]:
    """Declare executors: where tasks can run.

    Convention: collect. Fires once per process, when an executor is first looked up.

    Example::

        @hookimpl
        def nrun_executors():
            yield ExecutorSpec(
                name="pbs", summary="Submit to PBS", class_name="PbsExecutor", executor=_executor, backend=_backend
            )
    """
    return ()


@hookspec
def nrun_launchers() -> Iterable[LauncherSpec]:
    """Declare launchers: how the processes of a job start.

    Convention: collect. Fires once per process, when a launcher is first looked up.

    Example::

        @hookimpl
        def nrun_launchers():
            yield LauncherSpec(name="mpi", summary="Start under mpirun", class_name="Mpi", launcher=_mpi)
    """
    return ()


@hookspec
def nrun_containers() -> Iterable[ContainerSpec]:
    """Declare containers: what runs images, inside what an executor gives a job.

    Convention: collect. Fires once per process, when a container is first looked up.

    Example::

        @hookimpl
        def nrun_containers():
            yield ContainerSpec(name="jail", summary="In a jail", class_name="JailContainer", container=_jail)
    """
    return ()


@hookspec
def nrun_transports() -> Iterable[TransportSpec]:
    """Declare transports: how the host is reached that a backend works on.

    Convention: collect. Fires once per process, when a tunnel is first looked up.

    Example::

        @hookimpl
        def nrun_transports():
            yield TransportSpec(name="telnet", summary="As it used to be", class_name="TelnetTunnel", tunnel=_tunnel)
    """
    return ()


@hookspec
def nrun_secrets() -> Iterable[SecretSpec]:
    """Declare secret resolvers: where tokens come from.

    Convention: collect. Fires once per process, when a job that needs a secret is submitted, or a log shown that may
    hold one.

    Example::

        @hookimpl
        def nrun_secrets():
            yield SecretSpec(name="vault", summary="Ask the vault", resolver=_vault)
    """
    return ()


@hookspec
def nrun_validate(plan: Plan) -> Iterable[str]:
    """Object to a plan: each text yielded is one problem, and any problem refuses the plan.

    Convention: collect, but a failing plugin is itself a problem. Fires after planning, before anything is
    written or submitted.

    Example::

        @hookimpl
        def nrun_validate(plan):
            if len(plan.jobs) > 5000:
                yield "more than 5,000 jobs; ask the platform team"
    """
    return ()


@hookspec
def nrun_around(plan: Plan) -> AbstractAsyncContextManager[None] | None:
    """Wrap a run: locks, tunnels, tracing.

    Convention: around. Entered before the first job is submitted, left after the last has ended, also on
    failure and interrupt. A plugin that cannot enter fails the run.

    Example::

        @hookimpl
        def nrun_around(plan):
            return quota_lease(len(plan.jobs))
    """


# ---- lifecycle events ----------------------------------------------------------------------------


@hookspec
def nrun_event(event: Event, experiment: str, folder: Path, watching: bool) -> Awaitable[None] | None:  # noqa: FBT001 - passed by name
    """Be told what happens in the experiment with the id `experiment`; `nrun.events` lists the kinds.

    `folder` is that of the experiment in the record: what happened before is in its journal.

    Whoever acts on events (posts, uploads) leaves `watching` out and is told by the process in charge alone: of each
    event once at most. Whoever only shows them takes it and is told wherever somebody looks on, such as by
    `nrun attach` or `nrun status --watch`; it is True where another process is in charge.

    Convention: notify; may be `async`. Fires after the event is in the journal (all but `Underway` are), in its order.
    A failing or slow plugin is reported once and then left out for the rest of the run.

    Example::

        @hookimpl
        async def nrun_event(event, experiment):
            if isinstance(event, ExperimentEnded):
                await post(experiment, event.state)
    """


# ---- interface -----------------------------------------------------------------------------------


@hookspec
def nrun_commands() -> Iterable[CommandSpec]:
    """Declare commands: what can be typed after `nrun`. "experiment quota" adds `quota` to `nrun experiment`.

    Convention: collect. Fires whenever the command line starts; the command itself is loaded only to run it
    or to show its own help.

    Example::

        @hookimpl
        def nrun_commands():
            yield CommandSpec(name="quota", summary="Show what is left", command=_quota)
    """
    return ()


@hookspec
def nrun_names() -> Iterable[NameSpec]:
    """Declare names: `nrun.<name>`, or `nrun.cli.<rest>` for `cli.<rest>`, for what Python programs call.

    Convention: collect. Fires once per process, when a name is looked up that the kernel does not have.

    Example::

        @hookimpl
        def nrun_names():
            yield NameSpec(name="quota_left", summary="Hours that are left", load=_quota_left)
    """
    return ()


@hookspec
def nrun_checks() -> Iterable[CheckSpec]:
    """Declare checks: is this machine ready for what the plugin does?

    Convention: collect. Fires when `nrun plugins doctor` runs; a check that raises counts as not passed.

    Example::

        @hookimpl
        def nrun_checks():
            yield CheckSpec(name="pbs", summary="qsub answers", check=_check)
    """
    return ()
