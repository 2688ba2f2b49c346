from __future__ import annotations

import pytest


@pytest.fixture
def workload(sql):
    """50,000 rows; the statistics of statements are there, and begin here."""
    sql.execute("create extension pg_stat_statements")
    sql.execute("create table tasks (id bigint primary key, agent int, status text, done bool, created timestamptz)")
    sql.execute(
        "insert into tasks select n, n % 1000, case when n % 100 = 0 then 'pending' else 'finished' end, n % 50 <> 0,"
        " '2026-01-01'::timestamptz + n * interval '1 min' from generate_series(1, 50000) n"
    )
    sql.execute("create table others (id bigint, agent int, tags text[])")
    sql.execute("analyze")
    sql.execute("select pg_stat_statements_reset()")
    return sql


@pytest.fixture
def hypopg(workload):
    """As `workload`, on a server that comes with HypoPG (see fix_servers)."""
    workload.execute("create extension hypopg")
    return workload
