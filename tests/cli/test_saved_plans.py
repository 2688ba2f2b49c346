"""A saved plan is the one that was reviewed, of this week, and still what the YAML declares.

On the code before none of this was asked: any plan was applied, of any age, whatever the YAML said by then, and `--out`
made files for everybody to read.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.cli import shared
from reconciler.documents import plan as plan_file

STATUS, TITLE = "main/pg_index/public.tasks_status_idx", "main/pg_index/public.tasks_title_idx"
NAMES = "select indexname from pg_indexes where tablename = 'tasks' order by 1"


@pytest.fixture
def saved(world, reconciler, tmp_path) -> Path:
    path = tmp_path / "plan.json"
    assert reconciler("plan", "--out", path)[0] == 0
    return path


def rewritten(desired: Path, before: str, after: str) -> None:
    path = desired / "tasks.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def names(world) -> list[str]:
    return [name for (name,) in world.execute(NAMES)]


def results(receipt: Path) -> dict[str, str]:
    return {change["address"]: change["result"] for change in json.loads(receipt.read_text())["changes"]}


def test_the_digest_is_printed_and_apply_takes_no_other_plan(world, reconciler, saved):
    digest = plan_file.read(saved).digest
    assert f"Digest {digest}" in reconciler("show", saved)[1]
    assert f"Digest `{digest}`" in reconciler("show", saved, "--format", "markdown")[1]
    other = "0" * 64
    code, _, err = reconciler("apply", saved, "--digest", other)
    assert code == 1
    assert digest in err
    assert other in err
    assert names(world) == ["tasks_pkey"]
    assert reconciler("apply", saved, "--digest", digest.upper())[0] == 0


@pytest.mark.parametrize("wrong", ["", "abc", "0" * 63, "g" * 64, "sha256:" + "0" * 64, "0" * 64 + "\n0"])
def test_a_digest_is_whole_or_none(world, reconciler, saved, wrong):
    code, _, err = reconciler("apply", saved, "--digest", wrong)
    assert code == 1
    assert "64 hexadecimal digits" in err
    assert names(world) == ["tasks_pkey"]


def test_a_digest_without_a_saved_plan_is_an_error(world, reconciler):
    code, _, err = reconciler("apply", "--yes", "--digest", "0" * 64)
    assert code == 1
    assert "saved plan" in err
    assert names(world) == ["tasks_pkey"]


AGES = [
    (timedelta(days=6, hours=23), [], True, ""),
    (timedelta(days=7, minutes=1), [], False, "7d ago: older than 7d"),
    (timedelta(days=8), ["--max-age", "9d"], True, ""),
    (timedelta(seconds=30), ["--max-age", "10s"], False, "30s ago: older than 10s"),
    (timedelta(hours=2), ["--max-age", "90min"], False, "2h ago: older than 90min"),
    (timedelta(days=2500), ["--max-age", "999999999d"], True, ""),
    (timedelta(minutes=-4), [], True, ""),
    (timedelta(minutes=-6), [], False, "yet to come"),
    (timedelta(days=-3), ["--max-age", "365d"], False, "yet to come"),
]


@pytest.mark.parametrize(("age", "options", "taken", "said"), AGES, ids=[f"{case[0]} {case[1]}" for case in AGES])
def test_a_plan_is_applied_within_its_time(world, reconciler, saved, monkeypatch, age, options, taken, said):
    then = plan_file.read(saved).created_at + age
    monkeypatch.setattr(shared, "now", lambda: then)
    code, _, err = reconciler("apply", saved, *options)
    assert (code == 0) is taken, err
    assert said in err
    assert (len(names(world)) == 3) is taken


def test_somebody_at_a_terminal_has_a_month(world, reconciler, saved, monkeypatch):
    monkeypatch.setattr("reconciler.cli.apply.is_terminal", lambda stream: True)
    made = plan_file.read(saved).created_at
    monkeypatch.setattr(shared, "now", lambda: made + timedelta(days=30, minutes=1))
    code, _, err = reconciler("apply", saved)
    assert code == 1
    assert "older than 30d" in err
    monkeypatch.setattr(shared, "now", lambda: made + timedelta(days=30, minutes=-1))
    assert reconciler("apply", saved)[0] == 0


def test_nobody_is_asked_about_a_saved_plan_so_that_yes_is_refused(world, reconciler, saved):
    """It was taken without a word."""
    code, _, err = reconciler("apply", saved, "--yes")
    assert (code, names(world)) == (1, ["tasks_pkey"])
    assert "leave --yes away" in err


def test_the_command_that_is_told_after_a_plan_is_the_one_that_works(world, reconciler, desired, tmp_path):
    """It had none of the options, and was told of a plan with no change in it, too."""
    plan = tmp_path / "a plan.json"
    rewritten(desired, "work_mem: 7MB", "work_mem: 7MB\n  autovacuum: off")
    told = reconciler("plan", "--out", plan)[2]
    assert f"reconciler --desired {desired} apply '{plan}' --allow less-safe" in told
    assert reconciler(*shlex.split(told.partition("reconciler ")[2])[2:])[0] == 0
    told = reconciler("plan", "--out", plan)[2]
    assert told == f"Saved as {plan}.\n"


@pytest.mark.parametrize("wrong", ["7", "7 weeks", "-1d", "1.5d", "", "d"])
def test_an_age_is_spelled_like_durations_of_settings(world, reconciler, saved, wrong):
    code, _, err = reconciler("apply", saved, "--max-age", wrong)
    assert code == 1
    assert "7d, 12h or 90min" in err


def test_a_plan_whose_time_was_altered_is_refused(world, reconciler, saved):
    saved.write_text(saved.read_text().replace('"created_at": "20', '"created_at": "19'))
    code, _, err = reconciler("apply", saved)
    assert code == 1
    assert "was altered" in err


DECLARED = "tasks_title_idx: {columns: [lower(title)], where: \"status in ('a', 'b')\"}"
SUPERSEDED = [
    (DECLARED, "", "it is no longer declared"),
    ("columns: [lower(title)]", "columns: [upper(title)]", "lower(title) in the plan and is upper(title) now"),
    (DECLARED, "tasks_title_idx: absent", "it is declared otherwise by now"),
]


@pytest.mark.parametrize(("before", "after", "said"), SUPERSEDED, ids=["gone", "changed", "absent"])
def test_what_is_no_longer_declared_is_refused_and_the_others_are_made(
    world, reconciler, desired, saved, tmp_path, before, after, said
):
    rewritten(desired, before, after)
    receipt = tmp_path / "receipt.json"
    code, out, _ = reconciler("apply", saved, "--receipt", receipt)
    assert code == 1
    assert said in " ".join(out.split())
    assert f"--allow-superseded {TITLE}" in out
    assert "1 superseded" in out
    assert results(receipt) == {
        "main/pg_setting/work_mem": "applied", STATUS: "applied", TITLE: "superseded",
    }  # fmt: skip
    assert names(world) == ["tasks_pkey", "tasks_status_idx"]
    code, out, _ = reconciler("apply", saved, "--allow-superseded", TITLE)
    assert code == 0
    assert names(world) == ["tasks_pkey", "tasks_status_idx", "tasks_title_idx"]


def test_what_else_was_merged_meanwhile_is_none_of_its_business(world, reconciler, desired, saved):
    """Another index and another setting, another reason, another place in the file."""
    rewritten(desired, "why: the queue", "why: something else")
    rewritten(desired, "    indexes:\n", "    indexes:\n\n      another: {columns: [id, title]}\n")
    rewritten(desired, "settings:\n", "settings:\n  hash_mem_multiplier: 3\n")
    assert reconciler("apply", saved)[0] == 0


def test_only_what_is_in_the_plan_is_allowed_by_name(world, reconciler, saved):
    code, _, err = reconciler("apply", saved, "--allow-superseded", "main/pg_index/public.other")
    assert code == 1
    assert "no change of main/pg_index/public.other" in err
    code, _, err = reconciler("apply", saved, "--allow-superseded", "other")
    assert code == 1
    assert "target/kind/name" in err


def test_what_leans_on_something_superseded_is_not_made(world, reconciler, desired, tmp_path):
    """The new index was to be there before the old one goes."""
    world.execute("create index old on tasks (status)")
    rewritten(desired, "    indexes:\n", "    indexes:\n      old: absent\n")
    saved = tmp_path / "plan.json"
    assert reconciler("plan", "--out", saved)[0] == 0
    rewritten(desired, "columns: [status, priority desc]", "columns: [status, priority]")
    code, out, _ = reconciler("apply", saved, "--allow", "index-drop")
    assert code == 1
    assert "1 superseded, 1 not run" in out
    assert "old" in names(world)


def test_a_drop_by_rule_is_held_against_the_rule(world, reconciler, desired, tmp_path):
    world.execute("create index one on tasks (status)")
    world.execute("create index two on tasks (priority)")
    rewritten(desired, "    indexes:\n", "    unlisted_indexes: drop\n    indexes:\n")
    saved, receipt = tmp_path / "plan.json", tmp_path / "receipt.json"
    assert reconciler("plan", "--out", saved)[0] == 0
    rewritten(desired, "    indexes:\n", "    indexes:\n      two: {columns: [priority]}\n")
    assert reconciler("apply", saved, "--allow", "index-drop", "--receipt", receipt)[0] == 1
    assert results(receipt)["main/pg_index/public.one"] == "applied"
    assert results(receipt)["main/pg_index/public.two"] == "superseded"
    world.execute("create index one on tasks (status)")
    rewritten(desired, "unlisted_indexes: drop", "unlisted_indexes: report")
    assert reconciler("apply", saved, "--allow", "index-drop", "--receipt", receipt)[0] == 1
    assert results(receipt)["main/pg_index/public.one"] == "superseded"
    assert {"one", "two"} <= set(names(world))


def test_a_hazard_of_what_is_superseded_need_not_be_allowed(world, reconciler, desired, tmp_path):
    world.execute("create index old on tasks (status)")
    rewritten(desired, "    indexes:\n", "    indexes:\n      old: absent\n")
    saved = tmp_path / "plan.json"
    assert reconciler("plan", "--out", saved)[0] == 0
    rewritten(desired, "      old: absent\n", "")
    code, out, _ = reconciler("apply", saved)
    assert code == 1
    assert "1 superseded" in out
    assert len(names(world)) == 4


def test_a_folder_of_targets_alone_has_nothing_to_be_held_against(world, reconciler, desired, saved):
    (desired / "tasks.yaml").unlink()
    code, _, err = reconciler("apply", saved)
    assert code == 0
    assert "declares nothing but targets" in err


def test_yaml_that_cannot_be_read_is_an_error_and_nothing_runs(world, reconciler, desired, saved):
    (desired / "more.yaml").write_text("target: main\nsettings: {work_mem: [")
    code, _, err = reconciler("apply", saved)
    assert code == 1
    assert "more.yaml" in err
    assert names(world) == ["tasks_pkey"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_is_its_owners_alone(world, reconciler, tmp_path, umask):
    before = os.umask(umask)
    try:
        assert reconciler("plan", "--out", tmp_path / "plan.json")[0] == 0
        assert reconciler("apply", tmp_path / "plan.json", "--receipt", tmp_path / "receipt.json")[0] == 0
    finally:
        os.umask(before)
    assert mode(tmp_path / "plan.json") == mode(tmp_path / "receipt.json") == 0o600


@pytest.mark.parametrize("kept", [0o640, 0o664, 0o600, 0o444])
def test_a_file_that_exists_keeps_its_mode_and_its_owner(world, reconciler, tmp_path, kept):
    path = tmp_path / "plan.json"
    path.write_text("before")
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    path.chmod(kept)
    assert reconciler("plan", "--out", path)[0] == 0
    assert mode(path) == kept
    assert os.geteuid() != 0 or (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_a_link_stays_and_what_it_leads_to_is_written(world, reconciler, tmp_path):
    (tmp_path / "link.json").symlink_to("real.json")
    for _ in range(2):  # it leads to nothing yet, then to a file
        assert reconciler("plan", "--out", tmp_path / "link.json")[0] == 0
        assert (tmp_path / "link.json").is_symlink()
        assert plan_file.read(tmp_path / "real.json").changes
    assert mode(tmp_path / "real.json") == 0o600


def test_a_pipe_gets_the_plan_and_one_that_nobody_reads_is_an_error(world, reconciler, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code, _, err = reconciler("plan", "--out", pipe)
    assert code == 1
    assert "nobody reads" in err
    # Open for both, it waits for nobody.
    descriptor = os.open(pipe, os.O_RDWR)
    found: list[bytes] = []

    def read() -> None:
        while b'"targets"' not in b"".join(found[-2:]):
            found.append(os.read(descriptor, 65536))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert reconciler("plan", "--out", pipe)[0] == 0
    reader.join(60)
    os.close(descriptor)
    assert b'"format_version"' in b"".join(found)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_is_open_is_written_to_and_not_replaced(world, reconciler, tmp_path):
    with (tmp_path / "all.txt").open("w") as file:
        place = Path(f"/proc/self/fd/{file.fileno()}")
        assert reconciler("plan", "--out", place)[0] == 0
        file.write("")
    assert plan_file.read(tmp_path / "all.txt").changes
    assert reconciler("plan", "--out", "/dev/null")[0] == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
