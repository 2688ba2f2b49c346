"""Plans, checks and receipts for programs. A plan is what a plan file holds, byte by byte."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import ValidationError

from reconciler.errors import PlanFileError
from reconciler.model import Plan, Receipt
from reconciler.planning import verdict
from reconciler.planning.plan_file import dump, parse, readable, timestamp
from reconciler.views.page import Page

FORMAT_VERSION = "1.1"
"""Of checks and receipts. Minor: keys were added. Major: older readers would misunderstand. 1.1: verdicts."""


def plan(plan: Plan, page: Page) -> str:
    """The plan file. Drift is one as well: the plan that would mend it."""
    return dump(plan)


def checks(plan: Plan, page: Page) -> str:
    """`{format_version, reconciler_version, created_at, checks: [CheckResult], summary: {status: count}, verdict}`;
    each check with its own `verdict`."""
    return readable(
        {
            "format_version": FORMAT_VERSION,
            "reconciler_version": plan.reconciler_version,
            "created_at": timestamp(plan.created_at),
            "checks": [check.model_dump(mode="json") | {"verdict": verdict.of_check(check)} for check in plan.checks],
            "summary": Counter(check.status.value for check in plan.checks),
            "verdict": verdict.of_checks(plan.checks),
        }
    )


def receipt(receipt: Receipt, page: Page, planned: object) -> str:
    """`model.Receipt` with its field names, `format_version`, and the `verdict` of each change; what was planned is in
    the plan file."""
    content: dict[str, Any] = receipt.model_dump(mode="json")
    content["started_at"] = timestamp(receipt.started_at)
    content["finished_at"] = timestamp(receipt.finished_at)
    left = verdict.left_by(receipt)
    for one, change in zip(content["changes"], receipt.changes, strict=True):
        one["verdict"] = left.of_change(change)
    return readable(content | {"format_version": FORMAT_VERSION})


def load_receipt(text: str, *, source: str) -> Receipt:
    """The receipt that `text` holds; `source` names it in errors. Raises PlanFileError where it holds none."""
    raw = parse(text, source=source)
    version = raw.get("format_version")
    if not isinstance(version, str) or version.split(".")[0] != FORMAT_VERSION.split(".")[0]:
        raise PlanFileError(f"{source} is not a receipt of format 1.x")
    try:
        # Strictly JSON's own types, as in a plan file; unknown keys are a later minor version's.
        return Receipt.model_validate_json(readable(raw), strict=True, extra="ignore")
    except (ValidationError, ValueError, RecursionError):
        raise PlanFileError(f"{source} is not a receipt of an apply") from None
