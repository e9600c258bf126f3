"""Whether a cluster takes the jobs of an executor: what works there, and what to do about the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nrun import CheckResult, Completed, HostCommand, TransportError
from nrun.model import Command, JobPath
from nrun_executor_slurm.interactive import sbatch_options, srun_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun_executor_slurm.executor import SlurmExecutor

TIMEOUT_S = 20.0
PROBE_S = 60
"""How long a node may take to be free for a probe."""
_PROGRAMS = "sbatch srun squeue scancel scontrol"
_VERSIONS = f"""
for one in {_PROGRAMS}; do
    command -v "$one" >/dev/null || {{ echo "there is no $one" >&2; exit 1; }}
done
sbatch --version
"""
_LIMITS = "scontrol show config | sed -n 's/^\\(MaxArraySize\\|MaxJobCount\\) *= */\\1 /p' | tr '\\n' ' '"
_ACCOUNTING = 'sacct -n -X -j 1 >/dev/null && sacctmgr -n -P show assoc user="$(id -un)" format=account,maxsubmit'
_FOLDER = """folder=$1; case $1 in '~/'*) folder=$HOME/${1#??} ;; esac"""
_JOB_DIR = f"""
{_FOLDER}
mkdir -p -m 700 -- "$folder" && cd "$folder" && : >".nrun-check-$2" || exit
df -Pk . | tail -n 1 | {{ read -r _ _ _ free _; echo "$PWD, $((free / 1048576)) GiB free"; }}
"""
_PYTHON = "import sys; print('Python', sys.version.split()[0]); sys.exit(sys.version_info < (3, 8))"
_NODE = f"""
{_FOLDER}
name=$(uname -n)
cd "$folder" 2>/dev/null && [ -e ".nrun-check-$2" ] || {{ echo "job_dir|$name does not see $1"; exit 0; }}
if : >".nrun-check-$2-node"; then echo "job_dir ok|$name sees it and writes there"; else
    echo "job_dir|$name cannot write to it"
fi
if told=$("$3" -c "$4" 2>&1); then echo "python ok|$told on $name"; else echo "python|$3 on $name: $told"; fi
[ -z "$5" ] || if told=$(command -v "$5"); then echo "container ok|$told on $name"; else
    echo "container|there is no $5 on $name"
fi
"""
_REMEDIES = {
    "job_dir": "give the tunnel a job_dir that login node and compute nodes share, and that is yours",
    "python": "set `python` of the executor to Python 3.8 or later there, or load it in setup_lines",
    "container": "ask whoever runs the cluster, or use another container",
}


async def check(executor: SlurmExecutor, *, probe: bool = False) -> list[CheckResult]:
    """Everything that can be seen from the login node; with `probe` also what a job of one second sees on a node."""
    tunnel = executor.tunnel
    token = "probe" if probe else "login"
    texts = (_VERSIONS, "scontrol ping", _ACCOUNTING, _LIMITS)
    commands = [HostCommand(("sh", "-c", text), repeatable=True) for text in texts]
    commands += [
        HostCommand(("sbatch", "--test-only", *sbatch_options(executor), "--wrap=true"), repeatable=True),
        HostCommand(("sh", "-c", _JOB_DIR, "sh", tunnel.job_dir, token), repeatable=True),
        HostCommand(("python3", "-c", _PYTHON), repeatable=True),
        HostCommand(("srun", "--help"), repeatable=True),
    ]
    try:
        async with tunnel.connect() as host:
            answers = await host.run(commands, timeout_s=TIMEOUT_S)
            found = _seen_from_login(executor, answers)
            if probe and all(one.ok for one in found):
                (told,) = await host.run([_probe(executor, token)], timeout_s=PROBE_S + TIMEOUT_S)
                found += _seen_on_node(told)
            clean = f'{_FOLDER}; cd "$folder" && rm -f .nrun-check-*'
            await host.run(
                [HostCommand(("sh", "-c", clean, "sh", tunnel.job_dir), repeatable=True)], timeout_s=TIMEOUT_S
            )
    except TransportError as error:
        return [CheckResult(ok=False, message=f"login: {error.message}", remedy=error.hint or "")]
    return found


def _seen_from_login(executor: SlurmExecutor, answers: Sequence[Completed | TransportError]) -> list[CheckResult]:
    versions, ping, accounting, limits, test, job_dir, python, srun_help = map(_told, answers)
    up = ping[0] and " is UP" in ping[1]
    found = [
        CheckResult(ok=True, message=f"login: {executor.tunnel.host}"),
        _result("commands", versions, f"have {_PROGRAMS} on the PATH of commands, or load them by pre_command"),
        _result("controller", (up, ping[1]), "ask whoever runs the cluster; `scontrol ping` must say UP"),
        _accounts(executor.account, *accounting),
        CheckResult(ok=True, message=f"limits: {limits[1].strip() or 'not told'}"),
        _result("these options", test, "change what Slurm complains of: partition, account, qos, time, nodes …"),
        _result("job_dir", job_dir, _REMEDIES["job_dir"]),
        _result("python3 of the login node", python, "have Python 3.8 or later there: code and outputs need it"),
    ]
    if _program(executor) == "":
        has = "--container-image" in srun_help[1]
        told = "srun has Pyxis" if has else "srun knows no --container-image: Pyxis is not installed"
        found.append(_result("container", (has, told), _REMEDIES["container"]))
    return found


def _probe(executor: SlurmExecutor, token: str) -> HostCommand:
    """A job of one second, on one node of those that jobs would get."""
    asked = {"nodes": 1, "ntasks_per_node": 1, "time": "1", "exclusive": False, "container": None, "srun_args": ()}
    none = dict.fromkeys(("gres", "mem", "mem_per_gpu", "gpus_per_node", "gpus_per_task", "cpus_per_gpu", "signal"))
    argv = ("sh", "-c", _NODE, "sh", executor.tunnel.job_dir, token, executor.python, _PYTHON, _program(executor) or "")
    words = srun_words(executor.clone(**asked, **none), argv, {"job-name": "nrun-probe", "immediate": str(PROBE_S)})
    return HostCommand(words)


def _seen_on_node(answer: Completed | TransportError) -> list[CheckResult]:
    ok, said = _told(answer)
    if not ok:
        return [_result("probe", (False, said), f"a node must be free within {PROBE_S} s; try again, or without")]
    lines = [line.partition("|")[::2] for line in said.splitlines() if "|" in line]
    return [
        _result(f"{name.split()[0]} on a node", ("ok" in name, text), _REMEDIES[name.split()[0]])
        for name, text in lines
    ]


def _program(executor: SlurmExecutor) -> str | None:
    """The program of its container; "" if srun starts that, None if there is none."""
    if executor.container is None:
        return None
    first = executor.container.wrap(Command(argv=("true",), env={}, cwd=JobPath(".")), executor).argv[0]
    return "" if first == "true" else str(first)


def _accounts(account: str | None, known: bool, said: str) -> CheckResult:  # noqa: FBT001 - an answer
    if not known:
        return CheckResult(ok=True, message="accounting: none, or it does not answer; markers of jobs tell alone")
    most = {row[0]: row[1] for row in (line.split("|") for line in said.splitlines()) if len(row) > 1}
    told = ", ".join(name + (f" (at most {jobs} jobs)" if jobs else "") for name, jobs in sorted(most.items()))
    ok = account is None or not most or account in most
    message = f"accounting: your accounts are {told or 'not told'}{'' if ok else f'; {account} is none of them'}"
    return CheckResult(ok=ok, message=message, remedy="" if ok else "give one of them as account")


def _result(subject: str, told: tuple[bool, str], remedy: str) -> CheckResult:
    ok, said = told
    text = re.sub(r"^(sbatch|srun): (error: )?", "", next(iter(said.strip().splitlines()), "") or "no answer")
    return CheckResult(ok=ok, message=f"{subject}: {text}", remedy="" if ok else remedy)


def _told(answer: Completed | TransportError) -> tuple[bool, str]:
    """Whether a command succeeded, and what it said."""
    if isinstance(answer, TransportError):
        return False, answer.message
    said = (answer.stdout.strip() or answer.stderr.strip()) if not answer.exit_code else answer.stderr or answer.stdout
    return not answer.exit_code, said.decode(errors="replace")
