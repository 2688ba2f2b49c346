"""The road as its users walk it: exit codes, streams and files of each verb."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from reconciler.cli.app import run
from reconciler.documents import plan as plan_file

BY_NAME = "select count(*) from pg_index where indrelid = 'tasks'::regclass and indisvalid"


def test_the_whole_road(world, reconciler, tmp_path):
    saved = tmp_path / "plan.json"
    receipt = tmp_path / "receipt.json"

    assert reconciler("validate")[:2] == (0, "Valid: targets main; 1 check, 2 pg_index, 1 pg_setting.\n")
    assert reconciler("drift")[0] == 2
    assert reconciler("check")[0] == 2

    code, out, _ = reconciler("plan", "--out", saved, "--detailed-exitcode")
    assert code == 2
    assert "create index concurrently tasks_status_idx on public.tasks (status, priority desc)" in out
    assert "alter system set work_mem = '7MB'" in out
    assert world.execute(BY_NAME).fetchone() == (1,)

    assert reconciler("show", saved)[:2] == (0, out)
    code, out, err = reconciler("apply", saved, "--receipt", receipt)
    assert (code, err) == (0, "")
    assert "Applied 3 of 3 changes" in out
    assert json.loads(receipt.read_text())["changes"][0]["result"] == "applied"
    assert world.execute(BY_NAME).fetchone() == (3,)
    shown = reconciler("show", receipt)
    assert (shown[0], shown[1].splitlines()[-1]) == (0, out.splitlines()[-1])
    assert reconciler("show", receipt, "--format", "json")[:2] == (0, receipt.read_text())
    assert "choose one of text, json" in reconciler("show", receipt, "--format", "sql")[2]

    code, out, _ = reconciler("plan", "--detailed-exitcode")
    assert code == 0
    assert "No changes." in out
    assert reconciler("drift")[0] == 0

    world.execute("drop index tasks_title_idx")
    code, out, _ = reconciler("drift")
    assert code == 2
    assert "main/pg_index/public.tasks_title_idx" in out
    assert "tasks_status_idx" not in out

    code, out, _ = reconciler("apply", saved)
    assert code == 0, "the plan says so, and its subject is as it was then"
    assert "Applied 1 of 3 changes" in out
    assert "2 skipped" in out
    code, out, _ = reconciler("apply", saved)
    assert "Applied 0 of 3 changes" in out
    assert "3 skipped" in out


@pytest.mark.parametrize("verb", ["plan", "drift", "check"])
def test_standard_output_is_json_alone(world, reconciler, verb):
    _, out, _ = reconciler(verb, "--format", "json")
    assert isinstance(json.loads(out), dict)


def test_only_the_targets_that_are_named_are_looked_at(world, reconciler, desired):
    (desired / "more.yaml").write_text('targets: {other: {postgres: "${OTHER_URL}"}}\n')
    assert reconciler("plan", "main")[0] == 0
    code, _, err = reconciler("plan")
    assert code == 1
    assert "OTHER_URL" in err
    code, _, err = reconciler("plan", "mian")
    assert code == 1
    assert "main" in err


def test_validate_needs_no_credentials(reconciler, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert reconciler("validate")[0] == 0


def test_nobody_to_ask_is_an_error_and_nothing_runs(world, reconciler):
    code, out, err = reconciler("apply")
    assert code == 1
    assert "create index concurrently" in out
    assert "pass --yes" in err
    assert world.execute(BY_NAME).fetchone() == (1,)
    assert reconciler("apply", "--yes")[0] == 0
    assert world.execute(BY_NAME).fetchone() == (3,)


def test_options_come_from_the_environment_too(world, reconciler, monkeypatch):
    monkeypatch.setenv("RECONCILER_PLAN_FORMAT", "json")
    assert json.loads(reconciler("plan")[1])["format_version"] == plan_file.FORMAT.version


@pytest.mark.parametrize(
    ("variable", "value", "verb"),
    [
        ("RECONCILER_PLAN_FORMAT", "bogus", "plan"),
        ("RECONCILER_LOG_FORMAT", "bogus", "plan"),
        ("RECONCILER_TARGETS", "", "validate"),
        ("RECONCILER_WITHOUT", "nonsense", "validate"),
        ("RECONCILER_FILES_BELOW", "/nosuch", "validate"),
    ],
)
def test_a_wrong_value_from_the_environment_is_told_with_its_variable(reconciler, monkeypatch, variable, value, verb):
    """Only the option was named, which nobody had written."""
    monkeypatch.setenv(variable, value)
    code, _, err = reconciler(verb)
    assert code == 1
    assert variable in err


def test_options_without_a_verb_are_told_the_verbs(capsys):
    """`Missing command.`, which is no word of ours."""
    assert run(["-v"]) == 1
    assert "error: a verb is missing: choose one of init, validate, explain, " in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told_with_both_ways_to_name_it(monkeypatch, capsys):
    monkeypatch.setenv("RECONCILER_DESIRED", "/nosuch")
    assert run(["validate"]) == 1
    assert "RECONCILER_DESIRED" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "told"), [("n\n", ""), ("\n", ""), ("perhaps\nno\n", "Answer y to apply it, or n.")])
def test_a_plan_that_somebody_does_not_agree_to_is_not_applied(world, reconciler, monkeypatch, typed, told):
    """It was told as an error: interrupted."""
    monkeypatch.setattr("reconciler.cli.asking.is_terminal", lambda stream: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    code, _, err = reconciler("apply")
    assert code == 1
    assert "Declined; nothing was changed." in err
    assert "error" not in err.lower()
    assert told in err
    assert world.execute(BY_NAME).fetchone() == (1,)


def test_what_differs_and_cannot_be_mended_is_not_called_in_sync(world, reconciler):
    world.execute("drop table tasks")
    reconciler("apply", "--yes")
    code, out, _ = reconciler("plan", "--detailed-exitcode")
    assert code == 1
    assert "the table public.tasks does not exist in this database" in out
    assert reconciler("drift")[0] == 2


USAGE = [
    (["plann"], "did you mean 'plan'?"),
    (["plan", "--fromat", "json"], "No such option"),
    (["plan", "--format", "xml"], "xml"),
    (["show", "nowhere.json"], "nowhere.json"),
    (["apply", "nowhere.json"], "nowhere.json"),
    (["apply", "--allow", "everything"], "everything"),
    (["apply", "--parallel", "0"], "0"),
    (["show"], "Missing argument"),
]


@pytest.mark.parametrize(("arguments", "said"), USAGE)
def test_usage_errors_exit_with_1_and_say_what_is_valid(reconciler, arguments, said):
    code, out, err = reconciler(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert said in err


def test_a_server_that_is_not_there_is_one_plain_error(reconciler, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:s3cretword@127.0.0.1:1/app")
    code, out, err = reconciler("plan")
    assert (code, out.splitlines()[-1].startswith("1 target could not be read, and nothing is known of it.")) == (
        1,
        True,
    )
    assert err.startswith("error: main: cannot connect")
    assert err.count("error:") == 1
    assert "check its URL, that the server is up" in err
    assert "Traceback" not in err
    assert "s3cretword" not in out + err
    assert "s3cretword" not in reconciler("--debug", "plan")[2]


def test_a_folder_that_is_not_there_says_what_to_do(capsys):
    from reconciler.cli.app import run

    assert run(["--desired", "nowhere", "plan"]) == 1
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that is there, and in which nobody makes a file")
def test_a_folder_that_takes_no_file_is_not_said_to_be_missing(world, reconciler):
    """Before: "the folder /proc does not exist"."""
    assert "the folder /proc takes no new file" in reconciler("plan", "--out", "/proc/plan.json")[2]


def test_a_plan_that_cannot_be_saved_is_an_error(world, reconciler, tmp_path):
    code, out, err = reconciler("plan", "--out", tmp_path / "missing" / "plan.json")
    assert (code, out) == (1, "")
    assert "plan.json cannot be written" in err
