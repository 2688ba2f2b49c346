"""Items as the loader would make them, without YAML, and what a live target says of them."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter

from reconciler.kind import Declaration
from reconciler.kinds.check import CheckKind
from reconciler.model import CheckResult, HttpTarget, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

TODAY = date(2026, 7, 1)
KIND = CheckKind(lambda: TODAY)
CHECKLIST = TypeAdapter(KIND.sections["checklist"])
NOWHERE = HttpTarget(name="app", url="")


def declare(target: Target, *checks, folder: Path = Path(), **more):
    """Resources for checks (of one item each), named item-0, item-1, …; `more` are further keys of every item."""
    items = [{"id": f"item-{n}", "title": f"Item {n}", "check": check, **more} for n, check in enumerate(checks)]
    value = CHECKLIST.validate_python(items)
    return list(
        KIND.declare(Declaration(target, "checklist", value, str(folder / "list.yaml"), lambda path: f"list:{path}"))
    )


def results(target: Target, items, secrets: Secrets | None = None) -> list[CheckResult]:
    with closing(connect(target, secrets or Secrets({}))) as session:
        observed = KIND.observe(session, items)
    return [result for item in items for result in KIND.plan(item, observed[item.address])]


def decided(target: Target, *checks, secrets: Secrets | None = None, folder: Path = Path(), **more):
    """(status, message) of each check."""
    found = results(target, declare(target, *checks, folder=folder, **more), secrets)
    return [(result.status.value, result.message) for result in found]
