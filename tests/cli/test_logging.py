"""`-v`, `-vv` and `--log-format`: what a run did, on standard error, and each statement that a server saw.

Decided: docs/decisions.md#what-the-log-tells
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable

import pytest
from waiting import reload, until

from reconciler.allow_lists import Reach, Use
from reconciler.cli import logs
from reconciler.model import SENSITIVE
from reconciler.secrets import Secrets, SecretText
from reconciler.targets import log
from reconciler.targets.postgres.redacted_statements import as_logged
from reconciler.targets.redis.client import shown

BEGIN_AND_END = re.compile(r"BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|begin isolation level \w+ \w+ read only|commit$")
"""What stands around transactions, in capitals where psycopg sends it by itself: the log leaves it out."""

DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
"""Of a plan, which is of its second."""

VERBS = [
    ("plan",),
    ("drift",),
    ("check",),
    ("import", "main"),
    ("apply", "--yes"),
    ("plan",),
]


def records(err: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in err.splitlines() if line.startswith("{")]


def statements(err: str) -> list[dict[str, object]]:
    return [each for each in records(err) if "statement" in each]


@pytest.fixture
def seen(world, postgres) -> Callable[[], list[str]]:
    """The statements that the server has seen in this database since it was asked last, without BEGIN and COMMIT."""
    name = world.info.dbname
    world.execute(f"alter database {name} set log_statement = 'all'")
    world.execute("alter system set log_line_prefix = '%d|'")
    reload(world)
    read = len(postgres.log)

    def since() -> list[str]:
        nonlocal read
        mark = f"mark {time.monotonic_ns()}"
        world.execute(f"do $$begin raise log '{mark}'; end$$")  # what came before stands in the log by then
        until(lambda: mark in postgres.log, "the server has logged all")
        text, read = postgres.log[read:], len(postgres.log)
        found = re.findall(rf"^{name}\|LOG:  (?:statement|execute [^:]+): (.*)$", text, re.M)
        return [each for each in found if not BEGIN_AND_END.match(each)]

    return since


@pytest.mark.matrix
def test_the_log_has_as_many_statements_as_the_server_has_seen(reconciler, seen):
    seen()
    for verb in VERBS:
        code, _, err = reconciler("-vv", "--log-format", "json", *verb)
        assert code != 1, err
        told = statements(err)
        theirs = seen()
        assert len(told) == len(theirs), (verb, theirs, told)
        assert {each["target"] for each in told} == {"main"}
        assert all(each["level"] == "debug" and each["ms"] >= 0 and "rows" in each for each in told)
        assert all(str(each["time"]).endswith("Z") for each in told)
        assert not any(each.get("error") for each in told)


def test_each_command_of_a_redis_is_in_the_log(redis_server, redis_client, tmp_path, capsys, monkeypatch):
    from reconciler.cli.app import run

    monkeypatch.setenv("REDIS_URL", redis_server.url())
    (tmp_path / "x.yaml").write_text(
        'targets: {cache: {redis: "${REDIS_URL}"}}\n---\n'
        "target: cache\nsettings: {maxmemory: 100mb, hz: 20}\n"
        "users: {app: {rules: 'on ~app:* +@all -@dangerous nopass'}}\n"
    )

    def calls() -> int:
        stats = redis_client.info("commandstats")
        of_nobody = {"cmdstat_auth", "cmdstat_select"}
        return sum(each["calls"] for name, each in stats.items() if name not in of_nobody)

    for verb in (["plan"], ["drift"], ["apply", "--yes", "--allow", "less-safe"], ["plan"]):
        before, asking = calls(), 1
        capsys.readouterr()
        code = run(["--desired", str(tmp_path), "-vv", "--log-format", "json", *verb])
        err = capsys.readouterr().err
        assert code in (0, 2), err
        assert len(statements(err)) == calls() - before - asking, (verb, statements(err))
        assert {each["target"] for each in statements(err)} == {"cache"}


def test_one_v_tells_of_stages_connections_locks_and_steps_and_of_no_statement(reconciler, world):
    code, _, err = reconciler("-v", "apply", "--yes")
    assert code == 0
    for what in ("apply", "YAML read", "planned", "main: connected", "main: lock taken", "main: lock let go"):
        assert what in err
    assert "main: pg_index observed" in err
    assert re.search(r"main: pg_index/public.tasks_status_idx: step 1 of 1 \(sql\) ended \(\d+\.\d ms\)$", err, re.M)
    assert "select" not in err.lower()
    assert "create index" not in err.lower()


def test_without_it_nothing_is_told_and_with_it_the_result_is_the_same(reconciler, world):
    for verb in (("validate",), ("plan",), ("drift",), ("check",), ("import", "main")):
        quiet, logged, after = reconciler(*verb), reconciler("-vv", *verb), reconciler(*verb)
        assert [each[2] for each in (quiet, after)] == ["", ""]
        assert logged[2]
        results = {(code, DIGEST.sub("", out)) for code, out, _ in (quiet, logged, after)}
        assert len(results) == 1, results


def test_it_stands_before_the_verb_and_whoever_writes_it_behind_is_told_so(reconciler):
    code, _, err = reconciler("plan", "-vv")
    assert code == 1
    assert "write it before the verb" in err


def test_a_form_that_does_not_exist_is_refused(reconciler):
    code, _, err = reconciler("-v", "--log-format", "xml", "validate")
    assert code == 1
    assert "'text', 'json'" in err


@pytest.fixture
def lines(capsys):
    """What is written of what the body of the test tells, in a form."""

    def written(form: str, tell: Callable[[], None]) -> str:
        secrets = Secrets({"TOKEN": "s3cr3t-w0rd"}, Reach(variables={"TOKEN": frozenset({Use.SECRET})}))
        logs.configure(2, form, secrets)
        try:
            tell()
        finally:
            logs.end()
        return capsys.readouterr().err

    return written


HOSTILE = "\x1b]0;owned\x07\x9b2J\x7f\u202e\nforged: line"


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_character_of_a_name_acts_on_a_terminal_or_makes_a_second_line(form, lines):
    def tell() -> None:
        log.statement("main", f'create index "{HOSTILE}" on t (a)', time.monotonic())
        log.event(HOSTILE, "main", message=HOSTILE)

    written = lines(form, tell)
    assert written.count("\n") == 2
    assert written.replace("\n", "").isprintable()
    assert "\u202e" not in written


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_known_secret_is_in_no_line(form, lines):
    def tell() -> None:
        log.statement("main", "select 's3cr3t-w0rd'", time.monotonic(), error="s3cr3t-w0rd")
        log.event("s3cr3t-w0rd", "main", message="a s3cr3t-w0rd")

    written = lines(form, tell)
    assert "s3cr3t" not in written
    assert written.count(SENSITIVE) == 4


def test_a_record_of_somebody_else_has_its_message(lines):
    told = lines("json", lambda: logging.getLogger("reconciler.of.a.plugin").info("it is %s", "here"))
    assert json.loads(told)["event"] == "it is here"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["CONFIG", "SET", "requirepass", SecretText("x")], f"CONFIG SET requirepass {SENSITIVE}"),
        (["CONFIG", "SET", "hz", "20"], "CONFIG SET hz 20"),
        (["AUTH", "app", "x"], f"AUTH {SENSITIVE} {SENSITIVE}"),
        (["HELLO"], "HELLO"),
        (["acl", "setuser", "app", "on", "#abc", ">x", "~a:*"], f"acl setuser app on {SENSITIVE} {SENSITIVE} ~a:*"),
        (["PING"], "PING"),
    ],
)
def test_a_command_is_shown_without_its_secrets(command, said):
    assert shown(command) == said


@pytest.mark.parametrize(
    ("statement", "hide_values", "said"),
    [
        ("create index i on t (a) where b = 'x'", False, "create index i on t (a) where b = 'x'"),
        ("create index i on t (a) where b = 'x' and c = 5", True, "create index i on t (a) where b = '…' and c = …"),
        ("alter role app password 'x'", False, "alter role app password '…'"),
        ("alter system set primary_conninfo = 'password=x'", False, "alter system set primary_conninfo = '…'"),
    ],
)
def test_a_statement_is_shown_without_what_may_be_a_password_or_is_to_be_hidden(statement, hide_values, said):
    assert as_logged(statement, hide_values=hide_values) == said


def test_a_closed_standard_error_stops_nothing(monkeypatch):
    logs.configure(2, "text", Secrets({}))
    try:
        monkeypatch.setattr("sys.stderr", None)
        log.event("said to nobody")
    finally:
        logs.end()


def test_parameters_are_told_by_nobody(reconciler, world):
    world.execute("create schema quite_unusual_name")
    world.execute("create table quite_unusual_name.t (a int)")
    world.execute("create index i on quite_unusual_name.t (a)")
    _, out, err = reconciler("-vv", "import", "main", "--schema", "quite_unusual_name")
    assert "quite_unusual_name" in out
    assert "%(" in err
    assert "quite_unusual_name" not in "".join(line for line in err.splitlines() if "select" in line.lower())


def test_nothing_is_made_where_nobody_listens(monkeypatch, reconciler, world):
    def made(*arguments, **options):
        raise AssertionError("a text was made for nobody")

    monkeypatch.setattr("reconciler.targets.postgres.bounded_connection.as_logged", made)
    code, _, err = reconciler("plan")
    assert (code, err) == (0, "")
