"""Errors in the server's files that nothing declared has to do with: said once. Before, a plan said none of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from applying.acting import apply, pg_settings, plan_for
from attacks.test_settings_allowed_by_name import own, server
from waiting import reload

from reconciler.model import NoticeType, PostgresTarget, Target
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets

__all__ = ["own", "server"]

WANTED = {"work_mem": "5MB"}


@pytest.fixture
def files(own, server):
    """The server's files, which are as they were afterwards."""
    before = {name: (own.data / name).read_text() for name in ("pg_hba.conf", "pg_ident.conf", "postgresql.conf")}
    yield own.data
    for name, text in before.items():
        (own.data / name).write_text(text)
    reload(server)


def said(target: Target) -> list[str]:
    made = datetime.now(UTC).replace(microsecond=0)
    plan = make_plan({"main": target}, pg_settings(target, WANTED), Secrets({}), created_at=made, advised=True)
    return [each.message for each in plan.notices if each.type is NoticeType.NOTE]


@pytest.mark.matrix
def test_each_file_is_said_once_and_only_to_those_who_plan(own, server, files):
    target = PostgresTarget(name="main", url=own.url(), memory=16 << 30)
    assert apply(plan_for(target, pg_settings(target, WANTED)), target).succeeded
    assert not any("own files" in each for each in said(target))
    with (files / "pg_hba.conf").open("a") as hba:
        hba.write("hots all all trust\n")
    with (files / "postgresql.conf").open("a") as conf:
        conf.write("random_page_cost = lots\n")
    if server.info.server_version >= 150000:
        with (files / "pg_ident.conf").open("a") as ident:
            ident.write("half-a-line\n")
    [message] = [each for each in said(target) if "own files" in each]
    assert "pg_hba.conf:" in message
    assert 'invalid connection type "hots"' in message
    assert "postgresql.conf:" in message
    assert ("pg_ident.conf:" in message) is (server.info.server_version >= 150000)
    plan = plan_for(target, pg_settings(target, WANTED))
    assert plan.changes == ()


@pytest.mark.matrix
def test_what_waits_for_a_restart_is_no_error(own, server, files):
    target = PostgresTarget(name="main", url=own.url(), memory=16 << 30)
    server.execute("alter system set max_connections = 77")
    reload(server)
    assert not any("own files" in each for each in said(target))


def test_who_may_not_look_is_told_nothing_and_the_log_neither(own, server, files):
    server.execute("create role onlooker login")
    with (files / "pg_hba.conf").open("a") as hba:
        hba.write("hots all all trust\n")
    before = len(own.log)
    target = PostgresTarget(name="main", url=own.url(user="onlooker"), memory=16 << 30)
    assert not any("own files" in each for each in said(target))
    assert "ERROR" not in own.log[before:]
    server.execute("drop role onlooker")
