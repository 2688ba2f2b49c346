from __future__ import annotations

import pytest
from pydantic import ValidationError

from check.declare import CHECKLIST, NOWHERE, declare
from reconciler.errors import DesiredError
from reconciler.targets.foreign.reading_statement import one_reading_statement

GOOD = {"id": "x", "title": "X"}

REFUSED = [
    ({"pg_seting": "work_mem", "at_most": "4MB"}, 'did you mean "pg_setting"', "a type nobody knows"),
    ({}, "unknown type of check", "no type at all"),
    ({"pg_setting": "work_mem"}, "nothing is expected", "a check that could not fail"),
    ({"pg_setting": "work_mem", "at_moost": "4MB"}, "Extra inputs", "a key that does nothing"),
    ({"pg_setting": "work_mem", "at_most": "25% memory"}, "25% of memory", "nearly a percentage"),
    (
        {"pg_setting": "work_mem", "at_most": "25% of ram"},
        "a formula over memory and nothing else",
        "of something else",
    ),
    ({"redis_setting": "requirepass", "equals": "x"}, "is a secret", "a secret would become evidence"),
    ({"pg_setting": "Primary_Conninfo", "equals": "x"}, "may hold a password", "so does this one"),
    ({"redis_setting": "max*", "equals": "x"}, "a pattern", "a pattern reads secrets too"),
    ({"redis_setting": "maxmemory", "flags": "KEA"}, "notify-keyspace-events only", "flags of something else"),
    ({"redis_setting": "notify-keyspace-events", "flags": "KEQ"}, "found Q", "a flag that does not exist"),
    ({"redis_unauthenticated": "welcome"}, "refused", "the other way round"),
    ({"redis_user": "app", "may_not": []}, "at least 1", "nothing to refuse"),
    ({"sql": "select 1"}, "either is_empty", "a statement without an expectation"),
    ({"sql": "select 1", "is_empty": "yes", "equals": "1"}, "either is_empty", "two ways at once"),
    ({"http": {"path": "http://elsewhere/"}}, "not a path on the target", "another host"),
    ({"http": {"path": "//elsewhere/"}}, "not a path on the target", "another host, shorter"),
    ({"http": {"path": "/", "method": "POST"}}, "'GET' or 'HEAD'", "a request that writes"),
    ({"file": {"path": "/etc/passwd"}}, "is absolute", "a file that is not beside the YAML"),
    ({"file": {"path": "a", "equals": "1"}}, "say which with", "a value of nothing"),
    ({"file": {"path": "a", "matches": "("}}, "not a regular expression", "broken regex"),
    ({"attestation": {"every": "90"}}, "number of days", "no unit"),
    ({"attestation": {"every": "90d", "by": "dba"}}, "by, on, evidence", "an attestation of no day"),
    ({"attestation": {"every": "90d", "by": "a", "on": "20260101", "evidence": "e"}}, "not a date", "epoch seconds?"),
    ([{"indexes": "declared"}, {"pg_setting": "jit", "equals": "on"}], "stands alone", "decided elsewhere"),
    ([], "at least 1", "no check"),
]


@pytest.mark.parametrize(("check", "says"), [case[:2] for case in REFUSED], ids=[case[2] for case in REFUSED])
def test_a_check_that_is_none_is_refused_with_the_way_out(check, says):
    with pytest.raises(ValidationError) as raised:
        CHECKLIST.validate_python([{**GOOD, "check": check}])
    assert says in str(raised.value)


STATEMENTS = [
    ("show all", "no single value"),
    ("select 1; select 2", "expected one statement, found 2"),
    ("", "expected one statement, found 0"),
    ("delete from tasks", "expected a statement that reads"),
    ("commit", "expected a statement that reads"),
    ("explain analyze delete from tasks", "expected a statement that reads"),
    ("select 1 into x", "without INTO"),
    ("select * from tasks for update", "without INTO and without FOR UPDATE"),
    ("selec 1", "parser does not take it"),
]


@pytest.mark.parametrize(("statement", "says"), STATEMENTS)
def test_sql_that_does_more_than_read_is_refused_before_anyone_is_asked(statement, says):
    with pytest.raises(ValueError) as raised:
        one_reading_statement(statement)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    "statement", ["select 1;", "with x as (select 1) table x", "show work_mem", "values (1)", "select pg_backend_pid()"]
)
def test_sql_that_reads_is_taken(statement):
    assert one_reading_statement(statement) == statement.removesuffix(";")


WAIVERS = [
    {"by": "dba", "reason": "later"},
    {"until": "2026-12-31", "reason": "later"},
    {"until": "2026-12-31", "by": "dba"},
    {"until": "2026-12-31", "by": "dba", "reason": ""},
    {"until": "2026-13-31", "by": "dba", "reason": "later"},
    {"until": "next year", "by": "dba", "reason": "later"},
]


@pytest.mark.parametrize("waiver", WAIVERS)
def test_a_malformed_waiver_stops_the_run(waiver):
    check = {"pg_setting": "jit", "equals": "on"}
    with pytest.raises(ValidationError):
        CHECKLIST.validate_python([{**GOOD, "check": check, "waiver": waiver}])


def test_a_check_for_another_system_is_refused_where_it_is_written():
    with pytest.raises(DesiredError) as raised:
        declare(NOWHERE, {"sql": "select 1", "equals": "1"}, [{"redis_info": "uptime", "equals": "1"}])
    assert raised.value.at == "list:(0, 'check')"
    assert "item-0: a check of type sql is for targets of postgres, and app is one of http" in str(raised.value)
    assert "item-1: a check of type redis_info" in str(raised.value)
