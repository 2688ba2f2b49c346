"""The declared indexes of the target, decided by what the plan finds for them.

What
    Every declared index of the target is there, valid and as declared.

Why
    An index that an interrupted build has left INVALID costs every write and helps no query, and nothing tells of it.
    The item says of all of them at once what the plan would do.

How to write it
    id: pg-indexes
    title: All declared indexes are present and valid
    check: {indexes: declared}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from reconciler.kinds.check.check_type import CheckType
from reconciler.kinds.check.verdict import Verdict
from reconciler.model import (
    Action,
    Address,
    Change,
    CheckResult,
    CheckStatus,
    Frozen,
    NoticeType,
    Outcome,
    Resource,
    System,
)
from reconciler.model import Verdict as OutcomeVerdict
from reconciler.verdicts import of_outcome

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


class IndexesCheck(Frozen):
    """Every declared index of the target is there, valid and as declared: the plan itself decides."""

    indexes: Literal["declared"]


def decide(target: str, outcomes: Sequence[Outcome], declared: Collection[Resource]) -> Verdict:
    """How many of those that are to exist the plan leaves as they are, and what is wrong with the others."""
    addresses = {each.address for each in declared if each.address.kind == KIND and each.is_to_exist}
    own = {address for address in addresses if address.target == target}
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


TYPE: CheckType[IndexesCheck, Frozen] = CheckType(IndexesCheck, System.POSTGRES, decided_by_plan=decide)
