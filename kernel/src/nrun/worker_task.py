"""What `worker.py` does: reads the task, builds its arguments, calls the function and writes `result.json` beside it.

Every job imports this file, so it imports next to nothing itself; what few tasks need is in `worker_forms.py`.
Like these two: the standard library of Python 3.8 or later, and nothing else.
"""

import os
import sys

OWN = ("__main__", "worker_task", "worker_forms")  # modules whose lines nobody wants to see in a traceback
MAIN = "__nrun_main__"  # the launching script is loaded under this name, so that its main guard holds


def parse(text):
    """JSON, read by the scanner beneath the json module, whose import costs more than the rest of this file."""
    try:
        from _json import make_scanner
    except ImportError:  # not CPython
        import json

        return json.loads(text)

    class Context:
        strict = True
        object_hook = object_pairs_hook = None
        parse_float, parse_int, parse_constant = float, int, float
        memo = {}

    return make_scanner(Context)(text, 0)[0]


def load_main(path):
    """Load the launching script as a module. Where it launches an experiment unguarded, loading ends."""
    if MAIN not in sys.modules:
        module = sys.modules[MAIN] = type(sys)(MAIN)
        module.__file__ = path
        code = compiled(path)
        os.environ["NRUN_LOADING"] = "1"
        try:
            exec(code, module.__dict__)
        except BaseException as error:
            if type(error).__name__ != "LaunchInsideJob":
                raise
            module.__nrun_launch__ = str(error)
        finally:
            del os.environ["NRUN_LOADING"]
    return sys.modules[MAIN]


def compiled(path):
    """The code of the launching script. Compiling takes 1 ms at least, so it is kept beside this file for other jobs."""
    import marshal  # built in

    status = os.stat(path)
    stamp = (path, status.st_mtime_ns, status.st_size)
    kept = "%s/main.%s.bin" % (os.path.dirname(os.path.abspath(__file__)), sys.implementation.cache_tag)
    try:
        with open(kept, "rb") as file:
            known, code = marshal.loads(file.read())
        if known == stamp:
            return code
    except (OSError, ValueError, EOFError, TypeError):  # the first job, or one that died while it wrote
        pass
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    if not sys.dont_write_bytecode:
        try:
            write(kept, marshal.dumps((stamp, code)))
        except OSError:  # nothing depends on it
            pass
    return code


def forms():
    """The module `worker_forms`, from beside this file."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    try:
        import worker_forms
    finally:
        del sys.path[0]
    return worker_forms


class Builder:
    """Builds the values of a task, every shared node once."""

    def __init__(self, main):
        self.main = main
        self.built = {}
        self.fresh = False  # whether anything is to be made anew at each call

    def symbol(self, symbol):
        module, _, qualified = symbol.partition(":")
        if module in ("__main__", MAIN):
            found = load_main(self.main)
        else:
            __import__(module)
            found = sys.modules[module]
        for part in qualified.split("."):
            if hasattr(found, "__nrun_launch__") and not hasattr(found, part):
                raise NameError(
                    "%s is not defined in %s before it launches: %s" % (part, self.main, found.__nrun_launch__)
                )
            found = getattr(found, part)
        return found

    def value(self, form):
        if type(form) is list:
            return [self.value(item) for item in form]
        if type(form) is not dict:
            return form
        tag = next(iter(form), "")
        if tag[:1] != "$":
            return {key: self.value(item) for key, item in form.items()}
        if tag == "$ref":
            return self.built[form["$ref"]]
        if tag not in ("$config", "$partial", "$fresh"):
            return forms().read(self, tag, form)
        target, args, kwargs = self.call(form)
        if tag == "$config":
            value = target(*args, **kwargs)
        elif tag == "$fresh" or self.fresh:
            self.fresh = True
            value = forms().fresh(tag, target, args, kwargs)
        else:
            import functools

            value = functools.partial(target, *args, **kwargs)
        if "$id" in form:
            self.built[form["$id"]] = value
        return value

    def call(self, form):
        """The target of a node, and its arguments. What stands deep in them may be written apart, before them."""
        symbol, given = form[next(iter(form))], form.get("args", {})
        package = symbol.partition(":")[0].partition(".")[0]
        if package not in ("__main__", MAIN) and hasattr(__import__(package), "nrun_migrations"):
            symbol, given = forms().called_now(symbol, given)
        target = self.symbol(symbol)
        if "$with" in form:
            self.value(form["$with"])
        kwargs = {name: self.value(item) for name, item in given.items()}
        args = forms().positional(self, target, form["at"], kwargs) if "at" in form else ()
        if "nrun.config.node" in sys.modules:  # or nothing is described by a default
            kwargs.update(forms().described(target, args, kwargs))
        return target, args, kwargs


def write(path, data):
    """Write beside, then rename: a reader sees all of it or nothing."""
    beside = "%s.%d.tmp" % (path, os.getpid())
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(file, "wb") as out:
        out.write(data)
    os.replace(beside, path)


def run(task_path):
    with open(task_path, "rb") as file:
        task = parse(file.read().decode())
    sys.path[:1] = [os.path.abspath(path) for path in task["path"]]  # those of code that came along are relative
    sys.stdout.reconfigure(line_buffering=True)  # whoever follows the log sees lines as they come
    result = os.path.join(os.path.dirname(task_path), "result.json")
    try:
        builder = Builder(task["main"] and os.path.abspath(task["main"]))
        target, args, kwargs = builder.call(task["task"])
        if builder.fresh:
            args, kwargs = forms().anew((args, kwargs), {})
        value = target(*args, **kwargs)
        if os.environ.get(os.environ.get("NRUN_RANK_FROM", ""), "0") != "0":
            return  # of processes that run the same function, the first gives the result
    except Exception as error:
        trace = error.__traceback__
        while trace and trace.tb_frame.f_globals.get("__name__") in OWN:
            trace = trace.tb_next  # show the task's own lines, not these
        error.__traceback__ = trace
        text = forms().error_text(error)
        write(result, text.encode())
        if forms().known_secrets():  # the text is without them
            sys.stderr.write(parse(text)["error"]["traceback"])
        else:
            sys.excepthook(type(error), error, trace)
        sys.exit(1)
    write(
        result, b'{"value": null}\n' if value is None else forms().result_text(value, os.path.dirname(result)).encode()
    )
