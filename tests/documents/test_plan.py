"""The plan file: read back as written, and refused in plain words when it is anything else."""

from __future__ import annotations

import errno
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from views.arbitrary import changes, plans
from views.sample import IN_SYNC, PLAN

from reconciler.documents import document
from reconciler.documents.atomic_file import _temporary
from reconciler.documents.change_fingerprint import fingerprint, of_parts
from reconciler.documents.digest import digest
from reconciler.documents.plan import dump, load, read, seal, write
from reconciler.errors import DocumentError
from reconciler.model import SENSITIVE, Plan, SqlStep

TEXT = dump(PLAN)


def altered(change) -> str:
    """The sample's file after `change` was made to its content, and nothing else."""
    content = json.loads(TEXT)
    change(content)
    return json.dumps(content)


def resealed(change) -> str:
    """As `altered`, with digests made again: what another version, or somebody who knows how, would write."""
    content = json.loads(altered(change))
    for item in content["resource_changes"]:
        item["fingerprint"] = of_parts(item | {"before": item["change"]["before"]})
    content["digest"] = digest({key: value for key, value in content.items() if key != "digest"})
    return json.dumps(content)


def test_a_plan_is_read_back_as_it_was_written():
    assert load(TEXT, source="plan.json") == PLAN
    assert load(dump(IN_SYNC), source="plan.json") == seal(IN_SYNC)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=plans)
def test_every_plan_is_read_back_as_it_was_written(plan: Plan):
    text = dump(plan)
    assert load(text, source="plan.json") == seal(plan)
    assert dump(load(text, source="plan.json")) == text


def test_the_same_plan_gives_the_same_bytes_whatever_the_order_of_its_keys():
    turned = PLAN.model_copy(update={"targets": dict(reversed(PLAN.targets.items()))})
    assert dump(turned) == TEXT


def test_the_time_is_written_in_utc_whatever_its_zone():
    moment = datetime(2026, 3, 4, 7, 6, 7, tzinfo=timezone(timedelta(hours=2)))
    assert json.loads(dump(PLAN.model_copy(update={"created_at": moment})))["created_at"] == "2026-03-04T05:06:07Z"


def test_policies_written_for_terraform_find_what_they_look_for():
    by_address = {item["address"]: item for item in json.loads(TEXT)["resource_changes"]}
    replaced = by_address["main/pg_index/public.sessions_user_idx"]
    assert replaced["type"] == "pg_index"
    assert replaced["change"]["actions"] == ["create", "delete"]
    assert "index-drop" in [hazard["type"] for hazard in replaced["hazards"]]
    secret = by_address["cache/redis_setting/requirepass"]
    assert secret["change"]["before_sensitive"] == secret["change"]["after_sensitive"] == {"value": True}
    assert secret["change"]["after"] == {"value": SENSITIVE}
    created = by_address["cache/redis_user/app"]["change"]
    assert (created["before"], created["before_sensitive"]) == (None, {})
    assert created["after_sensitive"] == {"password": True}


def test_characters_that_cannot_be_seen_are_escaped_in_the_file():
    assert TEXT.replace("\n", "").isprintable()
    assert "クエリ" in TEXT


def test_another_layout_of_the_same_content_is_the_same_plan():
    assert load(json.dumps(json.loads(TEXT)), source="plan.json") == PLAN


def test_unknown_keys_of_a_later_minor_version_are_ignored_at_every_level():
    def add(content):
        content["format_version"] = "2.7"
        item = content["resource_changes"][0]
        levels = [content, item, item["change"], item["steps"][0], item["steps"][0]["hazards"][0], item["evidence"][0]]
        levels += [content["notices"][0], content["checks"][0], content["targets"]["main"]]
        for level in levels:
            level["from_the_future"] = {"x": [1]}

    plan = load(resealed(add), source="plan.json")
    first, *others = plan.changes
    assert others == list(PLAN.changes[1:])
    assert first.steps == PLAN.changes[0].steps
    assert (plan.notices, plan.checks, plan.targets) == (PLAN.notices, PLAN.checks, PLAN.targets)


FIRST = ("resource_changes", 0)
LEVELS = {
    "file": (),
    "change": FIRST,
    "what Terraform has of it": (*FIRST, "change"),
    "step": (*FIRST, "steps", 0),
    "hazard": (*FIRST, "steps", 0, "hazards", 0),
    "evidence": (*FIRST, "evidence", 0),
    "notice": ("notices", 0),
    "check": ("checks", 0),
    "target": ("targets", "main"),
}


@pytest.mark.parametrize("version", ["2.0", "2.1"])
@pytest.mark.parametrize("level", LEVELS)
def test_unknown_keys_of_a_version_that_is_known_are_refused_at_every_level(level: str, version: str):
    """Seen to be taken: a file could tell reviewers, or policies, what no version ever meant."""

    def add(content):
        content["format_version"] = version
        for key in LEVELS[level]:
            content = content[key]
        content["from_nowhere"] = 1

    with pytest.raises(DocumentError, match="from_nowhere: Extra inputs are not permitted"):
        load(resealed(add), source="plan.json")


def test_the_digest_counts_unknown_keys_as_well():
    with pytest.raises(DocumentError, match="does not match its digest"):
        load(altered(lambda content: content.update(from_the_future=1)), source="plan.json")


def edit_statement(content):
    content["resource_changes"][0]["steps"][0]["statements"] = ["drop table public.tasks"]


def set_in(*path, value):
    def change(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


REFUSED = [
    ("", "is empty", "an empty file"),
    ("  \n", "is empty", "a blank file"),
    ("not json", "is not JSON", "some text"),
    (TEXT[: len(TEXT) // 2], "is not JSON", "a download that was cut short"),
    ("[]", "is JSON, but not a plan", "JSON of another shape"),
    ("null", "is JSON, but not a plan", "JSON of another shape"),
    ("{}", "no format_version", "JSON of another shape"),
    ('{"format_version": 2.0}', "no format_version", "a number instead of a text"),
    ('{"format_version": "2.0"}', "no digest", "nothing beside the version"),
    ('{"format_version": "2.0", "resource_changes": 5}', "not a list of changes", "another shape inside"),
    ('{"format_version": "2.0", "resource_changes": [{"change": 1}]}', "not a list of changes", "another shape inside"),
    ('{"format_version": "1.2", "terraform_version": "1.11.0"}', "Terraform", "a Terraform plan"),
    ('{"a": 1, "a": 2}', "'a' appears twice", "a key twice"),
    (TEXT.replace('"lane": ', '"lane": "x", "lane": ', 1), "'lane' appears twice", "a key twice, deep inside"),
    ('{"a": NaN}', "NaN is not JSON", "a number that JSON does not have"),
    ("[" * 100_000, "nested too deeply", "a bomb"),
    ('{"a":' * 100_000, "nested too deeply", "a bomb"),
    ("9" * 5_000, "is not a plan", "a number too long to read"),
    ('{"format_version": "2.0", "digest": "", "x": 1e999}', "number", "an infinity in disguise"),
    ('{"format_version": "2.0", "digest": "", "x": "\\ud800"}', "does not match its digest", "half a character"),
    (altered(set_in("format_version", value="3.0")), "reads 2.x", "a later major version"),
    (altered(set_in("format_version", value="1.0")), "reads 2.x", "an earlier one, whose fingerprints say less"),
    (altered(set_in("format_version", value="one")), "no format_version", "a version that is none"),
    (altered(lambda content: content.pop("digest")), "no digest", "the digest taken out"),
    (altered(edit_statement), "does not match its fingerprint", "another statement"),
    (altered(set_in(*FIRST, "steps", 0, "lock_timeout", value="0")), "fingerprint", "another timeout"),
    (altered(set_in(*FIRST, "change", "before", value={})), "fingerprint", "another state before"),
    (altered(set_in(*FIRST, "why", value="x")), "does not match its digest", "another reason"),
    (altered(set_in("targets", "main", "identity", value="x")), "does not match its digest", "another server"),
    (resealed(set_in(*FIRST, "steps", 0, "type", value="shell")), "steps.0", "a type of step that is none"),
    (resealed(set_in(*FIRST, "steps", 0, "transaction", value="yes")), "transaction", "a text for a boolean"),
    (resealed(set_in(*FIRST, "action", value="destroy")), "action", "an action that is none"),
    (resealed(set_in("created_at", value="yesterday")), "created_at", "a time that is none"),
    (resealed(set_in("checks", value=7)), "checks", "another shape with a good digest"),
    (resealed(set_in(*FIRST, "change", "actions", value=["no-op"])), "contradicts itself", "a policy would be misled"),
    (resealed(set_in(*FIRST, "hazards", value=[])), "contradicts itself", "a policy would be misled"),
    (resealed(set_in(*FIRST, "type", value="check")), "contradicts itself", "a policy would be misled"),
]


@pytest.mark.parametrize(("text", "said", "reason"), REFUSED, ids=[f"{case[2]}-{n}" for n, case in enumerate(REFUSED)])
def test_what_is_not_an_unaltered_plan_is_refused_in_plain_words(text: str, said: str, reason: str):
    with pytest.raises(DocumentError) as refused:
        load(text, source="plan.json")
    assert said in refused.value.message
    assert refused.value.message.startswith("plan.json ")
    assert refused.value.hint


def test_an_altered_change_is_named():
    with pytest.raises(DocumentError, match=r"main/pg_index/public\.tasks_queue_idx"):
        load(altered(edit_statement), source="plan.json")


def test_a_change_altered_in_memory_is_refused_when_it_is_read():
    change = PLAN.changes[0].model_copy(update={"steps": (SqlStep(statements=("drop table public.tasks",)),)})
    with pytest.raises(DocumentError, match="fingerprint"):
        load(dump(PLAN.model_copy(update={"changes": (change,)})), source="plan.json")


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(change=changes)
def test_a_fingerprint_is_of_all_that_can_run_and_of_nothing_that_is_only_said(change):
    said = change.model_copy(
        update={"why": "x", "notes": ("y",), "evidence": (), "after": None, "forbidden": "w", "fingerprint": "z"}
    )
    assert fingerprint(said) == fingerprint(change)
    moved = change.model_copy(update={"desired": {**change.desired, "why": "x", "declared_at": "y.yaml:1:1"}})
    assert fingerprint(moved) == fingerprint(change)
    more = (SqlStep(statements=("x",)),)
    for altered in (
        {"steps": (*change.steps, *more)}, {"undo": (*change.undo, *more)}, {"inverse": (*change.inverse, *more)},
        {"undo_unseen": not change.undo_unseen}, {"lane": change.lane + "x"}, {"phase": change.phase + 1},
        {"sensitive": (*change.sensitive, "x")}, {"desired": {**change.desired, "x": 1}},
    ):  # fmt: skip
        assert fingerprint(change.model_copy(update=altered)) != fingerprint(change), altered


def test_a_file_is_written_and_read(tmp_path: Path):
    path = tmp_path / "plan.json"
    write(PLAN, path)
    assert read(path) == PLAN
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(path) == PLAN, "an editor's byte order mark does no harm"
    assert [found.name for found in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "is full"),
        (OSError(errno.EACCES, "Permission denied"), "no permission"),
        (OSError(errno.EROFS, "Read-only file system"), "no permission"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (KeyboardInterrupt(), ""),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch, failure: BaseException, said: str):
    path = tmp_path / "plan.json"
    path.write_text("before")

    def fail(descriptor: int) -> None:
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((DocumentError, KeyboardInterrupt)) as raised:
        write(PLAN, path)
    assert said in str(raised.value)
    assert isinstance(raised.value, KeyboardInterrupt if not said else DocumentError)
    assert path.read_text() == "before"
    assert [found.name for found in tmp_path.iterdir()] == ["plan.json"]


def test_the_leftover_of_a_killed_run_is_not_in_the_way(tmp_path: Path):
    _temporary(tmp_path / "plan.json").write_text("half")
    write(PLAN, tmp_path / "plan.json")
    assert [found.name for found in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere/plan.json", "does not exist"),
        (".", "not a file"),
        ("file/plan.json", "exist"),
        ("x" * 300, "too long"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_an_error(tmp_path: Path, name: str, said: str):
    (tmp_path / "file").write_text("")
    with pytest.raises(DocumentError, match=said):
        write(PLAN, tmp_path / name)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\x80\x81\xff", "is not text"), (b"PK\x03\x04\x14\x00\xff\xfe", "is not text"), (b"\x00" * 10, "is not JSON")],
)
def test_a_binary_file_is_refused(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=said):
        read(path)


def test_a_file_that_is_missing_a_folder_or_too_large_is_refused(tmp_path: Path, monkeypatch):
    with pytest.raises(DocumentError, match="No such file"):
        read(tmp_path / "nothing.json")
    with pytest.raises(DocumentError, match="directory"):
        read(tmp_path)
    write(PLAN, tmp_path / "plan.json")
    monkeypatch.setattr(document, "LARGEST", 1000)
    with pytest.raises(DocumentError, match="larger than"):
        read(tmp_path / "plan.json")


def test_what_a_hazard_says_does_not_make_a_plan_stale_but_another_hazard_does():
    change = PLAN.changes[0]
    [hazard, *others] = change.steps[0].hazards

    def saying(*hazards):
        step = change.steps[0].model_copy(update={"hazards": hazards})
        return fingerprint(change.model_copy(update={"steps": (step, *change.steps[1:])}))

    assert saying(hazard.model_copy(update={"message": "12 rows more"}), *others) == fingerprint(change)
    assert saying(*others) != fingerprint(change)
