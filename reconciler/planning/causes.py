"""Whether a difference was made outside, or is declared and not applied yet: told from receipts and the commits that
they name, and never guessed.

Decided: docs/decisions.md#causes-of-drift
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from reconciler.desired.at_commit import AtCommit
from reconciler.kind import Discerns
from reconciler.kinds.registry import BY_NAME
from reconciler.model import (
    SENSITIVE,
    Action,
    Address,
    Applied,
    Cause,
    CauseType,
    Change,
    ChangeReceipt,
    Notice,
    Outcome,
    Plan,
    Receipt,
    Resource,
    Verdict,
)
from reconciler.planning.causes_by_commit import ByCommit, ended
from reconciler.planning.ignoring import PLACES, differing
from reconciler.verdicts import of_outcome

State = Mapping[str, JsonValue] | None

DRIFTED = frozenset({Verdict.BLOCKED, Verdict.DIFFERS, Verdict.HALF_WAY})
"""What has a cause. What waits for a restart was applied; what is not visible may be as declared."""

SPELLED_ALIKE = frozenset({"value"})
"""Keys whose values are shown in one form, whoever wrote them: of a setting."""


class Made(NamedTuple):
    """What an apply has made of a resource, and the receipt that says so."""

    change: ChangeReceipt
    receipt: Receipt


def last_made(receipts: Iterable[Receipt]) -> dict[Address, Made]:
    """By address, what an apply has made last, or found as wanted. Where a later one has failed half-way, nobody knows
    what it left."""
    found: dict[Address, Made] = {}
    for receipt in sorted(receipts, key=ended):
        for change in receipt.changes:
            if change.action is Action.RESTART:
                continue
            if change.result in (Applied.APPLIED, Applied.SKIPPED) and change.address not in receipt.remaining:
                found[change.address] = Made(change, receipt)
            elif change.result in (Applied.APPLIED, Applied.SKIPPED, Applied.FAILED, Applied.INCOMPLETE):
                found.pop(change.address, None)
    return found


def causes(plan: Plan, receipts: Iterable[Receipt], declared: Iterable[Resource], at: AtCommit) -> tuple[Cause, ...]:
    """The cause of each difference in a plan, in its order. `declared` is what the plan was made of, `at` what was
    declared by commits, which are looked at where what an apply has made does not tell."""
    known_receipts = sorted(receipts, key=ended)
    made = last_made(known_receipts)
    by_commit = ByCommit(plan, known_receipts[::-1], {each.address: each for each in declared}, at)
    found: dict[Address, Cause] = {}
    outcomes: list[Outcome] = [*plan.changes, *plan.notices]
    for outcome in outcomes:
        is_restart = isinstance(outcome, Change) and outcome.action is Action.RESTART
        if is_restart or of_outcome(outcome) not in DRIFTED or outcome.address in found:
            continue
        known = made.get(outcome.address)
        type = _cause(outcome, known.change.after) if known else CauseType.UNKNOWN
        if known and type is not CauseType.UNKNOWN:
            found[outcome.address] = Cause(
                address=outcome.address, type=type, receipt=known.receipt.plan_digest, since=ended(known.receipt)
            )
        else:
            found[outcome.address] = by_commit.cause(outcome)
    return tuple(found.values())


def _cause(outcome: Outcome, made: State) -> CauseType:
    if isinstance(outcome, Notice):
        # What nobody declares, and was taken away once: somebody has brought it back.
        back = made is None and of_outcome(outcome) is Verdict.DIFFERS
        return CauseType.CHANGED_OUTSIDE if back else CauseType.UNKNOWN
    if not isinstance(outcome, Change):
        return CauseType.UNKNOWN
    live, wanted = outcome.before, outcome.after
    if live is None or made is None:
        return CauseType.NOT_APPLIED if live is None and made is None else CauseType.CHANGED_OUTSIDE
    if wanted is not None and _plain(wanted) == _plain(made) and SENSITIVE not in made.values():
        return CauseType.CHANGED_OUTSIDE
    keys = differing(outcome)
    if not keys:
        return CauseType.NOT_APPLIED if _as_made(outcome, live, made) else CauseType.UNKNOWN
    found = {_of_key(key, live.get(key), (wanted or {}).get(key), made) for key in keys}
    if CauseType.UNKNOWN in found:
        return CauseType.UNKNOWN
    return CauseType.CHANGED_OUTSIDE if CauseType.CHANGED_OUTSIDE in found else CauseType.NOT_APPLIED


def _of_key(key: str, live: JsonValue, wanted: JsonValue, made: Mapping[str, JsonValue]) -> CauseType:
    if key not in made or SENSITIVE in (live, wanted, made[key]):
        return CauseType.UNKNOWN
    if live == made[key]:
        return CauseType.NOT_APPLIED
    if wanted == made[key] or key in SPELLED_ALIKE:
        return CauseType.CHANGED_OUTSIDE
    return CauseType.UNKNOWN


def _as_made(change: Change, live: Mapping[str, JsonValue], made: Mapping[str, JsonValue]) -> bool:
    """Whether all of a resource is as it was made. What its declaration said nothing of may be anything."""
    kind = BY_NAME[change.address.kind]
    optional = kind.optional if isinstance(kind, Discerns) else frozenset()
    left, right = _plain(live), _plain(made)
    return SENSITIVE not in right.values() and all(
        left.get(key) == right.get(key) or (key in optional and not right.get(key))
        for key in left.keys() | right.keys()
    )


def _plain(state: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {key: value for key, value in state.items() if key not in PLACES}
