"""Settings that no loaded library defines, the role of a role, and texts of which the server makes others.

Before, the first were refused with the advice to preload a library that is called as their prefix; `role` "cannot be
declared"; a name with letters beyond ASCII waited for a restart for ever; and 0.4ms was no limit at all. All was seen
to fail then but what held already: libraries that have to be preloaded are refused as before, what a file sets is no
drift, and a name that needs no restart came true.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import psycopg
import pytest
from applying.acting import apply, pg_settings, plan_for
from pydantic import TypeAdapter
from restarting import restart_command
from waiting import reload

from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import KIND
from reconciler.model import HazardType, NoticeType, Resource, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

UNSAFE = [HazardType.LESS_SAFE]


def shown(target: Target, name: str) -> str | None:
    with psycopg.connect(target.url.get_secret_value(), autocommit=True) as connection:
        return connection.execute("select current_setting(%s, true)", [name]).fetchone()[0]


def roles(target: Target, value: dict[str, Any]) -> list[Resource]:
    section = TypeAdapter(KIND.sections["roles"]).validate_python(value)
    return list(KIND.declare(Declaration(target, "roles", section, "x.yaml", lambda path: "x.yaml:1:1")))


def blocked(target: Target, wanted: dict[str, str]) -> list[str]:
    plan = plan_for(target, pg_settings(target, wanted))
    assert plan.is_empty
    assert all(each.type is NoticeType.BLOCKED for each in plan.notices)
    return [each.message for each in plan.notices]


class Row(NamedTuple):
    name: str
    value: str
    reason: str
    kept: str = ""
    """What current_setting gives, where that is not the declared text."""


ROWS = [
    Row("myapp.tenant", "a tenant's", "what policies of row security go by"),
    Row("myapp.tenant", "", "nothing, so that current_setting is no error"),
    Row("squeeze.worker_autostart", "x", "a library of another name than its settings"),
    Row("order.select", "reserved words", "names that SQL would not take without quotes"),
    Row("plpgsql.extra_warnings", "shadowed_variables", "of PL/pgSQL, which is loaded with its first function"),
    Row("plpgsql.check_asserts", "no", "a boolean of PL/pgSQL"),
    Row("plpgsql.variable_conflict", "use_column", "a word of PL/pgSQL"),
]


@pytest.mark.matrix
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}: {row.reason}")
def test_it_is_written_changed_and_reset(pg_target, clean, row):
    for wanted in ({row.name: row.value}, {row.name: "default"}):
        resources = pg_settings(pg_target, wanted)
        plan = plan_for(pg_target, resources)
        assert [change.address.name for change in plan.changes] == [row.name], plan.notices
        receipt = apply(plan, pg_target, allowed=UNSAFE)
        assert receipt.succeeded, receipt
        again = plan_for(pg_target, resources)
        assert (again.changes, again.notices) == ((), ())
        # What was set once is nothing, and not unknown, until the next restart.
        assert shown(pg_target, row.name) in ((None, "") if wanted[row.name] == "default" else (row.value,))


@pytest.mark.matrix
def test_both_sorts_together_and_a_session_that_knows_pl_pgsql(pg_target, clean):
    """Before 15 the tool itself may load PL/pgSQL, to ask which settings there are: nothing is stale by that."""
    resources = pg_settings(
        pg_target,
        {"nothing.like_it": "x", "plpgsql.check_asserts": "off", "plpgsql.extra_errors": "all", "hnsw.ef": "7"},
    )
    assert apply(plan_for(pg_target, resources), pg_target, allowed=UNSAFE).succeeded
    again = plan_for(pg_target, resources)
    assert (again.changes, again.notices) == ((), ())


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("plpgsql.check_asserts", "maybe", "it is on or off"),
        ("plpgsql.extra_warnings", "shadows", "shadows is none of all, none"),
        ("plpgsql.variable_conflict", "mine", "it is one of error"),
        ("pg_trgm.similarity_threshold", "1.5", "it may be 0 to 1"),
        ("pg_stat_statements.nonsense", "1", ""),
        ("pg_cron.x", "1", "unknown until"),
        ("a.b.c", "1", "writes a line that the server cannot read"),
        ("my$app.tenant", "1", "writes a line that the server cannot read"),
    ],
)
def test_what_a_library_would_not_take_is_refused(pg_target, clean, name, value, said):
    [message] = blocked(pg_target, {name: value})
    assert said in message


@pytest.mark.matrix
def test_what_a_file_sets_and_a_role_has(pg_target, clean):
    """Where a role or a database has a value of its own, what the files have counts."""
    clean.execute("alter role postgres set myapp.tenant = 'of the role'")
    try:
        resources = pg_settings(pg_target, {"myapp.tenant": "of all"})
        assert apply(plan_for(pg_target, resources), pg_target, allowed=UNSAFE).succeeded
        assert plan_for(pg_target, resources).is_empty
        assert shown(pg_target, "myapp.tenant") == "of the role"
    finally:
        clean.execute("alter role postgres reset all")


@pytest.mark.matrix
def test_it_is_imported_as_it_is_declared(pg_target, clean):
    resources = pg_settings(pg_target, {"myapp.tenant": "seven", "plpgsql.check_asserts": "off"})
    assert apply(plan_for(pg_target, resources), pg_target, allowed=UNSAFE).succeeded
    with closing(connect(pg_target, Secrets({}))) as session:
        written = KIND.written(session)["settings"]
    assert (str(written["myapp.tenant"].value), str(written["plpgsql.check_asserts"].value)) == ("seven", "off")


@pytest.fixture
def two(clean: psycopg.Connection) -> Iterator[None]:
    clean.execute("create role app login")
    clean.execute("create role reporting")
    clean.execute("grant reporting to app")
    yield
    clean.execute("drop role app")
    clean.execute("drop role reporting")


@pytest.mark.matrix
def test_the_role_of_a_role(pg_target, clean, two):
    for value in ("reporting", "none", "default"):
        resources = roles(pg_target, {"app": {"settings": {"role": value}}})
        plan = plan_for(pg_target, resources)
        assert [change.steps[0].hazards[0].type for change in plan.changes if value != "default"] in ([], UNSAFE)
        assert apply(plan, pg_target, allowed=UNSAFE).succeeded
        again = plan_for(pg_target, resources)
        assert (again.changes, again.notices) == ((), ())
    [note] = plan_for(pg_target, roles(pg_target, {"app": {"settings": {"role": "nobody"}}})).notices
    assert note.message.endswith("there is no role nobody")


NAMES = [
    ("cluster_name", "Köln", "letters of two bytes"),
    ("cluster_name", "日本" * 15, "cut off in the middle of a letter, after which it may be longer again"),
    ("cluster_name", "x" * 80, "more than a name may have"),
    ("application_name", "Köln", "the same without a restart"),
]


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "value", "reason"), NAMES, ids=[row[-1] for row in NAMES])
def test_a_name_of_which_the_server_makes_another(own_files, name, value, reason):
    target = own_files
    resources = pg_settings(target, {name: value})
    receipt = apply(plan_for(target, resources), target, allowed=[HazardType.RESTART])
    assert receipt.succeeded, receipt
    again = plan_for(target, resources)
    assert (again.changes, again.notices) == ((), ())


@pytest.fixture
def own_files(pg_target: Target, postgres) -> Iterator[Target]:
    yield pg_target.model_copy(update={"restart": restart_command(postgres)})
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("alter system reset all")
    postgres.restart()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("statement_timeout", "0.4ms"), ("statement_timeout", "400us"), ("lock_timeout", "1us"),
        ("temp_file_limit", "100B"), ("wal_keep_size", "100kB"), ("log_min_duration_statement", "0.4ms"),
        ("vacuum_cost_delay", "0.0004ms"),
    ],
)  # fmt: skip
def test_what_would_be_rounded_to_something_else_is_refused(pg_target, clean, name, value):
    """All these are 0 to the server: no limit, or everything."""
    [message] = blocked(pg_target, {name: value})
    assert "rounded" in message


def test_a_bare_number_is_not_set_to_nothing_either(pg_target, clean):
    clean.execute("alter system set statement_timeout = '5min'")
    reload(clean)
    [message] = blocked(pg_target, {"statement_timeout": "0.4"})
    assert "would be rounded to 0" in message
