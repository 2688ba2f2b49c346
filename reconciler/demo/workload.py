"""The queries of the sample application: what the declared indexes are for.

They are written down in workload.sql. Each names the indexes that it is meant to use, and each declared index names
its queries; a test asks the planner whether both tell the truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from reconciler.demo.data import NEWEST, SPAN
from reconciler.errors import UsageError

MOST_ROUNDS = 10_000
"""A few minutes of work."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query. `sql` uses the names that `draw` gives; `serves` are the indexes that it is meant to use."""

    name: str
    sql: bytes
    serves: tuple[str, ...]


def draw(random: Random, counts: Mapping[str, int]) -> Mapping[str, Any]:
    """What one request of the application asks for. `counts` are rows by table; the active are asked for more often."""

    def one_of(table: str, power: int = 3) -> int:
        return 1 + int(counts[table] * random.random() ** power)

    return {
        "user": one_of("users"),
        "agent": one_of("agents"),
        "session": counts["sessions"] + 1 - one_of("sessions"),
        "task": counts["tasks"] + 1 - one_of("tasks"),
        "page": NEWEST - SPAN * random.random() ** 3,
        "since": NEWEST - timedelta(hours=random.randint(2, 48)),
        "a_minute_ago": NEWEST - timedelta(minutes=1),
        "now": NEWEST,
        "in_two_days": NEWEST + timedelta(days=2),
        "email": f"calm.USER{one_of('users')}@example.com",
        "token": sha256(f"token-{one_of('sessions', 1)}".encode()).digest(),
        "name": random.choice(["calm ot", "hazy wr", "brisk li", "fair fi"]) + "%",
        "kind": random.choice(["planner", "reviewer", "researcher", "coder"]),
        "capabilities": random.sample(["french", "japanese", "cobol"], 2),
        "priority": random.randint(6, 8),
        "source": random.choice(["email", "import"]),
        "label": f'{{"labels": ["team-{random.randint(20, 200)}"]}}',
        "words": random.choice(["legacy questionnaire", "refactor glossary", "quarterly budget", "draft -report"]),
    }


def run(connection: psycopg.Connection, rounds: int, seed: int = 1) -> int:
    """Runs every query `rounds` times, each time with other values, and returns how many queries that was.

    It changes nothing; `next_task` locks one row for the length of its transaction. Raises UsageError, psycopg.Error.
    """
    if not 1 <= rounds <= MOST_ROUNDS:
        raise UsageError(f"cannot run the workload {rounds} times", hint=f"choose a number from 1 to {MOST_ROUNDS}")
    counts = count(connection)
    random = Random(seed)  # noqa: S311 - a sample, not a secret
    for _ in range(rounds):
        values = draw(random, counts)
        for query in QUERIES:
            connection.execute(query.sql, values).fetchall()
    return rounds * len(QUERIES)


def count(connection: psycopg.Connection) -> Mapping[str, int]:
    """The highest id of each table that has one, which is its number of rows as loaded. Raises UsageError."""
    missing = UsageError("the sample data is not there", hint="load it first: reconciler.demo.data.load")
    try:
        row = connection.execute(
            """
            select (select max(id) from users), (select max(id) from agents), (select max(id) from sessions),
                   (select max(id) from tasks)
            """
        ).fetchone()
    except psycopg.errors.UndefinedTable:
        raise missing from None
    if row is None or None in row:
        raise missing
    return dict(zip(("users", "agents", "sessions", "tasks"), row, strict=True))


_HEADER = re.compile(r"^-- name: (\w+)\n-- serves: (.+)\n", re.MULTILINE)


def _read(text: str) -> Iterator[Query]:
    """Every header starts a query, which ends with the next semicolon."""
    for header in _HEADER.finditer(text):
        query, _, _ = text[header.end() :].partition(";")
        yield Query(header[1], query.encode(), tuple(header[2].split(", ")))


QUERIES: tuple[Query, ...] = tuple(_read(Path(__file__).with_name("workload.sql").read_text(encoding="utf-8")))
