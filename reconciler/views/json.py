"""Plans, checks and receipts for programs. A plan is what a plan file holds, byte by byte."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import ValidationError

from reconciler.errors import PlanFileError
from reconciler.model import Plan, Receipt
from reconciler.planning.plan_file import dump, parse, readable, timestamp
from reconciler.views.page import Page

FORMAT_VERSION = "1.0"
"""Of checks and receipts. Minor: keys were added. Major: older readers would misunderstand."""


def plan(plan: Plan, page: Page) -> str:
    """The plan file. Drift is one as well: the plan that would mend it."""
    return dump(plan)


def checks(plan: Plan, page: Page) -> str:
    """`{format_version, reconciler_version, created_at, checks: [CheckResult], summary: {status: count}}`."""
    return readable(
        {
            "format_version": FORMAT_VERSION,
            "reconciler_version": plan.reconciler_version,
            "created_at": timestamp(plan.created_at),
            "checks": [check.model_dump(mode="json") for check in plan.checks],
            "summary": Counter(check.status.value for check in plan.checks),
        }
    )


def receipt(receipt: Receipt, page: Page, planned: object) -> str:
    """`model.Receipt` with its field names, `format_version`, and `succeeded`; what was planned is in the plan file."""
    content: dict[str, Any] = receipt.model_dump(mode="json")
    content["started_at"] = timestamp(receipt.started_at)
    content["finished_at"] = timestamp(receipt.finished_at)
    return readable(content | {"format_version": FORMAT_VERSION, "succeeded": receipt.succeeded})


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
