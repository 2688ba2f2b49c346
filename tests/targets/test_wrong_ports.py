"""URLs that lead to a server of another kind. Before, only that the connection was closed, or that time was up."""

from __future__ import annotations

import pytest

from reconciler.errors import ConnectionFailed
from reconciler.model import PostgresTarget, RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect


def test_a_redis_url_that_leads_to_a_postgresql_says_where_it_leads(postgres):
    with pytest.raises(ConnectionFailed) as raised:
        connect(RedisTarget(name="cache", url=f"redis://127.0.0.1:{postgres.port}"), Secrets({}))
    assert f"127.0.0.1:{postgres.port} closed the connection" in raised.value.message
    assert "it may be no Redis" in raised.value.message


def test_a_postgresql_url_that_leads_to_a_redis_says_what_it_may_be(redis_server, monkeypatch):
    url = f"postgresql://u@127.0.0.1:{redis_server.port}/x?connect_timeout=2"
    with pytest.raises(ConnectionFailed) as raised:
        connect(PostgresTarget(name="main", url=url), Secrets({}))
    assert "that it is a PostgreSQL" in raised.value.hint
