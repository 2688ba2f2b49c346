"""The receipt file: read back as written, with what undoing takes, and refused in plain words when it is another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from views.arbitrary import receipts
from views.sample import PLAN, RECEIPT

from reconciler import __version__
from reconciler.applying.ledger import Ledger, receipt_of
from reconciler.documents import plan as plan_file
from reconciler.documents.receipt import dump, expect_place, load, read, write
from reconciler.errors import DocumentError
from reconciler.model import (
    SENSITIVE,
    Applied,
    Hazard,
    HazardType,
    ManualStep,
    PatroniStep,
    Receipt,
    RedisStep,
    RestartStep,
    SecretArgument,
    SecretRef,
    SqlStep,
    Step,
    StepReceipt,
)
from reconciler.model.event import Finished

TEXT = dump(RECEIPT)
RISK = (Hazard(type=HazardType.LESS_SAFE, message="m"),)
STEPS: tuple[Step, ...] = (
    SqlStep(
        statements=("a", "b"), transaction=True, lock_timeout="2s", statement_timeout="1min", attempts=3,
        on_failure=("c",), partition="public.p", needs_all=True, hazards=RISK,
    ),
    RedisStep(
        command=("ACL", "SETUSER", "app", SecretArgument(secret=SecretRef(env="APP_PASSWORD"), form="acl-hash")),
        together="x", waits_for="append-only-file", hazards=RISK,
    ),
    RestartStep(command="systemctl restart postgresql", after_primary=True, hazards=RISK),
    PatroniStep(parameters={"work_mem": "7MB", "hot_standby": None}, restart_for=("wal_level",), hazards=RISK),
    ManualStep(instruction="restart it", hazards=RISK),
)  # fmt: skip


def altered(change: Callable[[dict[str, Any]], object]) -> str:
    """The sample's file after `change` was made to its content."""
    content = json.loads(TEXT)
    change(content)
    return json.dumps(content)


def ledger() -> Ledger:
    return Ledger(PLAN, lambda: RECEIPT.started_at, lambda so_far: None)


def test_a_receipt_is_read_back_as_it_was_written():
    assert load(TEXT, source="receipt.json") == RECEIPT


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(receipt=receipts)
def test_every_receipt_is_read_back_as_it_was_written(receipt: Receipt):
    text = dump(receipt)
    assert load(text, source="receipt.json") == receipt
    assert dump(load(text, source="receipt.json")) == text


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.type)
def test_a_step_of_each_type_is_read_back_as_it_ran(step: Step):
    ran = {"steps": (StepReceipt(step=step, seconds=0.5),), "inverse": (step,)}
    changes = (RECEIPT.changes[0].model_copy(update=ran),)
    assert load(dump(RECEIPT.model_copy(update={"changes": changes})), source="receipt.json").changes == changes


def test_every_type_of_step_is_tried():
    [union, *_] = get_args(Step)
    assert {type(step) for step in STEPS} == set(get_args(union))


def test_format_and_version_stand_in_front():
    names = [line.split('"')[1] for line in TEXT.splitlines()[1:4]]
    assert names == ["format", "format_version", "reconciler_version"]
    assert json.loads(TEXT)["format"] == "reconciler-receipt"


def test_a_file_is_written_and_read(tmp_path: Path):
    path = tmp_path / "receipt.json"
    write(RECEIPT, path)
    assert read(path) == RECEIPT
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(DocumentError, match="No such file"):
        read(tmp_path / "nothing.json")
    with pytest.raises(DocumentError, match="directory: that is not a receipt"):
        read(tmp_path)


def test_what_was_planned_of_a_change_is_in_its_receipt():
    """The states and the way back are those of the plan file, whatever became of the change."""
    entries = ledger()
    for change, result in zip(PLAN.changes, list(Applied) * 9, strict=False):
        entries(Finished(at=RECEIPT.started_at, address=change.address, receipt=receipt_of(change, result, "")))
    told = json.loads(dump(entries.receipt()))
    assert told["reconciler_version"] == __version__
    for item, one in zip(json.loads(plan_file.dump(PLAN))["resource_changes"], told["changes"], strict=True):
        planned = {key: item[key] for key in ("address", "action", "sensitive", "inverse")}
        planned |= {key: item["change"][key] for key in ("before", "after")}
        assert {key: one[key] for key in planned} == planned


def test_what_did_not_come_to_its_end_is_told_with_what_was_before():
    """As the file is left by a kill."""
    entries = ledger()
    first = PLAN.changes[0]
    entries(Finished(at=RECEIPT.started_at, address=first.address, receipt=receipt_of(first, Applied.APPLIED, "")))
    found = load(dump(entries.receipt()), source="receipt.json")
    assert [one.result for one in found.changes[:2]] == [Applied.APPLIED, Applied.NOT_RUN]
    assert [one.before for one in found.changes] == [change.before for change in PLAN.changes]


def test_a_receipt_says_which_secrets_undoing_would_need():
    def told(before: dict[str, str] | None) -> tuple[str, list[str]]:
        update = {"before": before, "after": {"password": SENSITIVE}, "sensitive": ("password",)}
        text = dump(RECEIPT.model_copy(update={"changes": (RECEIPT.changes[0].model_copy(update=update),)}))
        return text, json.loads(text)["changes"][0]["withheld"]

    assert told(None)[1] == [], "there was nothing: it is taken away again"
    assert told({"password": "none"})[1] == [], "that there was none is no secret"
    text, withheld = told({"rules": "on", "password": SENSITIVE})
    assert withheld == ["password"]
    content = json.loads(text)
    content["changes"][0]["withheld"] = []
    with pytest.raises(DocumentError, match=r"contradicts itself about .*: its withheld is another"):
        load(json.dumps(content), source="receipt.json")


LEVELS: dict[str, tuple[str | int, ...]] = {
    "file": (),
    "change": ("changes", 0),
    "step that ran": ("changes", 0, "steps", 0),
    "step": ("changes", 0, "steps", 0, "step"),
    "evidence": ("changes", 0, "evidence", 0),
}


def with_an_unknown_key(level: str, version: str) -> str:
    def add(content: Any) -> None:
        content["format_version"] = version
        for key in LEVELS[level]:
            content = content[key]
        content["from_the_future"] = {"x": [1]}

    return altered(add)


@pytest.mark.parametrize("level", LEVELS)
def test_unknown_keys_are_refused_but_of_a_later_minor_version(level: str):
    with pytest.raises(DocumentError, match="from_the_future: Extra inputs are not permitted"):
        load(with_an_unknown_key(level, "2.0"), source="receipt.json")
    assert load(with_an_unknown_key(level, "2.7"), source="receipt.json") == RECEIPT


OLD = altered(lambda content: (content.pop("format"), content.update(format_version="1.1")))
UNREAD = "is not a receipt that can be read: "
REFUSED = [
    ("", "is empty", "an empty file"),
    ("not json", "is not JSON", "some text"),
    (TEXT[: len(TEXT) // 2], "is not JSON", "a download that was cut short"),
    ("[]", "is JSON, but not a receipt", "JSON of another shape"),
    ("{}", "its format is not reconciler-receipt", "JSON of another shape"),
    ('{"format": 1, "plan_digest": ""}', "its format is not reconciler-receipt", "a format that is none"),
    ('{"format": "reconciler-approval"}', "its format is not reconciler-receipt", "a document of another format"),
    ('{"format": "reconciler-receipt"}', "no format_version", "no version"),
    ('{"format": "reconciler-receipt", "format_version": "2.0"}', UNREAD, "no content"),
    (altered(lambda content: content.update(format_version="3.0")), "reads 2.x", "a later major version"),
    (OLD, "is a receipt of format 1.1, which does not say what was before", "an earlier one"),
    (plan_file.dump(PLAN), "is a plan, not a receipt", "a plan"),
    (TEXT.replace('"action": ', '"action": "x", "action": ', 1), "'action' appears twice", "a key twice"),
    (altered(lambda content: content["changes"][0].pop("before")), f"{UNREAD}changes.0.before", "nothing of before"),
    (altered(lambda content: content["changes"][0].update(seconds="1")), f"{UNREAD}changes.0.seconds", "a text"),
    (altered(lambda content: content.update(changes={})), f"{UNREAD}changes", "another shape inside"),
    (altered(lambda content: content.update(changes=[1])), f"{UNREAD}changes.0", "another shape inside"),
    (altered(lambda content: content.update(started_at="yesterday")), f"{UNREAD}started_at", "a time that is none"),
    (altered(lambda content: content["changes"][1].update(verdict="in-sync")), "its verdict is another", "a verdict"),
]


@pytest.mark.parametrize(("text", "said", "reason"), REFUSED, ids=[f"{case[2]}-{n}" for n, case in enumerate(REFUSED)])
def test_what_is_not_a_receipt_is_refused_in_plain_words(text: str, said: str, reason: str):
    with pytest.raises(DocumentError) as refused:
        load(text, source="receipt.json")
    assert said in refused.value.message
    assert refused.value.message.startswith("receipt.json ")
    assert refused.value.hint


@pytest.mark.parametrize("text", [TEXT, OLD])
def test_a_receipt_is_told_from_a_plan_by_whoever_reads_plans(text: str):
    with pytest.raises(DocumentError, match="is the receipt of an apply, not a plan"):
        plan_file.load(text, source="receipt.json")


PLACES = [
    ("nowhere/receipt.json", "the folder .*nowhere does not exist", "no such folder"),
    ("", "is not a file", "a folder"),
    ("plan.json", "is the plan that is to be applied", "the plan"),
    ("link.json", "is the plan that is to be applied", "a link to the plan"),
    ("tasks.yaml", "a receipt is JSON", "YAML"),
]


@pytest.mark.parametrize(("name", "message", "reason"), PLACES, ids=[case[2] for case in PLACES])
def test_where_no_receipt_can_be_is_said_before_anything_runs(tmp_path, name, message, reason):
    plan = tmp_path / "plan.json"
    plan.write_text("a plan")
    (tmp_path / "link.json").symlink_to(plan)
    with pytest.raises(DocumentError, match=message):
        expect_place(tmp_path / name, plan)
    assert plan.read_text() == "a plan"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.json", "plan.json"]


def test_a_place_for_a_receipt_is_left_as_it_was(tmp_path):
    (tmp_path / "old.json").write_text("an old one")
    for name in ("new.json", "old.json"):
        expect_place(tmp_path / name, None)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("old.json", "an old one")]


@pytest.mark.parametrize("seconds", ["1e999", "-1"])
def test_seconds_are_a_number_that_can_be(seconds):
    with pytest.raises(DocumentError, match="not a receipt that can be read"):
        load(re.sub(r'"seconds": [0-9.]+', f'"seconds": {seconds}', TEXT, count=1), source="receipt.json")


def test_many_keys_are_not_held_against_each_other():
    """Seen before: each was held against all others, which takes minutes for so many."""
    keys = ",".join(f'"{number}":1' for number in range(100_000))
    with pytest.raises(DocumentError, match="the key '7' appears twice"):
        load("{" + keys + ',"7":1}', source="receipt.json")
