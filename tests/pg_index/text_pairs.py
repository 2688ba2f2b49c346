"""Two texts of SQL, one in a declared index of `tasks` and one in an index that is there: what a plan makes of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import psycopg
from live import converge, outcomes

from pg_index.declared import declared
from reconciler.kinds.pg_index import KIND
from reconciler.model import Outcome, Target


class Case(NamedTuple):
    """`where`: they are predicates, else keys."""

    name: str
    declared: str
    live: str
    reason: str = ""
    where: bool = False


def spec(text: str, *, where: bool) -> dict[str, object]:
    """The YAML of an index that holds `text`."""
    return {"columns": ["id"], "where": text} if where else {"columns": [f"({text})"]}


def make(sql: psycopg.Connection, case: Case, name: str = "i") -> None:
    """Makes the index that is there."""
    text, _, collation = case.live.partition(" collate ") if case.live.endswith('"') else (case.live, "", "")
    of = f"(id) where {case.live}" if case.where else f"(({text}) {f'collate {collation}' if collation else ''})"
    sql.execute(f"create index {name} on tasks {of}".encode())


def brought(sql: psycopg.Connection, target: Target, case: Case, name: str = "i") -> list[Outcome]:
    """What brings the index `i` to its declaration, where the other text is there under `name`."""
    make(sql, case, name)
    return converge(KIND, target, declared(target, i=spec(case.declared, where=case.where)))


def not_in_sync(sql: psycopg.Connection, target: Target, cases: Sequence[Case]) -> list[tuple[str, Outcome]]:
    """The names of the cases for which something is planned, and what."""
    wanted = {}
    for n, case in enumerate(cases):
        make(sql, case, f"i{n}")
        wanted[f"i{n}"] = spec(case.declared, where=case.where)
    found = outcomes(KIND, target, declared(target, **wanted))
    return [(cases[int(outcome.address.name.removeprefix("public.i"))].name, outcome) for outcome in found]


def planned_after_building(target: Target, cases: Iterable[Case]) -> list[Outcome]:
    """What is planned once more when both texts of all cases were built by ourselves."""
    texts = sorted({(text, case.where) for case in cases for text in (case.declared, case.live)})
    wanted = {f"i{n}": spec(text, where=where) for n, (text, where) in enumerate(texts)}
    converge(KIND, target, declared(target, **wanted))
    return outcomes(KIND, target, declared(target, **wanted))
