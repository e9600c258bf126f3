"""Secrets: what stands in configurations, what holds values, and how values are hidden."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import json
import pickle  # noqa: TID251 - to see it refused
import shlex
import subprocess
from urllib.parse import quote

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nrun as run
from nrun.config import codec
from nrun.config.document_reader import Reader, Source, TextFile
from nrun.config.document_writer import to_data
from nrun.declare import Declared
from nrun.engine.secrets import Secrets
from nrun.events import ControlError
from nrun.model import Document, LogChunk
from nrun.planning import Job, Plan, Surroundings, launch_of, secret_files, secrets_in
from nrun.plugins.registry import Registry
from nrun.secret import SecretValue, escape, unescape
from nrun_testing.memory import MemoryExecutor

TOKEN = run.Secret("env:HF_TOKEN")
CANARY = 'canary "7f3a"\n\'$x\\ 91c2/+=&\udc81'
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def train(token: str, lr: float = 0.1, tokens: tuple[str, ...] = ()): ...


def read(data):
    source = Source.of(Document(data), TextFile("x", ()))
    return Reader(source, None).read()


@pytest.mark.parametrize("wrong", ["", "HF_TOKEN", "env:", ":x", "Env:x", "e v:x", "env:a\0b", None, 3, b"env:x"])
def test_a_secret_is_a_resolver_and_a_name(wrong):
    with pytest.raises(run.ConfigError, match="resolver:name") as error:
        run.Secret(wrong)
    assert "env:HF_TOKEN" in error.value.hint


def test_a_token_given_by_mistake_is_not_shown():
    with pytest.raises(run.ConfigError) as error:
        run.Secret("hf_canary7f3a91c2")
    assert "canary" not in str(error.value)


def test_a_secret_shows_where_it_is_and_compares():
    assert repr(TOKEN) == "Secret('env:HF_TOKEN')"
    assert str(TOKEN) == f"{TOKEN}" == "secret://env/HF_TOKEN"
    assert run.Secret("env:HF_TOKEN") == TOKEN != run.Secret("file:HF_TOKEN")
    assert copy.deepcopy(TOKEN) == TOKEN


@given(st.sampled_from(["env", "file", "vault.eu-1"]), NAMES)
def test_a_secret_is_written_and_read_in_every_form(resolver, name):
    secret = run.Secret(f"{resolver}:{name}")
    assert run.Secret.parse(str(secret)) == secret
    assert codec.decode(codec.encode(secret)) == secret
    assert codec.encode(secret) == {"$secret": secret.reference}
    assert read(to_data(secret, share=False)) == read(str(secret)) == secret
    assert secrets_in(json.dumps([codec.encode([secret, {"x": secret}])], separators=(",", ":"))) == [secret]


@given(st.text(alphabet="\\secrt:/${}x", max_size=14) | st.builds("{}secret://{}".format, st.text("\\"), st.text()))
def test_text_that_looks_like_a_secret_stays_text_in_files(text):
    assert unescape(escape(text)) == text
    assert not escape(text).startswith("secret://")
    assert read(to_data(text, share=False)) == text


def test_a_text_of_the_user_is_no_secret():
    assert secrets_in(json.dumps({"a": '{"$secret":"env:X"}', "b": "$secret"}, separators=(",", ":"))) == []
    form = codec.encode({"$secret": "env:X"})
    assert codec.decode(form) == {"$secret": "env:X"}
    assert secrets_in(json.dumps(form, separators=(",", ":"))) == []


def test_a_secret_stands_for_text_whatever_the_annotation_says():
    config = run.Config(train, token=TOKEN, tokens=(TOKEN, "plain"))
    assert config.token == TOKEN
    assert codec.decode(codec.encode(config)) == config


def test_which_secret_it_is_does_not_count_in_the_content_id():
    first, other = (run.Config(train, token=run.Secret(f"env:{name}")) for name in "AB")
    assert run.content_id(first) == run.content_id(other)
    assert run.content_id(first) != run.content_id(run.Config(train, token="env:A"))


def test_a_configuration_with_a_secret_is_not_built_here():
    with pytest.raises(run.ConfigError, match=r"token is Secret\('env:HF_TOKEN'\)"):
        run.build(run.Config(train, token=TOKEN))


def test_an_executor_with_a_secret_is_data_like_any_other():
    executor = MemoryExecutor(env_vars={"HF_TOKEN": TOKEN, "TEAM": "speech"})
    assert codec.decode(codec.encode(executor)) == executor
    assert run.build(run.Config(MemoryExecutor, env_vars={"HF_TOKEN": TOKEN})).env_vars == {"HF_TOKEN": TOKEN}


def test_a_value_shows_nothing_and_goes_nowhere():
    value = SecretValue(CANARY)
    shown = [str(value), repr(value), f"{value}", f"{value:>10}", f"{value!r}", "%s" % value, repr([value])]  # noqa: UP031
    assert not [text for text in shown if "canary" in text]
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, codec.encode):
        with pytest.raises((TypeError, run.ConfigError)) as error:
            attempt(value)
        assert "canary" not in str(error.value)
    with pytest.raises(TypeError):
        value + "x"
    with pytest.raises(TypeError):
        vars(value)
    assert value.reveal() == CANARY


# ---- planning


def launch(*tasks, **options):
    job = Job(name="job", tasks=tasks, executors=(MemoryExecutor(**options),))
    return launch_of(job, Plan(title="t", jobs=(job,), surroundings=Surroundings(cwd="/", path=(), main=None)))


def test_secrets_stand_apart_in_a_command():
    (command,) = launch(
        run.Script(inline="true", env={"A": "1", "B": TOKEN}), env_vars={"A": TOKEN, "C": TOKEN}
    ).commands
    assert (command.env, command.secrets) == ({"A": "1"}, {"C": TOKEN, "B": TOKEN})
    (command,) = launch(run.Partial(train, token=TOKEN, tokens=(TOKEN,))).commands
    assert command.env == {}
    assert command.secrets == {"NRUN_SECRET_" + b"env:HF_TOKEN".hex(): TOKEN}


def test_a_variable_that_no_shell_can_set_cannot_hold_a_secret():
    with pytest.raises(run.PlanError, match="'A-B'"):
        launch(run.Script(inline="true", env={"A-B": TOKEN}))


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_every_value_passes_through_the_file(value):
    (file,) = secret_files({"": {"X": SecretValue(value)}}).values()
    script = f"{file}printf '%s.' \"$X\""
    assert subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True).stdout.decode() == f"{value}."


# ---- resolving and hiding


class OneResolver:
    """Hooks that know one resolver, `test`, which gives `value`."""

    def __init__(self, value):
        spec = run.SecretSpec(name="test", summary="", resolver=lambda: self.resolve)
        self.secrets = Registry("secret", [Declared(spec, "p", "d")], [])
        self.value = value
        self.asked = 0

    def resolve(self, name):
        self.asked += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def resolved(value, name="x"):
    secrets = Secrets(OneResolver(value))
    asyncio.run(secrets.value(run.Secret(f"test:{name}")))
    return secrets


def test_jobs_of_a_batch_share_a_value_and_resolvers_may_be_async():
    async def later():
        return CANARY

    hooks = OneResolver(CANARY)
    secrets = Secrets(hooks)
    one = launch(run.Script(inline="true", env={"X": run.Secret("test:x")}))

    async def both():
        first, second = await secrets.of(one), await secrets.of(one)
        hooks.value = later()
        return first, second, await secrets.value(run.Secret("test:y"))

    first, second, last = asyncio.run(both())
    assert first[""]["X"] is second[""]["X"]
    assert last.reveal() == first[""]["X"].reveal() == CANARY
    assert hooks.asked == 2


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (f"{CANARY}\0", "no process"),
        (f"{CANARY}\ud800", "no process"),
        (b"canary", "bytes"),
        (run.UsageError("it is locked", hint="unlock it"), "it is locked (unlock it)"),
        (KeyError("nothing"), "KeyError"),
    ],
)
def test_what_cannot_be_had_is_told_without_the_value(value, told):
    with pytest.raises(run.NrunError) as error:
        resolved(value)
    assert "test:x cannot be had" in str(error.value)
    assert told in str(error.value)
    assert "canary" not in str(error.value)


def test_an_unknown_resolver_names_what_to_install():
    with pytest.raises(run.NrunError, match="pip install nrun-secret-vault"):
        asyncio.run(Secrets(OneResolver("")).value(run.Secret("vault:x")))


FORMS = {
    "plain": str,
    "quoted for a shell": shlex.quote,
    "JSON": json.dumps,
    "Python": repr,
    "URL": lambda value: quote(value.encode("utf-8", "surrogateescape"), safe=""),
    "base64": lambda value: base64.b64encode(value.encode("utf-8", "surrogateescape")).decode(),
    "first line": lambda value: value.splitlines()[0],
}


@pytest.mark.parametrize("form", FORMS)
def test_events_are_written_without_values_in_any_form(form):
    secrets = resolved(CANARY)
    event = ControlError(at=1.0, action="submit", message=f"HTTP 401: <{FORMS[form](CANARY)}>", jobs=("a",))
    (hidden,) = secrets.redacted([event])
    assert hidden.message.strip("'\"") != event.message
    assert attrs.evolve(hidden, message="") == attrs.evolve(event, message="")
    for piece in ("canary", "7f3a", "91c2", base64.b64encode(b"canary").decode()[:6]):
        assert piece not in hidden.message


def test_without_secrets_and_for_short_values_nothing_is_touched():
    events = [ControlError(at=1.0, action="submit", message="abcde", jobs=())]
    assert Secrets(OneResolver("")).redacted(events) is events
    assert resolved("abcde").redacted(events) == events


async def pieces(data, cuts):
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        if start < end:
            yield LogChunk("out", start, data[start:end])


@given(st.lists(st.sampled_from(["canary7f3a", "canary", "7f3a", "c", "\n", "a"]), max_size=12), st.data())
def test_a_log_is_masked_however_it_is_cut_and_keeps_its_offsets(words, data):
    log = "".join(words).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=6)))

    async def masked():
        async with contextlib.aclosing(resolved_now.masked(pieces(log, cuts))) as chunks:
            return [chunk async for chunk in chunks]

    resolved_now = resolved("canary7f3a")
    chunks = asyncio.run(masked())
    at = 0
    for chunk in chunks:
        assert chunk.offset == at
        at += len(chunk.data)
    assert b"".join(chunk.data for chunk in chunks) == log.replace(b"canary7f3a", b"*" * 10)


def test_the_logs_of_a_group_follow_one_another():
    async def both():
        yield LogChunk("out", 0, b"one cana")
        yield LogChunk("out", 0, b"two ry7f3a canary7f3a")

    secrets = resolved("canary7f3a")

    async def whole():
        return [(chunk.offset, chunk.data) async for chunk in secrets.masked(both())]

    assert asyncio.run(whole()) == [(0, b"one "), (4, b"cana"), (0, b"two ry7f3a **********")]
