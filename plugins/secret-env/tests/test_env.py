"""Variables as secrets, and what of a plan looks like a token."""

from __future__ import annotations

import itertools

import pytest

from nrun import Script, Secret, UsageError
from nrun.planning import Job, Plan, Surroundings
from nrun_secret_env.plugin import nrun_validate
from nrun_secret_env.resolver import resolve
from nrun_secret_env.tokens import looks_like_a_token
from nrun_testing.memory import MemoryExecutor

NUMBERS = itertools.count()


def test_a_variable_is_resolved_as_it_is(monkeypatch):
    monkeypatch.setenv("TOKEN", " two\nlines \udcff ")
    assert resolve("TOKEN") == " two\nlines \udcff "


def test_a_variable_that_is_missing_or_empty_says_what_to_do(monkeypatch):
    monkeypatch.setenv("TOKEN", "")
    with pytest.raises(UsageError, match="'TOKEN' is empty"):
        resolve("TOKEN")
    monkeypatch.delenv("TOKEN")
    with pytest.raises(UsageError, match="'TOKEN' is not set") as error:
        resolve("TOKEN")
    assert "export TOKEN" in error.value.hint


TOKENS = [
    *(
        ("HF_TOKEN", "abcdefgh"),
        ("wandb_api_key", "0123456789abcdef"),
        ("OPENAI_APIKEY", "abcdefgh"),
        ("KEY", "abcdefgh"),
    ),
    *(("DB_PASSWORD", "hunter22"), ("PASSWD_FOR_X", "hunter22"), ("AWS_SECRET_ACCESS_KEY", "wJalr/XUtnFEMI/K7MDENG")),
    *(("X", "hf_" + "a" * 34), ("X", "sk-proj-" + "a" * 40), ("X", "ghp_" + "a" * 36), ("X", "github_pat_" + "a" * 40)),
    *(("X", "AKIA" + "A" * 16), ("X", "xoxb-1234567890-abc"), ("X", "glpat-" + "a" * 20)),
    *(("X", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc"), ("X", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc")),
]
HARMLESS = [
    *(("TOKENIZERS_PARALLELISM", "false"), ("MAX_TOKENS", "131072"), ("MAX_TOKEN", "131072"), ("KEYS", "abcdefgh")),
    *(("SSH_KEY", "/home/me/.ssh/id"), ("SSH_KEY", "~/.ssh/id"), ("HF_TOKEN", ""), ("USE_KEY", "true"), ("A", "b")),
    *(
        ("MONKEY", "a banana a day"),
        ("HF_HOME", "/data/hf_cache"),
        ("X", "sk-short"),
        ("HF_TOKEN", Secret("env:HF_TOKEN")),
    ),
]


@pytest.mark.parametrize(("name", "value"), TOKENS)
def test_this_looks_like_a_token(name, value):
    assert looks_like_a_token(name, value)


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_this_does_not(name, value):
    assert not looks_like_a_token(name, value)


def plan(env_vars, env):
    job = Job(name="job", tasks=(Script(inline="true", env=env),), executors=(MemoryExecutor(env_vars=env_vars),))
    return Plan(title="t", jobs=(job, job), surroundings=Surroundings(cwd="/", path=(), main=None))


def test_tokens_are_told_once_by_name_with_what_to_write_instead(capsys):
    first, second = f"A{next(NUMBERS)}_TOKEN", f"B{next(NUMBERS)}_TOKEN"
    for _ in range(2):
        assert list(nrun_validate(plan({first: "canary-in-clear"}, {second: "canary-too", "TEAM": "speech"}))) == []
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("nrun: ") == 1
    assert f"{first}, {second}\n" in told.err
    assert f'{{"{first}": run.Secret("env:{first}")}}' in told.err
    assert "canary" not in told.err


def test_nothing_is_told_of_a_plan_without_tokens(capsys):
    nrun_validate(plan({"HF_TOKEN": Secret("env:HF_TOKEN")}, {}))
    assert capsys.readouterr().err == ""
