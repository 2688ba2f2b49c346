"""A plan, drift, the checklist, a receipt, a fleet and a run as one page for a browser, which needs no network.

Layout only, as in every view: the templates print rows and sentences of `reports/`. Nothing that a name, a value or a
statement holds becomes markup: all text is escaped and shown as it reads, numbers stand for it in attributes, and the
page forbids every style and script but its own, and every connection.

Decided: docs/decisions.md#html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.documents.document import timestamp
from reconciler.model import Change, Fleet, FleetReceipt, Plan, Receipt
from reconciler.reports.changes import ChangeRow
from reconciler.reports.checks import CheckRow, checks_report
from reconciler.reports.drift import DriftRow, drift_report
from reconciler.reports.fleet import fleet_report
from reconciler.reports.plan import plan_report
from reconciler.reports.receipt import AppliedRow, Planned, receipt_report
from reconciler.reports.run import run_report
from reconciler.reports.several import Several
from reconciler.views.html.filters import filtered
from reconciler.views.html.page import page_of
from reconciler.views.text_layout import Page


def plan(plan: Plan, page: Page) -> str:
    """Hazards and what is blocked first; builds with their sizes as bars; each change with its exact steps."""
    report = plan_report(plan, grouped=True)
    filters, changes = filtered(
        report.changes,
        {
            "target": _targets,
            "kind": lambda row: [row.address.kind],
            "action": lambda row: [row.action.value],
            "hazard": hazards_of,
        },
    )
    return page_of(
        "plan", made=_made(plan.reconciler_version, timestamp(plan.created_at)), source_url=page.source_url,
        report=report, filters=filters, changes=changes, hazards_of=hazards_of, builds=_builds(report.changes),
        policies=page.policies,
    )  # fmt: skip


def drift(plan: Plan, page: Page) -> str:
    """What differs, with what is declared beside what is there."""
    report = drift_report(plan, grouped=True)
    filters, resources = filtered(
        report.resources,
        {"target": _targets, "kind": lambda row: [row.address.kind], "action": lambda row: [row.action.value]},
    )
    return page_of(
        "drift", made=_made(plan.reconciler_version, timestamp(plan.created_at)), source_url=page.source_url,
        report=report, filters=filters, resources=resources,
    )  # fmt: skip


def checks(plan: Plan, page: Page) -> str:
    """Every item with its outcome."""
    report = checks_report(plan, grouped=True)
    filters, items = filtered(
        report.checks,
        {"target": _targets, "status": lambda row: [row.status.value], "severity": lambda row: [row.severity.value]},
    )
    return page_of(
        "checks", made=_made(plan.reconciler_version, timestamp(plan.created_at)), source_url=page.source_url,
        report=report, filters=filters, items=items,
    )  # fmt: skip


def receipt(receipt: Receipt, page: Page, planned: Planned) -> str:
    """What became of each change, and when."""
    report = receipt_report(receipt, planned)
    filters, changes = filtered(
        report.changes,
        {
            "target": _targets,
            "kind": lambda row: [row.address.kind],
            "action": lambda row: [row.action.value],
            "result": lambda row: [row.result.value],
        },
    )
    return page_of(
        "receipt", made=_made(receipt.reconciler_version, timestamp(receipt.finished_at)), source_url=page.source_url,
        report=report, filters=filters, changes=changes,
    )  # fmt: skip


def fleet(fleet: Fleet, page: Page, examples: Mapping[str, Change]) -> str:
    """Groups of equal changes, with what they run, where, and by what they are approved."""
    return page_of(
        "fleet", made=_made(fleet.reconciler_version, timestamp(fleet.created_at)), source_url=page.source_url,
        report=fleet_report(fleet, examples),
    )  # fmt: skip


def run(receipt: FleetReceipt, page: Page) -> str:
    """The targets that somebody has to look at."""
    return page_of(
        "run", made=_made(receipt.reconciler_version, timestamp(receipt.finished_at)), source_url=page.source_url,
        report=run_report(receipt),
    )  # fmt: skip


def hazards_of(row: ChangeRow) -> Sequence[str]:
    """The types of all hazards of a change."""
    return list(dict.fromkeys(hazard.type.value for step in row.steps for hazard in step.step.hazards))


def _builds(rows: Sequence[ChangeRow]) -> list[tuple[ChangeRow, float | None, float | None]]:
    """The changes that build something, each with its size and time as parts of the largest."""
    built = [(row, row.build) for row in rows if row.build]
    sizes = _shares([build.size for _, build in built])
    times = _shares([build.seconds for _, build in built])
    return [(row, size, time) for (row, _), size, time in zip(built, sizes, times, strict=True)]


def _shares(amounts: Sequence[float | None]) -> list[float | None]:
    largest = max((amount for amount in amounts if amount is not None), default=0)
    return [None if amount is None else max(0.0, amount / largest) if largest > 0 else 0.0 for amount in amounts]


def _made(version: str, moment: str) -> dict[str, str]:
    return {"version": version, "at": moment}


def _targets(row: ChangeRow | DriftRow | CheckRow | AppliedRow) -> Iterable[str]:
    several: Several | None = None if isinstance(row, AppliedRow) else row.several
    return several.names if several else [row.address.target]
