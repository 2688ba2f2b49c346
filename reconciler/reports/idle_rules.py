"""Ignore rules that ignore nothing: to be removed, or put right."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.model import Idleness, IdleRule, Plan
from reconciler.reports.characters import visible
from reconciler.reports.places import Place, place

SIGN = "!"


class IdleRow(NamedTuple):
    """One of them: for which addresses it is, what is said of it, and where it stands."""

    pattern: str
    says: str
    place: Place


def idle_rows(plan: Plan) -> tuple[IdleRow, ...]:
    """The ignore rules of a plan that ignore nothing, in the order of the files."""
    return tuple(
        IdleRow(visible(str(each.rule.pattern)), visible(_says(each)), place(each.rule.declared_at))
        for each in plan.idle_rules
    )


def _says(idle: IdleRule) -> str:
    at = f" ({idle.rule.declared_at})" if idle.rule.declared_at else ""
    if idle.idleness is Idleness.EXPIRED:
        return f"this ignore rule{at} expired on {idle.rule.until}: what it ignored counts again"
    return f"this ignore rule{at} matches nothing that is declared or was found"
