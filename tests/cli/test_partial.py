"""A target that cannot be read hides no other: each verb tells the rest, in each format, and ends with 1."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import psycopg
import pytest
from waiting import reload

from reconciler.documents import plan as plan_file

CHECKLIST = """
target: lost
settings: {maxmemory: 64mb}
checklist:
  - {id: memory, title: Memory is bounded, check: {redis_setting: maxmemory, at_least: 1mb}}
"""


def one_line(text: str) -> str:
    """A text that may be wrapped anywhere."""
    return " ".join(text.split())


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port on which nobody listens, and which nobody else gets."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def lost(world, desired: Path, nobody: int) -> int:
    """Beside the database a Redis that is not there, with a password that must not be seen."""
    (desired / "lost.yaml").write_text(
        f'targets: {{lost: {{redis: "redis://app:s3cretword@127.0.0.1:{nobody}"}}}}\n---{CHECKLIST}'
    )
    return nobody


def test_plan_and_drift_tell_the_rest_in_every_format(lost, reconciler, desired):
    """Seen to fail before: all that was printed was the error of the one."""
    at = f"{desired}/lost.yaml:1:11"
    for verb, formats in {"plan": ("text", "markdown", "json", "sql"), "drift": ("text", "markdown", "json")}.items():
        for form in formats:
            code, out, err = reconciler(verb, "--format", form)
            assert code == 1, (verb, form)
            assert "tasks_status_idx" in out
            assert "lost" in out
            assert err.startswith("error: lost: cannot connect"), err
            assert "s3cretword" not in out + err
            if form == "json":
                content = json.loads(out)
                [unread] = content["unreachable"]
                assert (content["verdict"], content["targets"]["main"]["verdict"]) == ("unreachable", "differs")
                assert (unread["target"], unread["node"], unread["reason"]) == ("lost", "lost", "not-connected")
                assert (unread["declared_at"], unread["verdict"]) == (at, "unreachable")
                assert unread["hint"]
            else:
                assert "could not be read" in out
    assert reconciler("plan", "--detailed-exitcode", "--allow-blocked")[0] == 1


def test_a_check_of_it_is_not_decided(lost, reconciler):
    for form in ("text", "markdown", "json", "junit"):
        code, out, err = reconciler("check", "--format", form)
        assert (code, err.startswith("error: lost: cannot connect")) == (1, True)
        assert "slow-log" in out
        if form == "json":
            content = json.loads(out)
            by_name = {check["address"]: (check["status"], check["verdict"]) for check in content["checks"]}
            assert by_name["lost/check/memory"] == ("no-data", "undecided")
            assert [each["target"] for each in content["unreachable"]] == ["lost"]
        elif form == "junit":
            suites = {suite.get("name"): suite for suite in ElementTree.fromstring(out)}  # noqa: S314 - ours
            assert suites["lost"].get("errors") == "1"
            assert suites["lost"].get("skipped") == "1"
        else:
            assert "lost could not be read" in out


def test_nothing_but_what_cannot_be_read_is_never_in_sync(lost, reconciler):
    for verb in ("plan", "drift"):
        code, out, _ = reconciler(verb, "lost")
        assert code == 1
        assert "1 target could not be read, and nothing is known of it." in out
        assert "sync" not in out.lower()
        assert "No changes" not in out
        code, out, _ = reconciler(verb, "lost", "--format", "json")
        assert json.loads(out)["verdict"] == "unreachable"


def test_a_checklist_without_items_is_not_met_while_a_target_is_not_read(lost, reconciler, desired):
    (desired / "lost.yaml").write_text((desired / "lost.yaml").read_text().partition("checklist:")[0])
    code, out, _ = reconciler("check", "lost", "--format", "json")
    assert (code, json.loads(out)["checks"], json.loads(out)["verdict"]) == (1, [], "undecided")


def test_a_saved_plan_says_what_it_has_not_seen_and_so_does_its_apply(lost, reconciler, tmp_path):
    saved, receipt = tmp_path / "plan.json", tmp_path / "receipt.json"
    code, _, err = reconciler("plan", "--out", saved)
    assert (code, f"Saved as {saved}" in err) == (1, True)
    assert plan_file.read(saved).unseen == ("lost",)
    code, out, _ = reconciler("show", saved)
    assert (code, "lost could not be read" in one_line(out)) == (0, True)

    code, out, _ = reconciler("apply", saved, "--receipt", receipt)
    assert code == 1
    assert "Applied 3 of 3 changes" in out
    assert "Not read when the plan was made, and not changed: lost." in one_line(out)
    told = json.loads(receipt.read_text())
    assert (told["unseen"], told["verdict"], told["succeeded"]) == (["lost"], "unreachable", False)
    code, out, _ = reconciler("show", receipt)
    assert (code, "not changed: lost." in one_line(out)) == (0, True)

    assert reconciler("drift", "main")[0] == 0
    code, out, _ = reconciler("apply", "--yes")
    assert code == 1
    assert "There was nothing to apply. Not read when the plan was made" in one_line(out)


def test_an_altered_list_of_what_was_not_seen_is_refused(lost, reconciler, tmp_path):
    saved = tmp_path / "plan.json"
    reconciler("plan", "--out", saved)
    content = json.loads(saved.read_text())
    saved.write_text(json.dumps(content | {"unreachable": []}))
    code, out, err = reconciler("apply", saved)
    assert (code, out) == (1, "")
    assert "was altered" in err


def test_one_that_refuses_our_role_is_like_one_that_is_not_there(world, reconciler, desired, database):
    url = database.replace("postgres@", "stranger@")
    (desired / "other.yaml").write_text(f'targets: {{other: {{postgres: "{url}"}}}}\n')
    code, out, err = reconciler("drift", "--format", "json")
    assert (code, [each["reason"] for each in json.loads(out)["unreachable"]]) == (1, ["not-connected"])
    assert 'role "stranger" does not exist' in err
    assert json.loads(out)["resource_changes"]


def test_what_an_unread_database_declares_of_its_server_holds_back_the_others(world, reconciler, desired, database):
    """Seen to fail before there was `unseen`: the setting was changed to and fro by whoever was read."""
    gone = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    url = database.replace(f"/{gone}", "/not_there")
    (desired / "other.yaml").write_text(
        f'targets: {{other: {{postgres: "{url}", memory: 16GB}}}}\n---\ntarget: other\nsettings: {{work_mem: 9MB}}\n'
    )
    code, out, _ = reconciler("plan", "--format", "json")
    content = json.loads(out)
    assert code == 1
    assert [each["address"] for each in content["resource_changes"] if "pg_setting" in each["address"]] == []
    [blocked] = [each for each in content["notices"] if each["type"] == "blocked"]
    assert "other wants 9MB" in blocked["message"]

    (desired / "other.yaml").write_text((desired / "other.yaml").read_text().replace("9MB", "7MB"))
    code, out, _ = reconciler("plan", "--format", "json")
    changed = [each["address"] for each in json.loads(out)["resource_changes"]]
    assert (code, "main/pg_setting/work_mem" in changed) == (1, True)  # they agree


def test_what_an_unread_database_declares_is_not_unlisted(world, reconciler, desired, database):
    gone = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    url = database.replace(f"/{gone}", "/not_there")
    world.execute("alter system set temp_buffers = '9MB'")
    reload(world)
    (desired / "tasks.yaml").write_text("target: main\nsettings: {work_mem: 7MB}\nunlisted_settings: drift\n")
    code, out, _ = reconciler("plan", "--format", "json")
    assert (code, [each["type"] for each in json.loads(out)["notices"] if each["type"] == "unwanted"]) == (
        0,
        ["unwanted"],
    )
    (desired / "other.yaml").write_text(
        f'targets: {{other: {{postgres: "{url}"}}}}\n---\ntarget: other\nsettings: {{temp_buffers: 9MB}}\n'
    )
    code, out, _ = reconciler("plan", "--format", "json")
    assert (code, [each for each in json.loads(out)["notices"] if each["type"] == "unwanted"]) == (1, [])


def test_two_targets_of_one_database_hide_no_third(world, reconciler, desired, database, fileless):
    text = (desired / "tasks.yaml").read_text()
    (desired / "twice.yaml").write_text(
        f'targets: {{twice: {{postgres: "{database}"}}, cache: {{redis: "{fileless}"}}}}\n---\n'
        f"{text.replace('target: main', 'target: twice')}\n---\ntarget: cache\nsettings: {{maxmemory: 50mb}}\n"
    )
    code, out, err = reconciler("plan", "--format", "json")
    content = json.loads(out)
    assert code == 1
    assert {each["target"]: each["reason"] for each in content["unreachable"]} == {
        "main": "not-as-declared", "twice": "not-as-declared",
    }  # fmt: skip
    assert [each["address"] for each in content["resource_changes"]] == ["cache/redis_setting/maxmemory"]
    assert "it is the same database" in err


def test_import_writes_what_it_could_read(lost, reconciler, desired):
    assert reconciler("apply", "--yes")[0] == 1
    code, out, err = reconciler("import", "lost", "main")
    assert code == 1
    assert err.startswith("error: lost: cannot connect")
    assert "target: main" in out
    assert "tasks_status_idx" in out
    (desired / "tasks.yaml").write_text(out)
    assert reconciler("plan", "main", "--detailed-exitcode")[0] == 0
    assert reconciler("import", "lost")[:2] == (1, "")


def test_import_of_several_is_a_document_for_each(world, reconciler, desired, fileless):
    (desired / "cache.yaml").write_text(f'targets: {{cache: {{redis: "{fileless}"}}}}\n')
    code, out, _ = reconciler("import", "main", "cache", "--jobs", "1")
    assert code == 0
    first, second = out.split("---\n")
    assert "target: main" in first
    assert "target: cache" in second
    (desired / "tasks.yaml").write_text(out)
    assert reconciler("validate")[0] == 0
