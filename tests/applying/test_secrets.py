"""Planted secrets, and every output that could hold one."""

from __future__ import annotations

import hashlib
import json
import os
import traceback
from contextlib import closing
from urllib.parse import quote

import psycopg
import pytest
import redis
from waiting import reload, until

from reconciler.applying.executing.step import executor
from reconciler.cli.app import run
from reconciler.documents import receipt as receipt_file
from reconciler.errors import StepFailed
from reconciler.model import SENSITIVE, RedisStep, SecretArgument, SecretRef
from reconciler.secrets import Secrets

REDIS_PASSWORD = "Rd1s pässword:/@#?%41"
APP_PASSWORD = "4pp-redis-w0rd"
PG_PASSWORD = "Pg'p@ss:w/rd?&#%42 x"
PLANTED = [
    spelled
    for secret in (REDIS_PASSWORD, APP_PASSWORD, PG_PASSWORD)
    for spelled in (
        secret,
        quote(secret, safe=""),
        quote(secret),
        hashlib.sha256(secret.encode()).hexdigest(),
        repr(secret)[1:-1],
    )
]

DESIRED = {
    "targets.yaml": 'targets:\n  main: {postgres: "${DATABASE_URL}"}\n  cache: {redis: "${REDIS_URL}"}\n',
    "tasks.yaml": """
target: main
tables: {public.tasks: {indexes: {i: {columns: [status]}}}}
settings: {work_mem: 7MB}
checklist:
  - {id: slow-log, title: Slow statements are logged, check: {pg_setting: log_min_duration_statement, at_least: 0ms}}
""",
    "cache.yaml": """
target: cache
settings:
  maxmemory: 100mb
  requirepass: {env: REDIS_PASSWORD}
  masterauth: {file: PLACE}
users:
  app: {rules: "on ~app:* +@all -@dangerous", password: {env: APP_REDIS_PASSWORD}}
checklist:
  - {id: redis-maxmemory, title: Memory limit set, check: {redis_setting: maxmemory, greater_than: 0}}
""",
}


@pytest.fixture
def planted(tasks, postgres, redis_server, tmp_path, monkeypatch):
    """A role with a password that the server really asks for, a Redis without one yet, and files that name both."""
    tasks.execute("drop role if exists locked_in")
    tasks.execute(
        psycopg.sql.SQL("create role locked_in superuser login password {}").format(psycopg.sql.Literal(PG_PASSWORD))
    )
    hba = postgres.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("host all locked_in 127.0.0.1/32 scram-sha-256\n" + before)
    tasks.execute("select pg_catalog.pg_reload_conf()")
    folder = tmp_path / "desired"
    folder.mkdir()
    (tmp_path / "secret").write_text(REDIS_PASSWORD + "\n")
    for name, text in DESIRED.items():
        (folder / name).write_text(text.replace("PLACE", str(tmp_path / "secret")))
    urls = {
        "DATABASE_URL": postgres.url(tasks.info.dbname, "locked_in", quote(PG_PASSWORD, safe="")),
        "REDIS_URL": redis_server.url("", quote(REDIS_PASSWORD, safe="")),
    }

    def refused() -> bool:
        try:
            psycopg.connect(postgres.url(tasks.info.dbname, "locked_in", "wrong")).close()
        except psycopg.OperationalError:
            return True
        return False

    until(refused, "the server asks for the password")
    for name, value in {**urls, "REDIS_PASSWORD": REDIS_PASSWORD, "APP_REDIS_PASSWORD": APP_PASSWORD}.items():
        monkeypatch.setenv(name, value)
    yield folder
    hba.write_text(before)
    reload(tasks)
    tasks.execute("drop role locked_in")


@pytest.fixture
def clean(planted, capfd):
    """Runs a verb with --debug, and returns everything that it printed: which holds no secret."""

    def call(*arguments, code: int | None = None) -> str:
        capfd.readouterr()
        got = run(["--desired", str(planted), "--debug", *map(str, arguments)])
        said = "".join(capfd.readouterr())
        assert [secret for secret in PLANTED if secret in said] == []
        assert code is None or got == code, said
        return said

    return call


def test_no_secret_is_in_any_output_or_file(clean, redis_server, tasks, tmp_path):
    saved, receipt = tmp_path / "plan.json", tmp_path / "receipt.json"
    clean("validate", code=0)
    for view in ("text", "markdown", "json", "sql"):
        clean("plan", "--format", view, "--out", saved, code=0)
        clean("show", saved, "--format", view, code=0)
    clean("drift", code=2)
    clean("check")
    said = clean("apply", saved, "--receipt", receipt, "--allow", "less-safe")
    assert "applied" in said
    for file in (saved, receipt):
        assert [secret for secret in PLANTED if secret.encode() in file.read_bytes()] == []
    told = {str(change.address): change for change in receipt_file.read(receipt).changes}
    assert told["cache/redis_user/app"].after == {"rules": "on ~app:* +@all -@dangerous", "password": SENSITIVE}
    assert (told["cache/redis_user/app"].sensitive, told["cache/redis_user/app"].withheld) == (("password",), ())
    assert told["cache/redis_setting/requirepass"].sensitive == ("value",)
    clean("show", receipt, code=0)
    clean("show", receipt, "--format", "json", code=0)
    with redis.Redis(port=redis_server.port, password=REDIS_PASSWORD) as client:
        assert client.ping(), "the password is demanded now, and it is this one"
    for verb in ("plan", "drift", "check"):
        clean(verb, "--format", "json")
    assert "No changes" in clean("plan"), "converged"
    names = tasks.execute("select application_name from pg_stat_activity where usename = 'locked_in'").fetchall()
    assert not [name for (name,) in names if any(secret in name for secret in PLANTED)]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_in_any_line_of_the_log(clean, redis_server, form):
    def logged(*verb: str) -> str:
        return clean("-vv", "--log-format", form, *verb)

    assert "CONFIG GET" in logged("plan")
    said = logged("apply", "--yes", "--allow", "less-safe")
    assert "CONFIG SET requirepass (sensitive)" in said
    assert "alter system set work_mem" in said
    with redis.Redis(port=redis_server.port, password=REDIS_PASSWORD) as client:
        assert client.ping(), "it was set, and by this apply"
    for verb in (("plan",), ("drift",), ("check",), ("import", "cache"), ("import", "main")):
        logged(*verb)


WRONG = [
    ("DATABASE_URL", lambda url: url.replace(quote(PG_PASSWORD, safe=""), "other-" + quote(PG_PASSWORD, safe=""))),
    ("DATABASE_URL", lambda url: url.replace("127.0.0.1:", "127.0.0.1:1")),
    ("DATABASE_URL", lambda url: url.replace("postgresql://", "postgresql//")),
    ("DATABASE_URL", lambda url: url + "?sslmode=nonsense"),
    ("DATABASE_URL", lambda url: url + "?no_such_option=1"),
    ("DATABASE_URL", lambda url: url.replace(quote(PG_PASSWORD, safe=""), PG_PASSWORD)),
    ("REDIS_URL", lambda url: url.replace("127.0.0.1:", "127.0.0.1:1")),
    ("REDIS_URL", lambda url: url.replace("redis://", "redos://")),
    ("REDIS_URL", lambda url: url + "?no_such_option=1"),
    ("REDIS_URL", lambda url: url.replace(quote(REDIS_PASSWORD, safe=""), REDIS_PASSWORD)),
    ("APP_REDIS_PASSWORD", lambda _: ""),
]


@pytest.mark.pg(">= 18")
@pytest.mark.redis(">= 9")
@pytest.mark.parametrize(("name", "spoil"), WRONG)
def test_no_secret_is_in_an_error_either(name, spoil, clean, tmp_path, monkeypatch):
    saved = tmp_path / "plan.json"
    clean("plan", "--out", saved, code=0)
    monkeypatch.setenv(name, spoil(os.environ[name]))
    for verb in (["plan"], ["apply", saved]):
        said = clean(*verb)
        assert "unexpected" not in said
        assert "error: " in said or "failed" in said, "what was spoiled is of use"


def test_a_secret_file_that_cannot_be_read_is_an_error_without_any_secret(clean, tmp_path):
    saved = tmp_path / "plan.json"
    clean("plan", "--out", saved, code=0)
    (tmp_path / "secret").unlink()
    assert "cannot be read" in clean("plan", code=1)
    clean("apply", saved, code=1)


@pytest.mark.pg(">= 18")
@pytest.mark.redis(">= 9")
@pytest.mark.parametrize("spoiled", ["APP_REDIS_PASSWORD", "secret"])
def test_a_secret_that_is_missing_is_found_before_anything_runs(spoiled, clean, tasks, tmp_path, monkeypatch):
    """It was found by the change that needs it, after others had been made."""
    saved = tmp_path / "plan.json"
    clean("plan", "--out", saved, code=0)
    if spoiled == "secret":
        (tmp_path / spoiled).unlink()
    else:
        monkeypatch.delenv(spoiled)
    said = clean("apply", saved, "--allow", "less-safe", code=1)
    assert "nothing was run" in said
    reason = {
        "APP_REDIS_PASSWORD": "is not set: needed by cache/redis_user/app",
        "secret": "there is no such file: needed",
    }
    assert spoiled in said
    assert reason[spoiled] in said
    assert tasks.execute("select 1 from pg_catalog.pg_class where relname = 'i'").fetchall() == []


@pytest.mark.parametrize("form", ["text", "acl-hash"])
@pytest.mark.parametrize("command", [("ACL", "SETUSER", "app"), ("CONFIG", "SET", "requirepass", "x", "y")])
def test_a_refused_command_with_a_secret_in_it_does_not_show_it(command, form, redis_target):
    """Servers repeat what they refuse: "Error in ACL SETUSER modifier '…'"."""
    secrets = Secrets({"APP": APP_PASSWORD})
    step = RedisStep(command=(*command, SecretArgument(secret=SecretRef(env="APP"), form=form), "+nonsense"))
    with closing(executor(redis_target, secrets)) as running, pytest.raises(StepFailed) as raised:
        running.run(step)
    said = str(raised.value) + repr(raised.value) + "".join(traceback.format_exception(raised.value))
    assert [secret for secret in PLANTED if secret in said] == []
    assert "(sensitive) +nonsense" in str(raised.value)


@pytest.mark.parametrize("options", [["--format", "json"], ["--events", "-"]], ids=" ".join)
def test_no_secret_is_in_what_programs_get(planted, capsys, options):
    code = run(["--desired", str(planted), "apply", "--yes", "--allow", "less-safe", *options])
    shown = capsys.readouterr()
    assert code == 0, shown.err
    assert "requirepass" in shown.out
    assert [secret for secret in PLANTED if secret in shown.out + shown.err] == []
    assert [secret for secret in PLANTED if json.dumps(secret)[1:-1] in shown.out] == []
