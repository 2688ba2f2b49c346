"""plans/ holds what a plan and an apply of `desired/` leave, and goes on to hold that.

`UPDATE_GOLDEN=1 pytest --tier all tests/demo/test_example_plan.py` writes the files anew.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from demo.example import Example, alike, declared, made

from reconciler.applying.gates.superseded import superseded
from reconciler.documents import plan as plan_file
from reconciler.documents import receipt as receipt_file
from reconciler.model import Plan, Receipt
from reconciler.views import render, render_receipt

ROOT = Path(__file__).resolve().parents[2]
PLANS = ROOT / "plans"
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://127.0.0.1:5432/app",
    "REDIS_URL": "redis://127.0.0.1:6379",
    "REDIS_PASSWORD": "of-the-server",
    "APP_REDIS_PASSWORD": "of-the-application",
}


def files(example: Example) -> dict[str, str]:
    """The files of `plans/` by name."""
    return {
        "example.json": plan_file.dump(example.plan),
        "example.md": render(example.plan, "markdown"),
        "example.receipt.json": render_receipt(example.receipt, "json"),
    }


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
    for name in ("DATABASE_MEMORY", "REDIS_MEMORY", "APP_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def plan() -> Plan:
    return plan_file.read(PLANS / "example.json")


@pytest.fixture
def receipt() -> Receipt:
    path = PLANS / "example.receipt.json"
    return receipt_file.load(path.read_text(encoding="utf-8"), source=str(path))


@pytest.mark.thorough
@pytest.mark.usefixtures("folder")
def test_a_plan_and_an_apply_of_the_example_leave_these_files():
    found = files(made())
    if os.environ.get("UPDATE_GOLDEN"):
        for name, text in found.items():
            (PLANS / name).write_text(text, encoding="utf-8", newline="\n")
    for name, text in found.items():
        assert text == (PLANS / name).read_text(encoding="utf-8"), f"{name}: {__doc__}"


def test_they_are_read_and_written_as_every_plan_and_receipt(plan, receipt):
    assert alike(Example(plan, receipt)) == (plan, receipt)
    assert files(Example(plan, receipt)) == {name: (PLANS / name).read_text(encoding="utf-8") for name in FILES}


FILES = ("example.json", "example.md", "example.receipt.json")


def test_nothing_else_lies_there_but_what_the_demonstration_saves():
    assert {path.name for path in PLANS.iterdir()} - {"demo.json"} == {"README.md", *FILES}


def test_the_plan_is_of_what_is_declared(plan):
    """A declaration that is changed, or moves within its file, wants the files to be made anew."""
    desired = declared(ENVIRONMENT)
    assert superseded(plan.changes, desired.resources, desired.targets) == {}
    places = {resource.address: resource.declared_at for resource in desired.resources}
    assert {change.address: change.declared_at for change in plan.changes}.items() <= places.items()
    told = Counter(change.address.kind for change in plan.changes)
    told += Counter(check.address.kind for check in plan.checks) + Counter(plan.in_sync)
    rules = [address for address in places if address.name.endswith("*")]  # of what nobody lists: there is nothing
    assert told == Counter(address.kind for address in places) - Counter(address.kind for address in rules)


def test_the_receipt_is_of_that_plan(plan, receipt):
    assert receipt.plan_digest == plan.digest
    assert [change.address for change in receipt.changes] == [change.address for change in plan.changes]
    assert receipt.succeeded
    assert {change.result.value for change in receipt.changes} == {"applied"}
