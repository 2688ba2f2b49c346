"""An apply for programs: standard output holds what they asked for and nothing else.

Decided: docs/decisions.md#events-for-programs
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconciler.documents import fleet_receipt
from reconciler.documents import receipt as receipt_file
from reconciler.documents.events import json_schema

VALID = Draft202012Validator(json_schema())


def events(text: str) -> list[dict]:
    found = [json.loads(line) for line in text.splitlines()]
    assert [error.message for event in found for error in VALID.iter_errors(event)] == []
    return found


def test_the_receipt_is_alone_on_standard_output(world, reconciler, tmp_path):
    saved = tmp_path / "receipt.json"
    code, out, err = reconciler("apply", "--yes", "--format", "json", "--receipt", saved)
    assert code == 0, err
    assert receipt_file.load(out, source="stdout").succeeded
    assert out == saved.read_text()
    assert "create index" in err.lower(), "the plan is shown, as always"


def test_of_a_saved_plan_as_well(world, reconciler, tmp_path):
    plan = tmp_path / "plan.json"
    assert reconciler("plan", "--out", plan)[0] == 0
    code, out, _ = reconciler("apply", plan, "--format", "json")
    assert code == 0
    assert receipt_file.load(out, source="stdout").succeeded


def test_events_are_told_in_a_file_or_alone_on_standard_output(world, reconciler, tmp_path):
    path = tmp_path / "events.ndjson"
    code, out, _ = reconciler("apply", "--yes", "--events", path)
    assert code == 0
    told = events(path.read_text())
    assert [told[0]["type"], told[-1]["type"]] == ["planned", "done"]
    assert {each["address"] for each in told if each["type"] == "finished"} == {
        each["address"] for each in told[0]["changes"]
    }
    assert "public.tasks_status_idx" in out, "the receipt, for people"

    world.execute("drop index tasks_status_idx")
    code, out, err = reconciler("apply", "--yes", "--events", "-")
    assert code == 0
    told = events(out)
    assert told[-1]["succeeded"] is True
    assert "public.tasks_status_idx" in err


def test_an_apply_that_is_refused_leaves_standard_output_empty(world, reconciler, tmp_path, desired):
    plan = tmp_path / "plan.json"
    assert reconciler("plan", "--out", plan)[0] == 0
    code, out, err = reconciler("apply", plan, "--format", "json", "--digest", "0" * 64)
    assert (code, out) == (1, "")
    assert "error: " in err


def test_a_full_disk_stops_no_apply_and_is_told_at_its_end(world, reconciler):
    code, _, err = reconciler("apply", "--yes", "--events", "/dev/full")
    assert code == 1
    assert "/dev/full does not hold all events: No space left on device" in err
    assert world.execute("select to_regclass('tasks_status_idx')").fetchone() != (None,)


WRONG = [
    (["--events", "-", "--format", "json"], "both be on standard output"),
    (["--events", "no/such/folder/events"], "does not exist"),
    (["--events", "events.yaml"], "is called as YAML is"),
    (["--events", "same.json", "--receipt", "same.json"], "would be lost"),
]


@pytest.mark.parametrize(("options", "said"), WRONG, ids=[" ".join(options) for options, _ in WRONG])
def test_what_cannot_be_told_is_refused_before_anything_runs(world, reconciler, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    code, _, err = reconciler("apply", "--yes", *options)
    assert code == 1
    assert said in err
    assert world.execute("select to_regclass('tasks_status_idx')").fetchone() == (None,)
    assert not Path("events.yaml").exists()


def test_of_a_folder_of_plans_the_receipt_of_the_run_is_alone_there_and_events_are_refused(
    tenants, reconciler, tmp_path
):
    folder = tmp_path / "plans"
    assert reconciler("plan", "--out-dir", folder)[0] == 0
    digest = json.loads((folder / "fleet.json").read_text())["digest"]
    code, out, err = reconciler("apply", folder, "--digest", digest, "--events", "events.ndjson")
    assert (code, out) == (1, "")
    assert "--events is about one plan" in err
    code, out, err = reconciler("apply", folder, "--digest", digest, "--format", "json")
    assert code == 0, err
    assert fleet_receipt.of_json(json.loads(out), source="stdout").succeeded
