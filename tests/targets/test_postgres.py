from __future__ import annotations

import time

import pytest
from waiting import given_time, milliseconds, until

from reconciler.errors import ConnectionFailed, ObservationFailed
from reconciler.targets.postgres.session import connect
from reconciler.targets.postgres.session_settings import _READING


@pytest.mark.parametrize(
    "statement",
    [
        "create table x ()",
        "alter system set work_mem = '5MB'",
        "commit; alter system set work_mem = '5MB'",
        "create temp table x ()",
        "set default_transaction_read_only = off; create table x ()",
    ],
)
def test_a_session_cannot_write(pg_target, secrets, statement):
    session = connect(pg_target, secrets)
    with pytest.raises(ObservationFailed):
        session.fetch(statement)
    assert session.fetch("show transaction_read_only") == [{"transaction_read_only": "on"}]
    session.close()


def test_one_refused_query_leaves_the_session_usable(pg_target, secrets):
    session = connect(pg_target, secrets)
    with pytest.raises(ObservationFailed, match=r'relation "nowhere" does not exist \(42P01\)'):
        session.fetch_all([("select 1", None), ("select * from nowhere", None)])
    assert session.fetch("select %(x)s::int as x", {"x": 1}) == [{"x": 1}]
    session.close()


def test_a_lost_connection_is_said_plainly(pg_target, secrets, sql):
    session = connect(pg_target, secrets)
    [(pid,)] = sql.execute(
        "select pid from pg_stat_activity where application_name = 'reconciler' and datname = current_database()"
    )
    sql.execute("select pg_terminate_backend(%s)", [pid])
    until(lambda: not sql.execute("select 1 from pg_stat_activity where pid = %s", [pid]).fetchone(), "its end")
    with pytest.raises(ConnectionFailed, match="main: the connection was lost"):
        session.fetch("select 1")
    session.close()


LIMITS = ["idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout"]


@pytest.mark.matrix
def test_a_session_outlives_the_servers_limits_for_sessions(pg_target, secrets, sql):
    def attempt(seconds: float):
        for (name,) in sql.execute("select name from pg_settings where name = any(%s)", [LIMITS]).fetchall():
            sql.execute(f"alter database {sql.info.dbname} set {name} = '{milliseconds(seconds / 3)}'")
        try:
            return seconds, connect(pg_target, secrets)
        except ConnectionFailed:  # ended before it could say anything
            return seconds, None

    beyond, session = given_time(attempt, lambda found: found[1])
    time.sleep(beyond)
    session.fetch("select pg_sleep(%(beyond)s)", {"beyond": beyond})
    with session._connection.transaction():
        session._connection.execute(_READING)
        time.sleep(beyond)
    assert session.fetch("select 1 as x") == [{"x": 1}]
    session.close()


def test_a_plan_knows_the_very_database(pg_target, secrets, postgres):
    session = connect(pg_target, secrets)
    assert session.info.identity.endswith("/" + session.info.database)
    assert session.info.location == f"127.0.0.1:{postgres.port}"
    session.close()


def test_an_at_sign_in_a_password_is_not_looked_up_as_a_host(pg_target, secrets):
    url = type(pg_target.url)("postgresql://u:top@s3cret@127.0.0.1:1/x")
    with pytest.raises(ConnectionFailed, match="percent-encode them: %40") as raised:
        connect(pg_target.model_copy(update={"url": url}), secrets)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("url", ["postgresql://nobody:s3cret@127.0.0.1:1/x", "rubbish s3cret", "postgresql://[s3cret"])
def test_a_url_that_does_not_work_is_an_error_without_its_password(pg_target, secrets, url):
    with pytest.raises(ConnectionFailed) as raised:
        connect(pg_target.model_copy(update={"url": type(pg_target.url)(url)}), secrets)
    assert "s3cret" not in str(raised.value)


MISTYPED = [
    ("postgresql://u:s3cret@127.0.0.1:1/x?sslmod=require", "it has no option sslmod; did you mean sslmode?"),
    ("postgresql://127.0.0.1:1/x?connect_timout=3", "it has no option connect_timout; did you mean connect_timeout?"),
    ("postgresql://127.0.0.1:1/x?s3cret=1", "expected postgresql://"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "hint"), MISTYPED)
def test_a_mistyped_option_of_a_url_is_named_and_nothing_else_of_it(pg_target, secrets, url, hint):
    """Before, the URL could not be read, and nothing said what of it."""
    with pytest.raises(ConnectionFailed) as raised:
        connect(pg_target.model_copy(update={"url": type(pg_target.url)(url)}), secrets)
    assert raised.value.hint.startswith(hint)
    assert "s3cret" not in f"{raised.value} {raised.value.hint}"


def test_a_command_without_rows_is_answered_by_none_and_read_only_all_the_same(pg_target, secrets):
    session = connect(pg_target, secrets)
    answers = session.fetch_all([("prepare p as select 1 as x", None), ("execute p", None), ("deallocate p", None)])
    assert answers == [[], [{"x": 1}], []]
    assert session.fetch("show transaction_read_only") == [{"transaction_read_only": "on"}]
    session.close()


def test_columns_of_one_name_are_refused_since_a_row_by_name_would_lose_one(pg_target, secrets):
    session = connect(pg_target, secrets)
    with pytest.raises(ObservationFailed, match="two columns of the answer have the same name"):
        session.fetch("select 1 as x, 2 as x")
    assert session.fetch("select 1 as x") == [{"x": 1}]
    session.close()
