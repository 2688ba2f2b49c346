"""`silence` of a target: notes are left out by the name that stands beside them, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

from pg_index.declared import tables

from reconciler.model import Note, NoticeType, Plan, Resource, Target
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.views import render


def advised(target: Target, resources: list[Resource], *silence: Note) -> Plan:
    quiet = target.model_copy(update={"silence": frozenset(silence)})
    now = datetime.now(UTC).replace(microsecond=0)
    return make_plan({target.name: quiet}, resources, Secrets({}), created_at=now, advised=True)


def noted(plan: Plan) -> set[Note | None]:
    return {notice.note for notice in plan.notices if notice.type is NoticeType.NOTE}


def test_notes_are_silenced_one_by_one(sql, pg_target):
    sql.execute("create table tasks (id int)")
    declared = tables(
        pg_target, {"public.tasks": {"indexes": {"i": {"columns": ["id"]}}, "unlisted_indexes": "report"}}
    )
    loud = advised(pg_target, declared)
    assert noted(loud) == {Note.WHAT_IF, Note.LESSER_ROLE}
    assert "note [what-if]: what-if is not available" in render(loud, "text", colour=False, width=200)
    assert noted(advised(pg_target, declared, Note.WHAT_IF)) == {Note.LESSER_ROLE}
    quiet = advised(pg_target, declared, Note.WHAT_IF, Note.LESSER_ROLE)
    assert noted(quiet) == set()
    assert quiet.changes == loud.changes
