"""The kind `check`: items of a checklist, each decided by evidence of its own type.

Decided: docs/decisions.md#checks-that-are-left-out
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.allow_lists import Reach
from reconciler.errors import DesiredError
from reconciler.kind import Declaration
from reconciler.kinds.check.check_type import Circumstances, Reader
from reconciler.kinds.check.model import CheckItem, Item, key_of
from reconciler.kinds.check.types import TYPES
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict, together
from reconciler.kinds.check.waiver import WaiverState, state, waived
from reconciler.model import Address, CheckResult, CheckStatus, Frozen, Observed, Outcome, Resource, System
from reconciler.targets.connect import AnySession

if TYPE_CHECKING:
    pass

_NOT_DECIDED = "decided when the plan has looked at every index"


class ObservedCheck(Observed):
    """The evidence for one item.

    `found` has one entry for each of its checks, as its type reads it, None where nothing was read; `memory` is in
    bytes, None where it is not known.
    """

    today: date
    memory: int | None = None
    found: tuple[Frozen | None, ...] = ()


class Undecided(CheckResult):
    """The provisional result of an item that the plan decides at its end: NO_DATA, until `decided` has replaced it."""

    key: str
    waiver: WaiverState | None = None


def today_utc() -> date:
    """The day it is, the same wherever the tool runs."""
    return datetime.now(UTC).date()


class CheckKind:
    """The kind of checklist items, of any target. They never change anything: every outcome is a CheckResult."""

    name = "check"
    nouns = ("check", "checks")
    system: System | None = None
    sections: Mapping[str, Any] = {"checklist": tuple[Item, ...]}
    resource: Any = CheckItem

    def __init__(self, today: Callable[[], date] = today_utc) -> None:
        self._today = today

    def declare(self, declaration: Declaration) -> Iterable[CheckItem]:
        """The items of one checklist. Raises DesiredError where a check needs another kind of target."""
        items: Sequence[Item] = declaration.value
        target = declaration.target
        errors = []
        for index, item in enumerate(items):
            for key in map(key_of, item.check):
                needed = TYPES[key].system
                if needed in (None, target.system):
                    continue
                errors.append(
                    DesiredError(
                        f"{item.id}: a check of type {key} is for targets of {needed}, and {target.name} is one of "
                        f"{target.system}",
                        at=declaration.at((index, "check")),
                        hint="put the item under a target of that system, or decide it in another way",
                    )
                )
        if errors:
            first, *others = errors
            raise DesiredError(first.message, at=first.at, hint=first.hint, others=others)
        return [
            CheckItem(
                address=Address(target.name, self.name, item.id),
                why=item.why,
                declared_at=declaration.at((index,)),
                title=item.title,
                severity=item.severity,
                checks=item.check,
                waiver=item.waiver,
                folder=str(Path(declaration.file).parent),
                repository=declaration.repository or str(Path(declaration.file).parent),
            )
            for index, item in enumerate(items)
        ]

    def observe(self, session: AnySession, wanted: Sequence[CheckItem]) -> Mapping[Address, ObservedCheck]:
        """The evidence of all items: each reader is called once, for all checks of the types that have it.

        What cannot be read of one item is said in its evidence, and hides no other. Raises TargetError where the
        target itself is lost.
        """
        parts = {item.address: _parts(item) for item in wanted}
        everything = {part: check for own in parts.values() for part, check in own.items()}
        found: dict[Part, Frozen] = dict(_left_out(everything, session.secrets.reach))
        to_read: dict[Reader, dict[Part, Frozen]] = {}
        for key, check_type in TYPES.items():
            own = {part: check for part, check in everything.items() if key_of(check) == key and part not in found}
            if own and check_type.read is not None and check_type.system in (None, session.system):
                to_read.setdefault(check_type.read, {}).update(own)
        for read, checks in to_read.items():
            found.update(read(session, checks))
        today, memory = self._today(), session.memory()
        return {
            address: ObservedCheck(today=today, memory=memory, found=tuple(map(found.get, own)))
            for address, own in parts.items()
        }

    def plan(self, desired: CheckItem, observed: ObservedCheck | None) -> Sequence[Outcome]:
        """One CheckResult; of an item that the plan decides the provisional one that `decided` replaces."""
        if observed is None:
            return [_result(desired, Verdict(CheckStatus.NO_DATA, "nothing was read"))]
        waiver = state(desired, observed.today)
        key = key_of(desired.checks[0])
        if TYPES[key].decided_by_plan is not None:
            so_far = _result(desired, Verdict(CheckStatus.NO_DATA, _NOT_DECIDED))
            return [Undecided(**dict(so_far), key=key, waiver=waiver)]
        known = Circumstances(observed.today, observed.memory)
        verdicts = [_decide(check, found, known) for check, found in zip(desired.checks, observed.found, strict=True)]
        return [_result(desired, waived(together(verdicts), waiver))]

    def decided(
        self, results: Sequence[CheckResult], outcomes: Sequence[Outcome], declared: Collection[Resource]
    ) -> Sequence[CheckResult]:
        """`results` with those decided that the plan decides; all others as they are. Pure."""
        return [_at_last(result, outcomes, declared) if isinstance(result, Undecided) else result for result in results]


def _parts(item: CheckItem) -> dict[Part, Frozen]:
    folder, repository = Path(item.folder), Path(item.repository)
    return {Part(item.address, place, folder, repository): check for place, check in enumerate(item.checks)}


def _left_out(parts: Mapping[Part, Frozen], reach: Reach) -> dict[Part, Unavailable]:
    """The checks that whoever runs this has left out: nobody knows how they would have come out."""
    said = "checks of type {} are left out here (--without)"
    return {
        part: Unavailable(status=CheckStatus.NOT_VISIBLE, message=said.format(key))
        for part, check in parts.items()
        if (key := key_of(check)) in reach.without
    }


def _decide(check: Frozen, found: Frozen | None, known: Circumstances) -> Verdict:
    """By what is known of its type."""
    decide = TYPES[key_of(check)].decide
    if isinstance(found, Unavailable):
        return Verdict(found.status, found.message, found.evidence)
    if found is None or decide is None:
        return Verdict(CheckStatus.NO_DATA, "nothing was read")
    return decide(check, found, known)


def _at_last(result: Undecided, outcomes: Sequence[Outcome], declared: Collection[Resource]) -> CheckResult:
    decide = TYPES[result.key].decided_by_plan
    if decide is None:
        raise ValueError(f"no check of type {result.key} is decided by a plan")
    verdict = waived(decide(result.address.target, outcomes, declared), result.waiver)
    return CheckResult(
        address=result.address,
        title=result.title,
        severity=result.severity,
        status=verdict.status,
        message=verdict.message,
        evidence=verdict.evidence,
        declared_at=result.declared_at,
    )


def _result(item: CheckItem, verdict: Verdict) -> CheckResult:
    return CheckResult(
        address=item.address,
        title=item.title,
        severity=item.severity,
        status=verdict.status,
        message=verdict.message,
        evidence=verdict.evidence,
        declared_at=item.declared_at,
    )
