"""What a what-if says, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from live import outcomes

from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.advice.whatif_facts import whatif
from reconciler.model import Change, Notice, NoticeType, Outcome, Resource, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect


def judged(target: Target, resources: Sequence[Resource], **options: Any) -> list[Outcome]:
    """What a plan would show, after a check that the session is as it was."""
    planned = outcomes(KIND, target, resources)
    with closing(connect(target, Secrets({}))) as session:
        found = whatif(session, planned, **options)
        assert session.fetch("select name from pg_prepared_statements") == []
        if session.fetch("select from pg_extension where extname = 'hypopg'"):
            assert session.fetch("select * from public.hypopg()") == []
    return found


def said(target: Target, resources: Sequence[Resource], **options: Any) -> list[str]:
    """The evidence that what-if adds, and its notices, as lines."""
    planned = {one.address: one for one in outcomes(KIND, target, resources) if isinstance(one, Change)}
    lines = []
    for one in judged(target, resources, **options):
        if isinstance(one, Change):
            known = planned[one.address].evidence
            assert one.evidence[: len(known)] == known
            lines += [f"{fact.name}: {fact.value}" for fact in one.evidence[len(known) :]]
        else:
            assert isinstance(one, Notice)
            assert one.type is NoticeType.NOTE
            assert str(one.address) == "main/pg_index/*"
            lines.append(one.message)
    return lines


def by_agent(columns: str) -> str:
    return f"select {columns} from tasks where agent = 5"  # noqa: S608 - columns of this file


def costs(line: str) -> tuple[float, float]:
    """Before and after of `would gain: 1,032 → 8.3 cost, …`."""
    before, _, rest = line.partition(": ")[2].partition(" → ")
    return float(before.replace(",", "")), float(rest.partition(" cost")[0].replace(",", ""))
