"""The parts of `worker_task.py` that few tasks need, in a file of their own so that the others do not load them.

Like it: the standard library of Python 3.8 or later, and nothing else. Travels beside it.
"""


def positional(build, target, at, kwargs):
    """Positional arguments in order, with the named ones that come before or between them."""
    import inspect

    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # it takes anything
        parameters = ()
    names = [None if p.kind == p.POSITIONAL_ONLY else p.name for p in parameters if p.kind <= p.POSITIONAL_OR_KEYWORD]
    args = []
    for index in range(max(map(int, at)) + 1):
        args.append(build.value(at[str(index)]) if str(index) in at else kwargs.pop(names[index]))
    return args


def called_now(symbol, given):
    """A target that was named before, and its arguments, as the steps of its package call them now."""
    keys = {name: name for name in given}
    for step in __import__(symbol.partition(":")[0].partition(".")[0]).nrun_migrations():
        symbol, keys = step(symbol, keys)
    return symbol, {name: given[key] for name, key in keys.items()}


def described(target, args, kwargs):
    """What the defaults of a target that was only named describe, built. Whoever described it has loaded nrun."""
    import copy
    import sys

    nrun, signature = sys.modules["nrun"], sys.modules["nrun.config.target"].signature_of(target)
    names = {name for name in signature.described if type(name) is str} - {*kwargs, *signature.positional[: len(args)]}
    return nrun.build(nrun.Config(dict, **{name: copy.deepcopy(signature.default(name)) for name in sorted(names)}))


class Maker:
    """A call to be made anew each time the partial that holds it is called."""

    def __init__(self, target, args, kwargs):
        self.call = target, args, kwargs


def fresh(tag, target, args, kwargs):
    """What a node with or among calls to be made anew builds to."""
    if tag == "$fresh":
        return Maker(target, args, kwargs)
    import functools

    class FreshPartial(functools.partial):
        def __call__(self, /, *args, **kwargs):
            made = {}
            first = anew(self.args, made)
            kept = {name: anew(value, made) for name, value in self.keywords.items() if name not in kwargs}
            return self.func(*first, *args, **kept, **kwargs)

    return FreshPartial(target, *args, **kwargs)


def anew(value, made):
    """`value` with every Maker in it replaced by what it makes; one that occurs twice makes one thing."""
    if type(value) is Maker:
        if id(value) not in made:
            target, args, kwargs = value.call
            made[id(value)] = target(*anew(args, made), **anew(kwargs, made))
        return made[id(value)]
    if type(value) is dict:
        items = anew(list(value.values()), made)
        return dict(zip(value, items)) if any(old is not new for old, new in zip(value.values(), items)) else value
    if type(value) in (list, tuple):
        items = [anew(item, made) for item in value]
        return type(value)(items) if any(old is not new for old, new in zip(value, items)) else value
    return value


def read(build, tag, form):
    """The value of a form that is not a node."""
    return READERS[tag](build, form[tag], form)


def read_bytes(build, text, form):
    import binascii

    return binascii.a2b_base64(text)


def read_path(build, text, form):
    import pathlib

    return pathlib.Path(text).expanduser()


def read_object(build, symbol, form):
    return build.symbol(symbol)(**{name: build.value(item) for name, item in form["fields"].items()})


def read_moment(build, text, form):
    import datetime

    return getattr(datetime, next(iter(form))[1:]).fromisoformat(text)


def read_timedelta(build, parts, form):
    import datetime

    return datetime.timedelta(*parts)


def read_decimal(build, text, form):
    import decimal

    return decimal.Decimal(text)


def read_uuid(build, text, form):
    import uuid

    return uuid.UUID(text)


SECRETS = {}
"""The secrets among the arguments of the task, by variable: taken out of the environment when they are first met."""


def read_secret(build, reference, form):
    import os

    name = "NRUN_SECRET_" + reference.encode().hex()
    if name not in SECRETS:
        SECRETS[name] = os.environ.pop(name)
    return SECRETS[name]


READERS = {
    "$secret": read_secret,
    "$symbol": lambda build, symbol, form: build.symbol(symbol),
    "$enum": lambda build, symbol, form: build.symbol(symbol)[form["name"]],
    "$object": read_object,
    "$dict": lambda build, pairs, form: {build.value(key): build.value(item) for key, item in pairs},
    "$tuple": lambda build, items, form: tuple(build.value(item) for item in items),
    "$set": lambda build, items, form: {build.value(item) for item in items},
    "$frozenset": lambda build, items, form: frozenset(build.value(item) for item in items),
    "$float": lambda build, text, form: float(text),
    "$complex": lambda build, parts, form: complex(float(parts[0]), float(parts[1])),
    "$bytes": read_bytes,
    "$path": read_path,
    "$datetime": read_moment,
    "$date": read_moment,
    "$time": read_moment,
    "$timedelta": read_timedelta,
    "$decimal": read_decimal,
    "$uuid": read_uuid,
}


def result_text(value, folder):
    """The outcome as JSON, arrays of numbers as files in `folder`; what JSON cannot hold is described instead."""
    if value is None:
        return '{"value": null}\n'
    import json

    arrays = []

    def by_file(item):
        import sys

        numpy = sys.modules.get("numpy")  # without it nobody has made an array
        if numpy is None or not hasattr(item, "__array__"):
            raise TypeError("Object of type %s is not JSON serializable" % type(item).__name__)
        try:
            array = numpy.asarray(item)
        except Exception as error:  # such as a tensor that is not on the processor
            raise TypeError("no array can be had of a %s: %s" % (type(item).__name__, error))
        if array.ndim == 0:
            return array.item()
        name = "result-%d.npy" % len(arrays)
        numpy.save("%s/%s" % (folder, name), array, allow_pickle=False)
        arrays.append(name)
        return {"$array": name, "shape": list(array.shape), "dtype": str(array.dtype)}

    try:
        text = json.dumps({"value": value}, default=by_file)
        text = '%s, "arrays": %s}' % (text[:-1], json.dumps(arrays)) if arrays else text
        return hidden(text + "\n", known_secrets())
    except (TypeError, ValueError, RecursionError) as error:
        told = {"type": type(value).__module__ + "." + type(value).__qualname__, "why": str(error)}
        return json.dumps({"not_json": told}) + "\n"


def error_text(error):
    import json
    import traceback

    told = {
        "type": type(error).__module__ + "." + type(error).__qualname__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }
    return hidden(json.dumps({"error": told}) + "\n", known_secrets())


def known_secrets():
    import os

    names = os.environ.get("NRUN_SECRETS", "").split()
    return list(SECRETS.values()) + [os.environ[name] for name in names if name in os.environ]


def hidden(text, secrets):
    """A text of JSON without these values; short ones would be found everywhere."""
    import json

    for value in sorted(secrets, key=len, reverse=True):
        if len(value) >= 6:
            for form in (value, repr(value)[1:-1]):
                text = text.replace(json.dumps(form)[1:-1], "***")
    return text
