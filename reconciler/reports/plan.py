"""A plan: what each change does and why, what to know beside it, and what an apply of it needs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from reconciler.model import Action, Address, Change, Difference, Plan, Verdict
from reconciler.planning.groups import change_key
from reconciler.reports import provenance
from reconciler.reports.builds import Build, build_of
from reconciler.reports.changes import ChangeRow
from reconciler.reports.characters import visible
from reconciler.reports.checks import CheckRow, listed_checks
from reconciler.reports.definitions import definition
from reconciler.reports.hazards import HazardGroup, Permissions, hazard_groups, hazards_to_read, permissions
from reconciler.reports.idle_rules import IdleRow, idle_rows
from reconciler.reports.labels import ACTIONS, Labelled, both_sides
from reconciler.reports.narrowing import pulled_in
from reconciler.reports.notices import NoticeRow, notice_rows
from reconciler.reports.places import place
from reconciler.reports.quantities import facts
from reconciler.reports.quiet import Quiet, quiet
from reconciler.reports.several import are_many, several, together
from reconciler.reports.steps import on_failure, step_rows, to_undo
from reconciler.reports.summary import plan_summary
from reconciler.reports.target import TargetRow, target_rows
from reconciler.reports.unreachable import UnreadRow, unread_rows
from reconciler.verdicts import of_outcome, of_plan


class Turn(NamedTuple):
    """One node's turn, where the nodes of a cluster are taken one after the other: `main@db2: work_mem, restart`."""

    number: int
    says: str


class Order(NamedTuple):
    """The turns of a plan's nodes, and what they are."""

    says: str
    turns: tuple[Turn, ...]


class PlanReport(NamedTuple):
    """All that a reviewer has to know of a plan; `summary` in sentences, `checks` those that do not pass; `quiet` the
    changes without what only an apply has to know."""

    summary: tuple[str, ...]
    verdict: Verdict
    targets: tuple[TargetRow, ...]
    unread: tuple[UnreadRow, ...]
    changes: tuple[ChangeRow, ...]
    notices: tuple[NoticeRow, ...]
    idle_rules: tuple[IdleRow, ...]
    checks: tuple[CheckRow, ...]
    order: Order | None
    permissions: Permissions | None
    hazards: tuple[HazardGroup, ...]
    digest: Labelled | None
    quiet: Quiet


def plan_report(plan: Plan, *, grouped: bool = False) -> PlanReport:
    """A plan in rows and sentences; `grouped`: of many targets what is the same once."""
    many = grouped and are_many(plan)
    unasked = pulled_in(plan.partial, many=many)
    changes = _changes(plan.changes, unasked, many=many)
    return PlanReport(
        summary=plan_summary(plan),
        verdict=of_plan(plan),
        targets=target_rows(plan, many=many),
        unread=unread_rows(plan, many=many),
        changes=changes,
        notices=notice_rows(plan.notices, many=many),
        idle_rules=idle_rows(plan),
        checks=listed_checks(plan.checks, many=many),
        order=_order(plan),
        permissions=permissions(plan.changes, many=many),
        hazards=hazard_groups(plan.changes, many=many),
        digest=Labelled("Digest", plan.digest) if plan.changes and plan.digest else None,
        quiet=quiet(changes),
    )


def _changes(changes: Sequence[Change], unasked: Mapping[Address, str], *, many: bool) -> tuple[ChangeRow, ...]:
    """The changes in the order of the plan."""
    rows = [(change, change_row(change, unasked.get(change.address, ""))) for change in changes]
    return tuple(_told([row for _, row in same]) for same in together(rows, _key, many=many))


def _key(told: tuple[Change, ChangeRow]) -> Hashable:
    """What changes have in common that are told as one: what runs, and what is said but for evidence, hazards and lines
    of files."""
    change, row = told
    notes = tuple(provenance.without_lines(note, change.provenance) for note in row.notes)
    reason = provenance.without_lines(row.reason, change.provenance)
    return change_key(change), row.verdict, row.says, reason, notes, row.why


def _told(same: Sequence[ChangeRow]) -> ChangeRow:
    """Equal changes as one; what is not the same of all of them is that of the first."""
    row = same[0]
    if len(same) == 1:
        return row
    first = f" (of {visible(row.address.target)})"
    alike = all(each.hazards == row.hazards for each in same)
    hazards = row.hazards if alike else tuple(one._replace(says=one.says + first) for one in row.hazards)
    evidence = row.evidence and row.evidence + ("" if all(each.evidence == row.evidence for each in same) else first)
    build = row.build and _of_first(row.build, first, alike=all(each.build == row.build for each in same))
    reason = row.reason + ("" if all(each.reason == row.reason for each in same) else first)
    beside = zip(*(each.notes for each in same), strict=True)
    notes = tuple(notes[0] + ("" if len({*notes}) == 1 else first) for notes in beside)
    return row._replace(
        hazards=hazards, evidence=evidence, reason=reason, notes=notes, build=build,
        several=several([each.address.target for each in same]),
    )  # fmt: skip


def _of_first(build: Build, first: str, *, alike: bool) -> Build:
    if alike:
        return build
    return build._replace(size_says=build.size_says + first, seconds_says=build.seconds_says + first)


def change_row(change: Change, unasked: str = "") -> ChangeRow:
    """A change in words; `unasked`: why it is there although nobody asked for it."""
    differs = change.difference is Difference.DIFFERS
    reason = visible(change.reason) if differs else provenance.half_way(change)
    forbidden = f"! {change.forbidden}" if change.forbidden else ""
    explained = bool(change.summary or change.reason)
    return ChangeRow(
        address=change.address,
        action=change.action,
        verdict=of_outcome(change),
        sign=ACTIONS[change.action].sign,
        says=visible(change.summary or change.reason or change.why),
        sides=both_sides(visible(change.summary)),
        reason=reason if change.summary else "",
        notes=tuple(map(visible, filter(None, (unasked, *change.notes, forbidden)))),
        steps=step_rows(change.steps),
        hazards=hazards_to_read(change),
        on_failure=tuple(Labelled("on failure:", run) for run in on_failure(change)),
        to_undo=Labelled("to undo:", to_undo(change)) if change.inverse else None,
        evidence=facts(change.evidence),
        why=Labelled("why:", visible(change.why)) if change.why and explained else None,
        definition=definition(change),
        explained=visible(change.summary or change.reason),
        wanted=visible(change.why),
        place=place(change.declared_at),
        build=build_of(change),
    )


def _order(plan: Plan) -> Order | None:
    """In which order the nodes of a cluster are taken, where it matters; else None."""
    turns: list[Turn] = []
    nodes = {name: info.node_of for name, info in plan.targets.items() if info.node_of}
    by_target: dict[str, list[Change]] = {}
    for change in plan.changes:
        by_target.setdefault(nodes.get(change.address.target, change.address.target), []).append(change)
    for changes in by_target.values():
        places = list(dict.fromkeys((change.phase, change.address.target) for change in changes))
        if len({change.address.target for change in changes}) > 1 and len({phase for phase, _ in places}) > 1:
            for number, turn in enumerate(places, 1):
                here = [change for change in changes if (change.phase, change.address.target) == turn]
                acts = ["restart" if each.action is Action.RESTART else each.address.name for each in here]
                turns.append(Turn(number, visible(f"{turn[1]}: {', '.join(acts)}")))
    return Order("One after the other, each only after all before it:", tuple(turns)) if turns else None
