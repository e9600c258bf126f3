"""Put before everything else in a Python that is to be hit by a fault: what fails, where and when is in NRUN_FAULT.

It works at the edge of the system (calls of `os`, the clock, the process itself) and replaces nothing of nrun.
"""

import errno
import json
import os
import signal
import sys
import time

PARTS = ("/nrun/engine/", "/nrun/record/", "/nrun/supervise.py", "/nrun/experiment.py", "/nrun/recorded.py")
OWN = (*PARTS, "/nrun_executor_local/")


def role():
    """What this process is to the experiment."""
    words = " ".join(sys.orig_argv)
    if "nrun.supervise" in words:
        return "supervisor"
    if "worker.py" in words:
        return "worker"
    return "launcher" if "program.py" in words else ""


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def at_line(number):
    """Die at the n-th line of nrun's own that is executed."""
    seen = 0

    def local(frame, event, arg):
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == number:
                die()
        return local

    known = {}

    def trace(frame, event, arg):
        name = frame.f_code.co_filename
        if name not in known:
            known[name] = any(part in name for part in OWN)
        return local if known[name] else None

    sys.settrace(trace)


def at_call(*, name, number, code="", path="", has="", after=False):
    """At the n-th call of `os.<name>` (that names, or whose file is, something with `path` in it): fail, or die.

    `has` is in what is written. With `after`, the call is made first.
    """
    import fcntl

    where = fcntl if name == "flock" else os
    real = getattr(where, name)
    seen = 0

    def about(args):
        first = args[0] if args else ""
        if isinstance(first, int):
            try:
                first = os.readlink(f"/proc/self/fd/{first}")
            except OSError:
                first = ""
        return path in os.fspath(first) and (not has or has.encode() in args[1])

    def failing(*args, **options):
        nonlocal seen
        if about(args):
            seen += 1
            if seen == number:
                if after:
                    real(*args, **options)
                if not code:
                    die()
                raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))
        return real(*args, **options)

    setattr(where, name, failing)


def clock(steps):
    """The clock of the day is set: at each moment (seconds since the start of this) it goes on by so much."""
    real, began = time.time, time.monotonic()

    def now():
        age = time.monotonic() - began
        return real() + sum(by for at, by in steps if age >= at)

    time.time = now


fault = json.loads(os.environ.get("NRUN_FAULT", "{}"))
if fault and fault.pop("who") == role():
    {"line": at_line, "call": at_call, "clock": clock}[fault.pop("how")](**fault)
