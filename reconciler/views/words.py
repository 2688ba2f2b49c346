"""The words and signs that all views share: what kinds, actions, notices and outcomes of checks are called."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reconciler.kinds.registry import BY_NAME, KINDS
from reconciler.model import (
    NEEDS_PERMISSION,
    WORTH_SAYING,
    Action,
    Applied,
    Change,
    CheckResult,
    CheckStatus,
    Difference,
    Hazard,
    HazardType,
    ManualStep,
    Notice,
    NoticeType,
    PatroniStep,
    Plan,
    RedisStep,
    RestartStep,
    SqlStep,
    Step,
    TargetInfo,
)
from reconciler.reports.characters import visible
from reconciler.reports.provenance import DIFFERENCES
from reconciler.reports.redis_cli import redis_step

CHECK = ("check", "checks")

HAZARDS_SHOWN = 3
"""Of one type and change: a partitioned table has one for each partition, and they all say the same."""


class ActionWords(NamedTuple):
    """`sign` and `style` of an action, `intent` as in "1 to create", and `drift`: what it means that it is needed."""

    sign: str
    style: str
    intent: str
    drift: str


ACTIONS: Mapping[Action, ActionWords] = {
    Action.CREATE: ActionWords("+", "green", "to create", "missing"),
    Action.REPLACE: ActionWords("-/+", "magenta", "to replace", "redefined"),
    Action.REBUILD: ActionWords("↻", "cyan", "to rebuild", "broken"),
    Action.RENAME: ActionWords("→", "cyan", "to rename", "misnamed"),
    Action.UPDATE: ActionWords("~", "yellow", "to change", "changed"),
    Action.RESTART: ActionWords("⟳", "red", "to restart", "waiting for a restart"),
    Action.DELETE: ActionWords("-", "red", "to drop", "unwanted"),
}
"""In the order in which a summary counts them."""

ALWAYS_COUNTED = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})
"""Named in a summary even where there are none: "0 to drop" is what a reviewer looks for."""

NOTICES: Mapping[NoticeType, tuple[str, str]] = {
    NoticeType.BLOCKED: ("is blocked", "are blocked"),
    NoticeType.WAITS_FOR_RESTART: ("waits for a restart", "wait for a restart"),
    NoticeType.NOT_PERSISTED: ("is not persisted", "are not persisted"),
    NoticeType.NOT_VISIBLE: ("is not visible", "are not visible"),
    NoticeType.BEING_BUILT: ("is being built", "are being built"),
    NoticeType.UNWANTED: ("is unwanted", "are unwanted"),
    NoticeType.UNLISTED: ("is unlisted", "are unlisted"),
    NoticeType.PREFLIGHT: ("preflight warning", "preflight warnings"),
    NoticeType.NOTE: ("note", "notes"),
}
"""What is said of one and of many, in the order in which a summary counts them."""


PLACED = frozenset({NoticeType.BLOCKED, NoticeType.UNWANTED, NoticeType.UNLISTED})
"""Said with the place of what is declared: to be mended there, or the rule that decides, of several."""


class CheckWords(NamedTuple):
    """`sign` and `style` of an outcome; `one` and `many` as in "1 of 24 checks fails"."""

    sign: str
    style: str
    one: str
    many: str


CHECKS: Mapping[CheckStatus, CheckWords] = {
    CheckStatus.FAIL: CheckWords("✗", "red", "fails", "fail"),
    CheckStatus.ERROR: CheckWords("!", "red", "could not be decided", "could not be decided"),
    CheckStatus.NOT_VISIBLE: CheckWords("?", "yellow", "is not visible", "are not visible"),
    CheckStatus.NO_DATA: CheckWords("?", "yellow", "has no data", "have no data"),
    CheckStatus.WAIVED: CheckWords("○", "dim", "is waived", "are waived"),
    CheckStatus.ATTESTED: CheckWords("○", "dim", "is attested", "are attested"),
    CheckStatus.NOT_APPLICABLE: CheckWords("○", "dim", "does not apply", "do not apply"),
    CheckStatus.PASS: CheckWords("✓", "green", "passes", "pass"),
}
"""The worst first, as a summary counts them."""

LISTED = frozenset({CheckStatus.FAIL, CheckStatus.ERROR, CheckStatus.NOT_VISIBLE, CheckStatus.NO_DATA})
"""Outcomes that a plan lists; the others it only counts."""

APPLIED: Mapping[Applied, tuple[str, str]] = {
    Applied.APPLIED: ("applied", "green"),
    Applied.SKIPPED: ("skipped", "dim"),
    Applied.INCOMPLETE: ("incomplete", "yellow"),
    Applied.STALE: ("stale", "yellow"),
    Applied.SUPERSEDED: ("superseded", "yellow"),
    Applied.FAILED: ("failed", "red"),
    Applied.NOT_RUN: ("not run", "yellow"),
}
"""The word for what became of a change, and its style; in the order in which a summary counts them."""


def order(plan: Plan) -> list[str]:
    """In which order the nodes of a cluster are taken, a line each, where it matters: `1. main@db2: a, b`."""
    lines = []
    nodes = {name: info.node_of for name, info in plan.targets.items() if info.node_of}
    by_target: dict[str, list[Change]] = {}
    for change in plan.changes:
        by_target.setdefault(nodes.get(change.address.target, change.address.target), []).append(change)
    for changes in by_target.values():
        places = list(dict.fromkeys((change.phase, change.address.target) for change in changes))
        if len({change.address.target for change in changes}) > 1 and len({phase for phase, _ in places}) > 1:
            for number, place in enumerate(places, 1):
                here = [change for change in changes if (change.phase, change.address.target) == place]
                acts = ["restart" if each.action is Action.RESTART else each.address.name for each in here]
                lines.append(visible(f"{number}. {place[1]}: {', '.join(acts)}"))
    return lines


def target_line(info: TargetInfo) -> str:
    """`PostgreSQL 18.6, app at db1:5432`."""
    product = visible(f"{info.product} {info.version}".strip())
    if not info.location:
        return f"{product}, not declared here"
    location = visible(info.location) + (", standby" if info.role == "standby" else "")
    location += f", as role {visible(info.as_role)}" if info.as_role else ""
    return f"{product}, {visible(info.database)} at {location}" if info.database else f"{product} at {location}"


def timeouts(step: SqlStep) -> str:
    """How a step runs: `lock_timeout 3s`, and what else is not as usual."""
    parts = ["one transaction"] if step.transaction and len(step.statements) > 1 else []
    parts.append("no lock_timeout" if step.lock_timeout == "0" else f"lock_timeout {step.lock_timeout}")
    if step.statement_timeout != "0":
        parts.append(f"statement_timeout {step.statement_timeout}")
    if step.attempts > 1:
        parts.append(f"up to {step.attempts} tries")
    return visible(", ".join(parts))


def on_failure(change: Change) -> list[str]:
    """What an apply runs by itself where a change fails: after a failed step, and where its promise is not kept."""
    steps = [step for step in change.steps if isinstance(step, SqlStep) and step.on_failure]
    cleaning = ["; ".join(map(visible, step.on_failure)) for step in steps]
    undoing = ["; ".join(map(in_one_line, change.undo))] if change.undo else []
    return list(dict.fromkeys([*cleaning, *undoing]))


def to_undo(change: Change) -> str:
    """What would bring back what a change takes away; empty where it takes nothing."""
    return "; ".join(map(in_one_line, change.inverse))


def notes(change: Change) -> tuple[str, ...]:
    """The notes, and who may not run it."""
    return (*change.notes, f"! {change.forbidden}") if change.forbidden else change.notes


def notice(one: Notice) -> str:
    """`waits for a restart: 200 is written, 100 is running`."""
    said = NOTICES[one.type][0].removeprefix("is ")
    place = f" ({one.declared_at})" if one.type in PLACED and one.declared_at else ""
    return (one.message if said in one.message[: len(said) + 3] else f"{said}: {one.message}") + place


def in_one_line(step: Step) -> str:
    """A step without its timeouts, for where only its statements matter."""
    if isinstance(step, ManualStep):
        return f"by hand: {visible(step.instruction)}"
    if isinstance(step, RestartStep):
        return visible(f"restart: {step.command}")
    if isinstance(step, PatroniStep):
        return visible(patroni(step))
    return redis_step(step) if isinstance(step, RedisStep) else "; ".join(map(visible, step.statements))


def patroni(step: PatroniStep) -> str:
    """A request to Patroni as its own documentation writes it."""
    if step.restart_for:
        return "POST /restart of each member that waits for one, replicas first"
    return f"PATCH /config {json.dumps({'postgresql': {'parameters': dict(step.parameters)}})}"


def hazards_of(changes: Iterable[Change]) -> list[Hazard]:
    """All hazards of all steps, in order."""
    return [hazard for change in changes for step in change.steps for hazard in step.hazards]


def hazards_to_read(change: Change) -> list[tuple[HazardType, str]]:
    """What a reviewer should read of a change's hazards, a line each; of many of one type the first."""
    found: dict[HazardType, list[str]] = {}
    for hazard in hazards_of([change]):
        if hazard.type in WORTH_SAYING:
            found.setdefault(hazard.type, []).append(hazard.message)
    lines = []
    for type, messages in found.items():
        shown = messages if len(messages) <= HAZARDS_SHOWN else messages[:1]
        more = [f"and {len(messages) - len(shown)} more of these"] if len(shown) < len(messages) else []
        needs = f"needs --allow {type}: " if type in NEEDS_PERMISSION else ""
        lines += [(type, f"{needs}{message}") for message in [*shown, *more]]
    return lines


def permissions(changes: Iterable[Change]) -> str:
    """The options that an apply needs: `--allow index-drop --allow less-safe`; empty where it needs none."""
    types = sorted({hazard.type for hazard in hazards_of(changes)} & NEEDS_PERMISSION)
    return " ".join(f"--allow {type}" for type in types)


def both_sides(summary: str) -> tuple[str, str] | None:
    """Before and after, where a summary is exactly `before → after`."""
    sides = tuple(side.strip() for side in summary.split(" → "))
    return (sides[0], sides[1]) if len(sides) == 2 and all(sides) else None


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def plan_summary(plan: Plan) -> str:
    """What a plan comes to, in a few sentences on one line."""
    if plan.changes:
        counts = Counter(change.action for change in plan.changes)
        parts = [f"{counts[a]} {w.intent}" for a, w in ACTIONS.items() if counts[a] or a in ALWAYS_COUNTED]
        return " ".join([f"Plan: {', '.join(parts)}.", *_half_way(plan), *_notices(plan), *_checks_beside(plan)])
    return " ".join(["No changes.", *_as_declared(plan), *_notices(plan), *_checks_beside(plan)])


def drifted(plan: Plan) -> tuple[Change, ...]:
    """The changes that are about a difference: a restart mends one, and is none."""
    return tuple(change for change in plan.changes if change.action is not Action.RESTART)


def drift_summary(plan: Plan) -> str:
    """What the live systems' differences come to, in a few sentences on one line."""
    plan = plan.model_copy(update={"changes": drifted(plan)})
    if plan.changes:
        differing = [change for change in plan.changes if change.difference is Difference.DIFFERS]
        counts = Counter(change.action for change in differing)
        parts = [f"{counts[action]} {words.drift}" for action, words in ACTIONS.items() if counts[action]]
        counted = [f"Drift: {', '.join(parts)}."] if parts else []
        return " ".join([*counted, *_half_way(plan), *_notices(plan, planned=False), *_checks_beside(plan)])
    noted = all(each.type is NoticeType.NOTE for each in plan.notices)
    clean = noted and all(check.status not in LISTED for check in plan.checks)
    start = "In sync." if clean else "No drift that a plan would mend."
    return " ".join([start, *_as_declared(plan), *_notices(plan, planned=False), *_checks_beside(plan)])


def checks_summary(checks: Sequence[CheckResult]) -> str:
    """`1 of 24 checks fails; 1 is waived, 2 are attested.`; without checks: that there are none."""
    counts = Counter(check.status for check in checks)
    total = f"{len(checks)} {CHECK[len(checks) != 1]}"
    if not checks:
        return "There are no checks."
    if counts[CheckStatus.PASS] == len(checks):
        return f"{total} {'passes' if len(checks) == 1 else 'pass'}."
    first = CheckStatus.FAIL if counts[CheckStatus.FAIL] else CheckStatus.PASS
    others = [status for status in CHECKS if counts[status] and status not in (first, CheckStatus.PASS)]
    rest = ", ".join(f"{counts[status]} {_number(counts[status], CHECKS[status])}" for status in others)
    return f"{counts[first]} of {total} {_number(counts[first], CHECKS[first])}{'; ' + rest if rest else ''}."


def _number(count: int, words: CheckWords) -> str:
    return words.one if count == 1 else words.many


def _half_way(plan: Plan) -> list[str]:
    """What only runs, and what is only written down."""
    counts = Counter(change.difference for change in plan.changes)
    return [f"{counts[each]} {words[counts[each] != 1]}." for each, words in DIFFERENCES.items() if counts[each]]


def _as_declared(plan: Plan) -> list[str]:
    """What is as declared, counted by the names of kinds; checks only where all of them pass."""
    counts: Counter[tuple[str, str]] = Counter()
    for kind, count in plan.in_sync.items():
        if kind != "check" or not plan.checks:
            counts[BY_NAME[kind].nouns if kind in BY_NAME else (visible(kind), visible(kind))] += count
    if plan.checks and _all_pass(plan):
        counts[CHECK] = len(plan.checks)
    known = {kind.nouns for kind in KINDS}
    order = sorted(counts, key=lambda nouns: (nouns not in known, nouns == CHECK, nouns))
    names = [name for name in order if counts[name] > 0]
    if not names:
        return [] if plan.notices or plan.checks else ["Nothing is declared here."]
    verb = "is" if len(names) == 1 and counts[names[0]] == 1 else "are"
    return [f"{listed([f'{counts[name]} {name[counts[name] != 1]}' for name in names])} {verb} as declared."]


def _notices(plan: Plan, *, planned: bool = True) -> list[str]:
    """One sentence for each type of notice; with `planned` also for the changes that a restart has to follow.

    Resources are counted; but of warnings each, since several may be about a target.
    """
    found: dict[NoticeType, set[object]] = {type: set() for type in NOTICES}
    for notice in plan.notices:
        each = (notice.address, notice.message) if notice.type is NoticeType.PREFLIGHT else notice.address
        found[notice.type].add(each)
    found[NoticeType.WAITS_FOR_RESTART] |= {
        change.address
        for change in plan.changes
        if planned and any(hazard.type is HazardType.WAITS_FOR_RESTART for hazard in hazards_of([change]))
    }
    counted = [type for type in NOTICES if found[type] and type is not NoticeType.NOTE]
    return [f"{len(found[type])} {NOTICES[type][len(found[type]) != 1]}." for type in counted]


def _all_pass(plan: Plan) -> bool:
    return all(check.status is CheckStatus.PASS for check in plan.checks)


def _checks_beside(plan: Plan) -> list[str]:
    """The sentence about checks, unless there are none, or they were already counted as being as declared."""
    return [] if not plan.checks or (not plan.changes and _all_pass(plan)) else [checks_summary(plan.checks)]
