"""Plans, checks and receipts for programs. A plan and a receipt are what their files hold, byte by byte."""

from __future__ import annotations

from collections import Counter

from reconciler.documents import fleet as fleet_file
from reconciler.documents import fleet_receipt
from reconciler.documents import plan as plan_file
from reconciler.documents import receipt as receipt_file
from reconciler.documents.document import readable, timestamp
from reconciler.model import Fleet, FleetReceipt, Plan, Receipt, Verdict
from reconciler.planning import exit_codes
from reconciler.views.text_layout import Page

FORMAT_VERSION = "1.3"
"""Of checks. Minor: keys were added. Major: older readers would misunderstand. 1.1: verdicts. 1.2: targets that
were not read. 1.3: `partial`."""


def plan(plan: Plan, page: Page) -> str:
    """The plan file. Drift is one as well: the plan that would mend it."""
    return plan_file.dump(plan)


def checks(plan: Plan, page: Page) -> str:
    """`{format_version, reconciler_version, created_at, checks: [CheckResult], summary: {status: count}, unreachable:
    [Unreachable], partial: Partial or null, verdict}`; each check, and each target that was not read, with its own
    `verdict`."""
    return readable(
        {
            "format_version": FORMAT_VERSION,
            "reconciler_version": plan.reconciler_version,
            "created_at": timestamp(plan.created_at),
            "checks": [
                check.model_dump(mode="json") | {"verdict": exit_codes.of_check(check)} for check in plan.checks
            ],
            "summary": Counter(check.status.value for check in plan.checks),
            "unreachable": [one.model_dump(mode="json") | {"verdict": Verdict.UNREACHABLE} for one in plan.unreachable],
            "partial": plan.partial.model_dump(mode="json") if plan.partial else None,
            "verdict": exit_codes.of_checklist(plan),
        }
    )


def receipt(receipt: Receipt, page: Page, planned: object) -> str:
    """The receipt file."""
    return receipt_file.dump(receipt)


def fleet(fleet: Fleet, page: Page, examples: object) -> str:
    """The index of a fleet's plans; where that is in parts, as of one."""
    return fleet_file.dump(fleet)


def run(receipt: FleetReceipt, page: Page) -> str:
    """The receipt file of a run over many targets."""
    return fleet_receipt.dump(receipt)
