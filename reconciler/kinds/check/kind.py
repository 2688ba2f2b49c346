"""The kind `check`: items of a checklist, each decided by evidence of its own type.

Decided: docs/decisions.md#checks-that-are-left-out
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.errors import DesiredError
from reconciler.kind import Declaration
from reconciler.kinds.check.model import (
    CHECKS,
    AttestationCheck,
    CheckItem,
    FileCheck,
    HttpCheck,
    IndexesCheck,
    Item,
    PgSettingCheck,
    RedisFragmentationCheck,
    RedisInfoCheck,
    RedisPersistenceCheck,
    RedisSettingCheck,
    RedisUnauthenticatedCheck,
    RedisUserCheck,
    SqlCheck,
    check_key,
)
from reconciler.kinds.check.types import attestation, file, http, pg_settings, redis_access, redis_values, sql
from reconciler.kinds.check.types.indexes import DecidedByPlan, decided
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict, together
from reconciler.kinds.check.waiver import state, waived
from reconciler.model import Address, CheckResult, CheckStatus, Frozen, Observed, Outcome, Resource, System
from reconciler.reach import Reach
from reconciler.targets.connect import AnySession

if TYPE_CHECKING:
    from reconciler.targets.http import HttpSession
    from reconciler.targets.postgres.session import PostgresSession
    from reconciler.targets.redis.session import RedisSession

Found = (
    Unavailable
    | sql.FoundRows
    | pg_settings.FoundSetting
    | redis_values.FoundValues
    | redis_access.FoundPermissions
    | redis_access.FoundPing
    | http.FoundAnswer
    | file.FoundFiles
)

C = TypeVar("C", bound=Frozen)

_NOT_DECIDED = "decided when the plan has looked at every index"


class ObservedCheck(Observed):
    """The evidence for one item.

    `found` has one entry for each of its checks, None for one that needs no evidence; `memory` is in bytes, None where
    it is not known.
    """

    today: date
    memory: int | None = None
    found: tuple[Found | None, ...] = ()


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
            for key in map(check_key, item.check):
                needed = CHECKS[key][1] if key else None
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
        """The evidence of all items: one query for all settings, one for each `sql` item, in one round trip each.

        What cannot be read of one item is said in its evidence, and hides no other. Raises TargetError where the
        target itself is lost.
        """
        everything = {(item.address, place): check for item in wanted for place, check in enumerate(item.checks)}
        left_out = _left_out(everything, session.secrets.reach)
        parts = {part: check for part, check in everything.items() if part not in left_out}
        places = {
            (item.address, place): file.Place(Path(item.folder), Path(item.repository))
            for item in wanted
            for place, _ in enumerate(item.checks)
        }
        found: dict[Part, Found] = dict(left_out)
        found |= file.read(_of(FileCheck, parts), places, session.secrets)
        match session.system:
            case System.POSTGRES:
                found |= _read_postgres(session, parts)
            case System.REDIS:
                found |= _read_redis(session, parts)
            case System.HTTP:
                found |= _read_http(session, parts)
        today, memory = self._today(), session.memory()
        return {
            item.address: ObservedCheck(
                today=today,
                memory=memory,
                found=tuple(found.get((item.address, place)) for place, _ in enumerate(item.checks)),
            )
            for item in wanted
        }

    def plan(self, desired: CheckItem, observed: ObservedCheck | None) -> Sequence[Outcome]:
        """One CheckResult; of an `indexes` item the provisional one that `decided` replaces."""
        if observed is None:
            return [_result(desired, Verdict(CheckStatus.NO_DATA, "nothing was read"))]
        waiver = state(desired, observed.today)
        if isinstance(desired.checks[0], IndexesCheck):
            return [DecidedByPlan(**dict(_result(desired, Verdict(CheckStatus.NO_DATA, _NOT_DECIDED))), waiver=waiver)]
        verdicts = [
            _decide(check, found, observed) for check, found in zip(desired.checks, observed.found, strict=True)
        ]
        return [_result(desired, waived(together(verdicts), waiver))]

    def decided(
        self, results: Sequence[CheckResult], outcomes: Sequence[Outcome], declared: Collection[Resource]
    ) -> Sequence[CheckResult]:
        """See `types/indexes.py`."""
        return decided(results, outcomes, declared)


def _left_out(parts: Mapping[Part, Frozen], reach: Reach) -> dict[Part, Unavailable]:
    """The checks that whoever runs this has left out: nobody knows how they would have come out."""
    said = "checks of type {} are left out here (--without)"
    return {
        part: Unavailable(status=CheckStatus.NOT_VISIBLE, message=said.format(key))
        for part, check in parts.items()
        if (key := check_key(check)) in reach.without
    }


def _of(kind: type[C], parts: Mapping[Part, Frozen]) -> dict[Part, C]:
    """The checks of one type."""
    return {part: check for part, check in parts.items() if isinstance(check, kind)}


def _read_postgres(session: PostgresSession, parts: Mapping[Part, Frozen]) -> dict[Part, Found]:
    found: dict[Part, Found] = {}
    if statements := _of(SqlCheck, parts):
        found |= sql.read(session, statements)
    if settings := _of(PgSettingCheck, parts):
        found |= pg_settings.read(session, settings)
    return found


def _read_redis(session: RedisSession, parts: Mapping[Part, Frozen]) -> dict[Part, Found]:
    found: dict[Part, Found] = {}
    values = {
        part: check
        for part, check in parts.items()
        if isinstance(check, RedisSettingCheck | RedisInfoCheck | RedisPersistenceCheck | RedisFragmentationCheck)
    }
    if values:
        found |= redis_values.read(session, values)
    if users := _of(RedisUserCheck, parts):
        found |= redis_access.read_users(session, users)
    if pings := _of(RedisUnauthenticatedCheck, parts):
        found |= dict.fromkeys(pings, redis_access.read_ping(session))
    return found


def _read_http(session: HttpSession, parts: Mapping[Part, Frozen]) -> dict[Part, Found]:
    """Where the target declares no URL there is no application to ask, nor one to vouch for."""
    requests = _of(HttpCheck, parts)
    if session.declared:
        return dict(http.read(session, requests))
    nothing = Unavailable(status=CheckStatus.NOT_APPLICABLE, message=f"target {session.target.name} declares no URL")
    return dict.fromkeys([*requests, *_of(AttestationCheck, parts)], nothing)


def _decide(wanted: Frozen, evidence: Found | None, observed: ObservedCheck) -> Verdict:
    """Each type of check with the evidence of its own family."""
    match wanted, evidence:
        case _, Unavailable() as found:
            return Verdict(found.status, found.message, found.evidence)
        case AttestationCheck() as check, None:
            return attestation.decide(check, observed.today)
        case SqlCheck() as check, sql.FoundRows() as found:
            return sql.decide(check, found, observed.memory)
        case PgSettingCheck() as check, pg_settings.FoundSetting() as found:
            return pg_settings.decide(check, found, observed.memory)
        case (
            RedisSettingCheck() | RedisInfoCheck() | RedisPersistenceCheck() | RedisFragmentationCheck() as check,
            redis_values.FoundValues() as found,
        ):
            return redis_values.decide(check, found, observed.memory)
        case RedisUserCheck() as check, redis_access.FoundPermissions() as found:
            return redis_access.decide_user(check, found)
        case RedisUnauthenticatedCheck(), redis_access.FoundPing() as found:
            return redis_access.decide_ping(found)
        case HttpCheck() as check, http.FoundAnswer() as found:
            return http.decide(check, found)
        case FileCheck() as check, file.FoundFiles() as found:
            return file.decide(check, found)
        case _:
            return Verdict(CheckStatus.NO_DATA, "nothing was read")


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
