"""`indexes: declared`: decided by what the plan finds for indexes, once it has found it.

Kinds do not know each other. So `plan` of such an item answers with a result of a type of its own, and planning, which
sees all outcomes, has it decided at the end: see `kind.DecidesLast`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reconciler.kinds.check.verdict import Verdict
from reconciler.kinds.check.waiver import WaiverState, waived
from reconciler.model import (
    Action,
    Address,
    Change,
    CheckResult,
    CheckStatus,
    NoticeType,
    Outcome,
    Resource,
)
from reconciler.model import Verdict as OutcomeVerdict
from reconciler.outcomes import of_outcome

KIND = "pg_index"
"""The kind of what such an item is about, by the name that stands in addresses."""

NAMES_SHOWN = 5
"""Indexes that a message names: more would not be read, and the plan lists them all."""

_WORDS: Mapping[Action | NoticeType, str] = {
    Action.CREATE: "missing",
    Action.UPDATE: "differs",
    Action.REPLACE: "differs",
    Action.REBUILD: "INVALID",
    Action.RENAME: "under another name",
    NoticeType.BEING_BUILT: "being built",
}


class DecidedByPlan(CheckResult):
    """The provisional result of an `indexes` item: NO_DATA, until `decided` has replaced it."""

    waiver: WaiverState | None = None


def decided(
    results: Sequence[CheckResult], outcomes: Sequence[Outcome], declared: Collection[Resource]
) -> tuple[CheckResult, ...]:
    """`results` with every `indexes` item decided; all others as they are. Pure.

    `outcomes` are those of all kinds, `declared` is everything that is declared, on any target.
    """
    if not any(isinstance(result, DecidedByPlan) for result in results):
        return tuple(results)
    indexes = {each.address for each in declared if each.address.kind == KIND and each.is_to_exist}
    return tuple(
        _decided(result, outcomes, indexes) if isinstance(result, DecidedByPlan) else result for result in results
    )


def _decided(result: DecidedByPlan, outcomes: Sequence[Outcome], declared: Collection[Address]) -> CheckResult:
    own = {address for address in declared if address.target == result.address.target}
    verdict = waived(_verdict(own, outcomes), result.waiver)
    return CheckResult(
        address=result.address,
        title=result.title,
        severity=result.severity,
        status=verdict.status,
        message=verdict.message,
        evidence=verdict.evidence,
        declared_at=result.declared_at,
    )


def _verdict(own: Collection[Address], outcomes: Sequence[Outcome]) -> Verdict:
    if not own:
        return Verdict(CheckStatus.NO_DATA, "no indexes are declared on this target")
    wrong: dict[Address, str] = {}
    hidden: set[Address] = set()
    for outcome in outcomes:
        verdict = of_outcome(outcome)
        if outcome.address not in own or isinstance(outcome, CheckResult) or verdict is OutcomeVerdict.IN_SYNC:
            continue
        if verdict is OutcomeVerdict.NOT_VISIBLE:
            hidden.add(outcome.address)
            continue
        what = outcome.action if isinstance(outcome, Change) else outcome.type
        wrong[outcome.address] = _WORDS.get(what, what.value)
    good = len(own) - len(wrong.keys() | hidden)
    seen = f"{good} of {len(own)} declared indexes are present and valid"
    if wrong:
        return Verdict(CheckStatus.FAIL, f"{seen}; {_listed(wrong)}", "live")
    if hidden:
        return Verdict(CheckStatus.NOT_VISIBLE, f"{seen}; {len(hidden)} cannot be seen by this role", "live")
    return Verdict(CheckStatus.PASS, seen, "live")


def _listed(wrong: dict[Address, str]) -> str:
    """ "missing: a, b; INVALID: c", the first few of each."""
    parts = []
    for word in dict.fromkeys(wrong.values()):
        names = sorted(address.name for address, said in wrong.items() if said == word)
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        parts.append(f"{word}: {', '.join(names[:NAMES_SHOWN])}{more}")
    return "; ".join(parts)
