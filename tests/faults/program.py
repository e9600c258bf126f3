"""An experiment with something of everything, for faults to hit: `program.py launch|detach|resume|leave|attach [ID]`.

Every task appends a line to $TRACE when it begins and when it ends, so that what ran twice is seen.
"""

import json
import os
import sys
import time

import nrun
from nrun import Dependency, LocalExecutor, NrunError, Partial, Retries, Script
from nrun.errors import InCharge


def note(word, task="0"):
    file = os.open(os.environ["TRACE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, f"{word} {os.environ['NRUN_TAG']} {task}\n".encode())
    os.close(file)


def answer(of, task="0"):
    note("start", task)
    time.sleep(0.05)
    note("end", task)
    return of


def is_42(value):
    return value == 42


def is_43(value):
    return value == 43


def shell(body="", task="0"):
    text = f'echo "start $NRUN_TAG {task}" >>"$TRACE"\n{body}\necho "end $NRUN_TAG {task}" >>"$TRACE"\n'
    return Script(inline=text, entrypoint="sh")


def experiment():
    exp = nrun.Experiment("faults")
    tough = LocalExecutor(retries=Retries(4, pause_s=0.02), max_parallel=3, grace_s=1.0)
    plain = LocalExecutor(max_parallel=3, grace_s=1.0)
    exp.add(shell("sleep 0.05"), tough, "first")
    exp.add(Partial(answer, 42), tough, "build", dependencies=["first"])
    exp.add(shell(), tough, "judged", dependencies=[Dependency("build", when=is_42)])
    exp.add(shell(), plain, "unjudged", dependencies=[Dependency("build", when=is_43)])
    exp.add(shell('[ "$NRUN_ATTEMPT" != 1 ] || exit 3'), tough, "flaky")
    exp.add(shell("exit 7"), plain, "bad")
    exp.add(shell(), plain, "after-bad", dependencies=["bad"])
    exp.add(shell(), tough, "on-failure", dependencies=[Dependency("bad", "failed")])
    exp.add([shell("sleep 0.1", "0"), Partial(answer, 1, "1")], tough, "group", dependencies=["flaky"])
    exp.add(shell(), tough, "finally", dependencies=[Dependency("bad", "finished"), "group", "judged"])
    exp.add(shell("sleep 0.5"), tough, "slow")
    for number in range(4):
        exp.add(shell("sleep 0.02"), tough, f"wide-{number}", dependencies=["first"])
    return exp


def limits():
    """Jobs that may run, or be silent, for so long."""
    exp = nrun.Experiment("faults")
    talking = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo; sleep 0.1; done"
    exp.add(shell(talking), LocalExecutor(silence_timeout_s=1.0, max_parallel=9), "talks")
    exp.add(shell("sleep 1.5"), LocalExecutor(timeout_s=20.0), "long")
    exp.add(shell("sleep 60"), LocalExecutor(timeout_s=0.6, grace_s=1.0), "late")
    exp.add(shell("sleep 60"), LocalExecutor(silence_timeout_s=0.6, grace_s=1.0), "hung")
    again = LocalExecutor(retries=Retries(1, pause_s=0.5, longest_pause_s=1.0))
    exp.add(shell('[ "$NRUN_ATTEMPT" != 1 ] || { sleep 0.5; exit 3; }'), again, "again")
    return exp


def once():
    """One job, which fails at first."""
    exp = nrun.Experiment("faults")
    exp.add(shell('[ "$NRUN_ATTEMPT" != 1 ] || exit 3'), LocalExecutor(retries=1), "flaky")
    return exp


def lasting():
    """Jobs that last until they are stopped, and one that waits for them."""
    exp = nrun.Experiment("faults")
    place = LocalExecutor(max_parallel=9, grace_s=2.0)
    names = [exp.add(shell("exec sleep 600"), place, f"lasts-{number}") for number in range(3)]
    exp.add(shell(), place, "waits", dependencies=names)
    return exp


def act(verb, *words):
    """Do what the words say; gives how a process ends that does so."""
    try:
        if verb in MADE:
            MADE[verb]().run(check=False, detach=verb in {"detach", "lasting"})
        elif verb == "attach":
            nrun.Experiment.from_id(*words).attach(check=False)
        elif verb == "rerun":
            nrun.Experiment.from_id(*words).rerun(check=False)
        elif verb == "status":
            print(nrun.Experiment.from_id(*words).status())
        elif verb == "logs":
            print(len(nrun.Experiment.from_id(words[0]).logs(words[1])))
        elif verb == "cancel":
            print(nrun.Experiment.from_id(*words).cancel())
        else:
            nrun.Experiment.from_id(*words).resume(check=False, detach=verb == "leave")
    except InCharge as error:
        print(f"nrun: {error}")
        return 75
    except NrunError as error:
        print(f"nrun: {error}")
        return 1
    return 0


MADE = {"launch": experiment, "detach": experiment, "limits": limits, "once": once, "lasting": lasting}


def crowd(commands):
    """Many processes that act at the same moment; each writes into a file of its own."""
    gate, opens = os.pipe()
    children = []
    for number, words in enumerate(commands):
        pid = os.fork()
        if pid == 0:
            os.close(opens)
            os.dup2(os.open(f"said-{number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.dup2(1, 2)
            os.read(gate, 1)  # until the other end is closed
            code = act(*words)
            sys.stdout.flush()
            os._exit(code)
        children.append(pid)
    os.close(opens)
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]))


if __name__ == "__main__":
    if sys.argv[1] == "crowd":
        crowd(json.loads(sys.argv[2]))
    else:
        sys.exit(act(*sys.argv[1:]))
