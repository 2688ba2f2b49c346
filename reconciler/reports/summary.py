"""What a plan, or the drift of live systems, comes to: a few sentences that count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from reconciler.kinds.registry import BY_NAME, KINDS
from reconciler.model import (
    Action,
    Address,
    Change,
    Difference,
    HazardType,
    Notice,
    NoticeType,
    Partial,
    Plan,
    Verdict,
)
from reconciler.reports.builds import builds_summary
from reconciler.reports.causes import causes_summary
from reconciler.reports.characters import visible
from reconciler.reports.checks import LISTED, all_pass, checks_summary
from reconciler.reports.hazards import hazards_of
from reconciler.reports.labels import ACTIONS, CHECK, NOTICES, Number, counted, listed, numbered
from reconciler.reports.narrowing import IT, LEFT_OUT, PULLED_IN, narrowed_summary
from reconciler.reports.provenance import DIFFERENCES
from reconciler.reports.rollback import revert_too, rollback_summary
from reconciler.reports.unreachable import unread_summary
from reconciler.verdicts import of_outcome, worst

UNMENDED: Mapping[Verdict, str] = {
    Verdict.IN_SYNC: "In sync.",
    Verdict.WAITS: "No drift but for what waits for a restart.",
    Verdict.NOT_VISIBLE: "No drift in what can be seen.",
    Verdict.HALF_WAY: "Half of it differs: it runs and is not persisted, or the other way round.",
    Verdict.DIFFERS: "Drift, and no plan would mend it.",
    Verdict.BLOCKED: "Drift, and no step can mend it now.",
}
"""What drift comes to where no change is about it."""

ALWAYS_COUNTED = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})
"""Named in a summary even where there are none: "0 to drop" is what a reviewer looks for."""


def plan_summary(plan: Plan) -> tuple[str, ...]:
    """What a plan comes to, sentence by sentence."""
    before = [*rollback_summary(plan.rolls_back), *narrowed_summary(plan.partial), *unread_summary(plan.unseen)]
    notices = _notices(plan.notices, plan.changes)
    if plan.changes:
        counts = Counter(change.action for change in plan.changes)
        parts = [f"{counts[a]} {w.intent}" for a, w in ACTIONS.items() if counts[a] or a in ALWAYS_COUNTED]
        first = f"Plan: {', '.join(parts)}."
        return (
            *before,
            first,
            *filter(None, [builds_summary(plan.changes)]),
            *_left_out(plan.partial),
            *_half_way(plan.changes),
            *notices,
            *_checks_beside(plan, plan.changes),
            *revert_too(plan.rolls_back),
        )
    if plan.rolls_back:
        return (*before, "Nothing is to be undone.", *notices)
    nothing = [*_nothing(plan, "No changes."), *_left_out(plan.partial)]
    return (*nothing, *_as_declared(plan), *notices, *_checks_beside(plan, plan.changes))


def drift_summary(plan: Plan, drifted: Sequence[Change]) -> tuple[str, ...]:
    """What the live systems' differences come to, sentence by sentence; `drifted` are the changes about one."""
    beside = (*_notices(plan.notices), *_checks_beside(plan, drifted))
    if drifted:
        counts = Counter(change.action for change in drifted if change.difference is Difference.DIFFERS)
        parts = [f"{counts[action]} {words.drift}" for action, words in ACTIONS.items() if counts[action]]
        first = [f"Drift: {', '.join(parts)}."] if parts else []
        before = [*narrowed_summary(plan.partial), *unread_summary(plan.unseen)]
        counted_causes = causes_summary(plan)
        return (*before, *first, *_left_out(plan.partial, drift=True), *_half_way(drifted), *counted_causes, *beside)
    found = worst(map(of_outcome, plan.notices))
    says = UNMENDED[found]
    if found is Verdict.IN_SYNC and any(check.status in LISTED for check in plan.checks):
        says = "No drift, and checks that do not pass."
    return (*_nothing(plan, says), *_left_out(plan.partial, drift=True), *_as_declared(plan), *beside)


def _nothing(plan: Plan, says: str) -> list[str]:
    """That nothing is found; where not all was read or asked for, in what was, if anything."""
    of = "In what was read: " if plan.unreachable else "In that: " if plan.partial else ""
    found = [f"{of}{says[0].lower()}{says[1:]}" if of else says] if plan.targets or not plan.unreachable else []
    return [*narrowed_summary(plan.partial), *unread_summary(plan.unseen), *found]


def _left_out(partial: Partial | None, *, drift: bool = False) -> list[str]:
    """What of the same targets is not in a plan that was narrowed, and what is although nobody asked for it; `drift`
    tells of no such thing."""
    if partial is None:
        return []
    count, unasked = partial.left_out, len(partial.pulled_in)
    if drift:
        count, unasked = count + unasked, 0
    more = [f"{counted(unasked, PULLED_IN)}, since others lean on {numbered(unasked, IT)}."] if unasked else []
    return [*more, *([f"{counted(count, LEFT_OUT)}."] if count else [])]


def _half_way(changes: Sequence[Change]) -> list[str]:
    """What only runs, and what is only written down."""
    counts = Counter(change.difference for change in changes)
    return [f"{counted(counts[each], words)}." for each, words in DIFFERENCES.items() if counts[each]]


def _as_declared(plan: Plan) -> list[str]:
    """What is as declared, counted by the names of kinds; checks only where all of them pass."""
    counts: Counter[Number] = Counter()
    for kind, count in plan.in_sync.items():
        if kind != "check" or not plan.checks:
            counts[BY_NAME[kind].nouns if kind in BY_NAME else (visible(kind), visible(kind))] += count
    if plan.checks and all_pass(plan.checks):
        counts[CHECK] = len(plan.checks)
    known = {kind.nouns for kind in KINDS}
    order = sorted(counts, key=lambda nouns: (nouns not in known, nouns == CHECK, nouns))
    names = [name for name in order if counts[name] > 0]
    if not names:
        return [] if plan.notices or plan.checks or plan.unreachable else ["Nothing is declared here."]
    verb = "is" if len(names) == 1 and counts[names[0]] == 1 else "are"
    return [f"{listed([counted(counts[name], name) for name in names])} {verb} as declared."]


def _notices(notices: Sequence[Notice], planned: Sequence[Change] = ()) -> list[str]:
    """One sentence for each type of notice, and with `planned` also for the changes that a restart has to follow.

    Resources are counted; but of warnings each, since several may be about a target.
    """
    found: dict[NoticeType, set[Address]] = {type: set() for type in NOTICES}
    for notice in notices:
        found[notice.type].add(notice.address)
    found[NoticeType.WAITS_FOR_RESTART] |= {
        change.address
        for change in planned
        if any(hazard.type is HazardType.WAITS_FOR_RESTART for hazard in hazards_of([change]))
    }
    said = [type for type in NOTICES if found[type] and type is not NoticeType.NOTE]
    warnings = {(each.address, each.message) for each in notices if each.type is NoticeType.PREFLIGHT}
    return [
        f"{counted(len(warnings), NOTICES[type])}."
        if type is NoticeType.PREFLIGHT
        else f"{of_kinds(found[type])} {numbered(len(found[type]), NOTICES[type])}."
        for type in said
    ]


def of_kinds(addresses: Iterable[Address]) -> str:
    """How many of which kind: `2 indexes and 1 setting`."""
    kinds = [address.kind for address in addresses]
    counts = Counter(BY_NAME[kind].nouns if kind in BY_NAME else (visible(kind), visible(kind)) for kind in kinds)
    return listed([counted(counts[nouns], nouns) for nouns in sorted(counts)])


def _checks_beside(plan: Plan, changes: Sequence[Change]) -> list[str]:
    """The sentence about checks, unless there are none, or they were already counted as being as declared."""
    return [] if not plan.checks or (not changes and all_pass(plan.checks)) else [checks_summary(plan.checks)]
