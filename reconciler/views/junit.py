"""The checklist, and drift, as JUnit XML, which every CI system shows as test results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from reconciler.model import Address, CheckStatus, NoticeType, Plan, Verdict
from reconciler.reports.characters import visible
from reconciler.reports.checks import CheckRow, checks_report
from reconciler.reports.drift import DriftRow, drift_report
from reconciler.reports.notices import NoticeRow
from reconciler.reports.places import Place
from reconciler.reports.unreachable import UnreadRow
from reconciler.views.text_layout import Page

_ELEMENTS = {CheckStatus.FAIL: "failure", CheckStatus.ERROR: "error"}
"""What is neither of these, nor passed, was not decided by a test: it is skipped, and says why."""


class Case(NamedTuple):
    """One test: `element` is what became of it (`failure`, `error`, `skipped`), empty where it has passed; `type` says
    which of these, where that is typed, and `more` stands behind the message, line by line."""

    suite: str
    classname: str
    name: str
    place: Place
    element: str = ""
    type: str = ""
    message: str = ""
    more: tuple[str, ...] = ()


def checks(plan: Plan, page: Page) -> str:
    """One suite a target, one case an item; and one for each system that could not be read, which is an error."""
    report = checks_report(plan)
    return _suites([row.address.target for row in report.checks], map(_check, report.checks), report.unread)


def drift(plan: Plan, page: Page) -> str:
    """One suite a target: a case for each resource that is not as declared, which fails, or is skipped where that is
    ignored; where there is none, one that passes. A system that could not be read is an error."""
    report = drift_report(plan)
    in_sync = [
        Case(each.name, each.name, each.verdict.value, Place("", ""))
        for each in report.targets
        if each.verdict is Verdict.IN_SYNC
    ]
    told = (each.type is NoticeType.IGNORED or each.verdict is not Verdict.IN_SYNC for each in report.notices)
    notices = compress(report.notices, told)
    cases = [*in_sync, *map(_difference, report.resources), *map(_notice, notices)]
    return _suites([each.name for each in report.targets], cases, report.unread)


def _suites(targets: Iterable[str], cases: Iterable[Case], unread: Sequence[UnreadRow]) -> str:
    by_target: dict[str, list[Case]] = {target: [] for target in targets}
    for row in unread:
        by_target.setdefault(row.target, []).append(_not_read(row))
    for case in cases:
        by_target.setdefault(case.suite, []).append(case)
    found = {target: of_target for target, of_target in by_target.items() if of_target}
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines += [f"<testsuites {_counts([case for of_target in found.values() for case in of_target])}>"]
    for target, of_target in found.items():
        lines += [f"  <testsuite name={_attribute(target)} {_counts(of_target)}>"]
        lines += [line for case in of_target for line in _lines(case)]
        lines += ["  </testsuite>"]
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _check(row: CheckRow) -> Case:
    case = _case(row.address, row.place)._replace(name=f"{row.address.name}: {row.title}")
    if row.status is CheckStatus.PASS:
        return case
    element = _ELEMENTS.get(row.status, "skipped")
    kind = row.status.value if element != "skipped" else ""
    message = f"{row.outcome} ({row.weight})"
    return case._replace(element=element, type=kind, message=message, more=(message, row.declared_at))


def _difference(row: DriftRow) -> Case:
    return _case(row.address, row.place)._replace(
        element="failure",
        type=row.verdict.value,
        message=row.says,
        more=tuple(filter(None, (row.says, row.seen, row.cause))),
    )


def _notice(row: NoticeRow) -> Case:
    failed = row.verdict is not Verdict.IN_SYNC
    element, kind = ("failure", row.verdict.value) if failed else ("skipped", "")
    return _case(row.address, row.place)._replace(element=element, type=kind, message=row.says, more=(row.says,))


def _not_read(row: UnreadRow) -> Case:
    return Case(
        row.target, row.target, f"{row.node} is read", row.place,
        element="error", type=row.verdict.value, message=row.says, more=(row.hint, row.declared_at),
    )  # fmt: skip


def _case(address: Address, place: Place) -> Case:
    return Case(address.target, f"{address.target}.{address.kind}", address.name, place)


def _lines(case: Case) -> list[str]:
    where = f" file={_attribute(case.place.file)}" if case.place.file else ""
    where += f" line={_attribute(case.place.line)}" if case.place.line else ""
    start = f"    <testcase classname={_attribute(case.classname)} name={_attribute(case.name)}{where}"
    if not case.element:
        return [f"{start}/>"]
    kind = f" type={_attribute(case.type)}" if case.type else ""
    body = "\n".join(map(escape, case.more)).strip()
    return [
        f"{start}>",
        f"      <{case.element} message={_attribute(case.message)}{kind}>{body}</{case.element}>",
        "    </testcase>",
    ]


def _counts(cases: Sequence[Case]) -> str:
    counts = Counter(case.element for case in cases)
    return (
        f'tests="{len(cases)}" failures="{counts["failure"]}" errors="{counts["error"]}" skipped="{counts["skipped"]}"'
    )


def _attribute(text: str) -> str:
    """A quoted attribute. XML 1.0 has no control characters; `visible` leaves none."""
    return quoteattr(visible(text))
