"""What a setting does depends on others, on who is connected, and on who is let in: seen, or said not to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from applying.acting import apply, pg_settings, plan_for
from fix_servers import _numbers
from pg_setting.own_server import OwnServer, certificate, has_tls
from waiting import reload, until

from attacks.test_settings_allowed_by_name import STOPS, UNSAFE, Row, own, resources, server
from reconciler.model import HazardType, Plan, PostgresTarget, Target

__all__ = ["own", "server"]


def target(server: OwnServer, user: str = "postgres") -> Target:
    return PostgresTarget(name="main", url=server.url(user=user), memory=16 << 30)


def found(plan: Plan, kind: HazardType) -> list[str]:
    hazards = [hazard for change in plan.changes for step in change.steps for hazard in step.hazards]
    return [hazard.message for hazard in hazards if hazard.type is kind]


def test_fewer_connections_than_are_there_now(own, server):
    """Before, what was left for others was held against no session."""
    wanted = {"max_connections": "30"}
    assert found(plan_for(target(own), pg_settings(target(own), wanted)), STOPS) == []
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(psycopg.connect(own.url()))
        [message] = found(plan_for(target(own), pg_settings(target(own), wanted)), STOPS)
    assert "27 connections are left for whoever is no superuser, and 3" in message


@pytest.mark.pg(">= 15")
def test_who_is_no_superuser_is_told_that_he_locks_himself_out(own, server):
    server.execute("create role tuner login")
    server.execute("grant pg_monitor to tuner")
    server.execute("grant alter system on parameter superuser_reserved_connections to tuner")
    server.execute("grant execute on function pg_catalog.pg_reload_conf() to tuner")
    where = target(own, "tuner")
    [message] = found(plan_for(where, pg_settings(where, {"superuser_reserved_connections": "98"})), STOPS)
    assert "this role, which is none, may not come in again" in message
    server.execute("drop owned by tuner; drop role tuner")


@pytest.fixture
def rules(own: OwnServer, server: psycopg.Connection) -> Iterator[None]:
    """A line of pg_hba.conf that lets in without TLS alone."""
    hba = own.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text(f"hostnossl all somebody 192.0.2.0/24 trust\n{before}")
    yield
    hba.write_text(before)


def test_rules_of_another_kind_of_connection(own, server, rules):
    """Only where the server was built with TLS, and has a certificate, is there a change at all."""
    if not has_tls(own.binaries):
        pytest.skip("built without TLS")
    certificate(own)
    files = {"ssl_cert_file": f"{own.folder}/server.crt", "ssl_key_file": f"{own.folder}/server.key"}
    for name, value in files.items():
        server.execute(f"alter system set {name} = '{value}'")
    reload(server)
    plan = plan_for(target(own), pg_settings(target(own), {"ssl": "on"}))
    [message] = found(plan, STOPS)
    assert "hostnossl" in message
    assert apply(plan, target(own), allowed=[STOPS]).succeeded
    plan = plan_for(target(own), pg_settings(target(own), {"ssl": "off"}))
    assert found(plan, UNSAFE) != []
    assert "clients that insist on TLS are refused" in found(plan, STOPS)[0]


@pytest.mark.thorough
@pytest.mark.rotated
def test_commits_wait_for_a_standby_that_streams(pair):
    """Before, no name was held against what streams, and none was said to be nobody's."""
    main = PostgresTarget(name="main", url=pair.primary.url())
    with psycopg.connect(pair.primary.url(), autocommit=True) as connection:
        query = "select application_name from pg_stat_replication where state = 'streaming'"
        until(lambda: connection.execute(query).fetchone() is not None, "the standby streams")
        [name] = connection.execute(query).fetchone()

    def said(value: str) -> list[str]:
        return found(plan_for(main, pg_settings(main, {"synchronous_standby_names": value})), STOPS)

    assert said(name) == said("*") == said(f"FIRST 1 (nobody, {name.upper()})") == said(f"ANY 1 ({name}, nobody)") == []
    assert f"2 of {name}, nobody, and who streams from here is {name}" in said(f"ANY 2 ({name}, nobody)")[0]
    assert len(said("nobody")) == len(said("2 (*)")) == 1
    [message] = found(plan_for(main, pg_settings(main, {"max_wal_senders": "0"})), STOPS)
    assert "1 stream from here now, and 0 may" in message
    wanted = pg_settings(main, {"synchronous_standby_names": name})
    assert apply(plan_for(main, wanted), main).succeeded
    assert plan_for(main, wanted).is_empty
    with psycopg.connect(pair.primary.url(), autocommit=True) as connection:
        connection.execute(f"create table waits_{next(_numbers)} ()")  # a commit ends
        connection.execute("alter system reset all")
        reload(connection)


@pytest.mark.parametrize("scope", ["roles", "databases"])
def test_reset_brings_what_is_behind(scope, own, server):
    """Before, RESET of a role or a database was no turn at all, whatever it brought to light."""
    subject = scope.removesuffix("s")
    server.execute("alter system set row_security = off")
    server.execute(f"alter {subject} postgres set row_security = on")
    reload(server)
    row = Row("", {"postgres": {"settings": {"row_security": "default"}}}, {UNSAFE}, section=scope)
    assert len(found(plan_for(target(own), resources(target(own), row)), UNSAFE)) == 1
    server.execute("alter system reset row_security")
    reload(server)
    assert found(plan_for(target(own), resources(target(own), row)), UNSAFE) == []


def test_reset_of_a_role_brings_what_a_database_has(own, server):
    server.execute("alter database postgres set row_security = off")
    server.execute("alter role postgres set row_security = on")
    row = Row("", {"postgres": {"settings": {"row_security": "default"}}}, {UNSAFE}, section="roles")
    assert len(found(plan_for(target(own), resources(target(own), row)), UNSAFE)) == 1


def test_what_a_role_had_behind_it_is_no_turn(own, server):
    server.execute("alter system set row_security = off")
    reload(server)
    row = Row("", {"postgres": {"settings": {"row_security": "off"}}}, set(), section="roles")
    plan = plan_for(target(own), resources(target(own), row))
    assert len(plan.changes) == 1
    assert found(plan, UNSAFE) == []


def test_a_reload_that_brings_it_is_as_dangerous(own, server):
    """Somebody wrote it, and nobody reloaded: before, the plan reloaded without a word."""
    server.execute("alter system set fsync = on")
    reload(server)
    server.execute("alter system set fsync = off")
    plan = plan_for(target(own), pg_settings(target(own), {"fsync": "off"}))
    assert [step.statements for step in plan.changes[0].steps] == [("select pg_catalog.pg_reload_conf()",)]
    assert len(found(plan, UNSAFE)) == 1


def test_what_only_runs_is_not_written_down_without_a_word(own, server):
    """It runs, and the next reload would have made it safe again."""
    server.execute("alter system set zero_damaged_pages = on")
    reload(server)
    server.execute("alter system reset zero_damaged_pages")
    plan = plan_for(target(own), pg_settings(target(own), {"zero_damaged_pages": "on"}))
    assert len(found(plan, UNSAFE)) == 1
