"""`reconciler init`: a folder that declares what is there, whole or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from applying.acting import Command
from waiting import PATIENCE, reload, until

from reconciler.cli import pipeline_files
from reconciler.cli.app import run

SECRET = "hunter2-planted"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where nothing is yet, and nothing else beside it."""
    (tmp_path / "repository").mkdir()
    return tmp_path / "repository" / "tuning"


@pytest.fixture
def reconciler(place, capsys):
    def call(*arguments: str | Path, desired: Path = place) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["--desired", str(desired), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def files(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def left(place: Path) -> list[str]:
    return [path.name for path in place.parent.iterdir()]


def test_both_servers_are_declared_and_a_plan_is_empty(
    database, sql, redis_server, redis_client, reconciler, place, monkeypatch
):
    sql.execute("create table tasks (id int primary key, status text)")
    sql.execute("create index tasks_status_idx on tasks (status)")
    sql.execute("alter system set work_mem = '64MB'")
    reload(sql)
    redis_client.config_set("maxmemory", "64mb")
    redis_client.execute_command("ACL", "SETUSER", "app", "on", f">{SECRET}", "~app:*", "+@all", "-@dangerous")
    redis_client.config_rewrite()
    redis_client.config_set("requirepass", SECRET)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("CACHE", redis_server.url("default", SECRET))
    try:
        code, out, err = reconciler("init", "--postgres", "${DATABASE_URL}", "--redis", "${CACHE}")
        assert (code, "No changes." in out) == (0, True)
        assert err == (
            f"Made {place}, which declares what is there. Edit it, and see the change: "
            f"reconciler --desired {place} plan\n"
        )
        assert left(place) == ["tuning"]
        assert files(place) == [
            "cache/settings.yaml", "cache/users.yaml", "main/settings.yaml", "main/tables.yaml", "targets.yaml"
        ]  # fmt: skip
        assert (
            (place / "targets.yaml")
            .read_text()
            .endswith('targets: {main: {postgres: "${DATABASE_URL}"}, cache: {redis: "${CACHE}"}}\n')
        )
        assert "tasks_status_idx: {columns: [status]" in (place / "main/tables.yaml").read_text()
        assert "  work_mem: 64MB  # postgresql.auto.conf\n" in (place / "main/settings.yaml").read_text()
        assert "  maxmemory: 64mb" in (place / "cache/settings.yaml").read_text()
        everything = "".join((place / name).read_text() for name in files(place))
        assert SECRET not in everything + out + err
        assert ".part" not in out + err
        assert reconciler("plan", "--detailed-exitcode")[0] == 0
        before = everything
        code, out, err = reconciler("init", "--postgres", "${DATABASE_URL}")
        assert (code, out) == (1, "")
        assert err.startswith(f"error: {place} is not empty: it holds cache\n  nothing was written")
        assert "".join((place / name).read_text() for name in files(place)) == before
    finally:
        sql.execute("alter system reset all")
        reload(sql)


def test_without_options_the_usual_variables_are_taken_as_far_as_they_are_set(database, reconciler, place, monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL", database)
    place.mkdir()
    code, out, _ = reconciler("init")
    assert (code, "No changes." in out) == (0, True)
    assert files(place) == ["main/settings.yaml", "main/tables.yaml", "targets.yaml"]
    assert reconciler("drift")[0] == 0


def test_what_init_needs_is_said(reconciler, place, monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    code, _, err = reconciler("init")
    assert (code, left(place)) == (1, [])
    assert "neither --postgres nor --redis is given, nor is DATABASE_URL or REDIS_URL set" in err


@pytest.mark.parametrize("verb", ["init", "import"])
@pytest.mark.parametrize("option", ["", "--postgres", "--redis"])
def test_a_url_with_a_password_is_refused_and_not_repeated(verb, option, reconciler, place):
    url = f"postgresql://app:{SECRET}@db.example/app"
    code, out, err = reconciler(*filter(None, [verb, option, url]))
    assert (code, out, left(place)) == (1, "", [])
    assert option in err
    assert SECRET not in err
    assert "example" not in err


@pytest.mark.parametrize("verb", ["init", "import"])
def test_a_variable_that_the_shell_has_made_nothing_of_is_told_of(verb, reconciler, place):
    code, _, err = reconciler(verb, "--postgres", "")
    assert (code, left(place)) == (1, [])
    assert err.startswith("error: the URL of --postgres is empty: is a variable not set?\n")


def test_what_is_wrong_with_a_url_is_said_without_a_file_that_nobody_gets_to_see(reconciler, place, monkeypatch):
    monkeypatch.delenv("NOPE", raising=False)
    code, _, err = reconciler("init", "--postgres", "${NOPE}")
    assert code == 1
    assert err.startswith("error: the environment variable NOPE is not set\n  export NOPE=…")
    monkeypatch.setenv("NOPE", "mysql://db.example/app")
    assert reconciler("init", "--postgres", "${NOPE}")[2].startswith("error: a postgres URL begins with postgresql://")
    assert left(place) == []


def test_a_server_that_does_not_answer_leaves_no_folder(database, reconciler, place, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database)
    code, out, err = reconciler("init", "--postgres", "${DATABASE_URL}", "--redis", "redis://127.0.0.1:1")
    assert (code, out, left(place)) == (1, "", [])
    assert err.startswith("error: cache: ")


def test_what_is_no_folder_is_left_alone(reconciler, place):
    place.write_text("mine")
    code, _, err = reconciler("init", "--redis", "redis://127.0.0.1:1")
    assert (code, place.read_text()) == (1, "mine")
    assert "is there, and is not a folder" in err


def test_a_link_to_an_empty_folder_is_followed(database, reconciler, place, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database)
    (place.parent / "elsewhere").mkdir()
    place.symlink_to("elsewhere")
    assert reconciler("init")[0] == 0
    assert place.is_symlink()
    assert "targets.yaml" in files(place.parent / "elsewhere")


def test_a_hidden_file_counts_and_the_folder_one_is_in_is_not_taken_away(reconciler, place, monkeypatch):
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    assert "the folder that one is in" in reconciler("init")[2]
    (place / ".gitkeep").touch()
    assert "it holds .gitkeep" in reconciler("init")[2]


def test_a_missing_parent_is_said(reconciler, place):
    code, _, err = reconciler("--desired", place / "far" / "away", "init", "--redis", "redis://127.0.0.1:1")
    assert (code, f"the folder {place}/far does not exist" in err) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_stops_it_finds_nothing(number, place):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        process = Command(place, {"REDIS_URL": url}).start("init")
        until(lambda: left(place), "it has begun")
        assert not place.exists()
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, left(place)) == (1, [])
    assert "interrupted" in out + err


def test_a_full_disk_leaves_nothing(database, sql, place):
    """As far as a limit of a file's size is one."""
    sql.execute("create table tasks (id int primary key)")
    command = f"ulimit -f 0; exec {sys.executable} -m reconciler --desired {place} init"
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "DATABASE_URL": database}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, left(place)) == (1, "", [])
    assert done.stderr.startswith("error: ")
    assert "File too large" in done.stderr


def test_by_urls_import_prints_the_declaration_of_the_target_as_well(
    database, sql, redis_server, reconciler, place, monkeypatch
):
    sql.execute("create table tasks (id int primary key, status text)")
    sql.execute("create index tasks_status_idx on tasks (status)")
    monkeypatch.setenv("DATABASE_URL", database)
    code, out, err = reconciler("import", "--postgres", "${DATABASE_URL}", "--redis", redis_server.url())
    assert (code, err) == (0, "")
    assert out.startswith('targets: {main: {postgres: "${DATABASE_URL}"}}\n---\n# What main has')
    assert database not in out
    place.mkdir()
    (place / "both.yaml").write_text(out)
    assert reconciler("plan", "--detailed-exitcode")[0] == 0
    code, _, err = reconciler("import", "main", "--postgres", "${DATABASE_URL}")
    assert (code, "either names of declared targets, or URLs" in err) == (1, True)


@pytest.mark.parametrize(("forge", "file"), [*pipeline_files.PLACES.items()])
def test_the_file_of_a_pipeline_names_the_variables_of_the_folder(
    forge, file, database, redis_server, reconciler, place, monkeypatch
):
    monkeypatch.setenv("PROD_URL", database)
    monkeypatch.setenv("CACHE_URL", redis_server.url())
    desired = place.with_name("desired")
    given = ("--postgres", "${PROD_URL}", "--redis", "${CACHE_URL}", "--pipeline", forge)
    code, _, err = reconciler("init", *given)
    assert (code, left(place)) == (1, [])
    assert "a pipeline plans the folder desired/ at the root of its repository, and this is" in err
    code, _, err = reconciler("init", *given, desired=desired)
    assert code == 0, err
    written = desired.parent / file
    assert f"Wrote {written}. What to fill in, and to set once: the README, With pull requests." in err
    text = written.read_text()
    if forge == "github":
        both = "".join(f"          {name}: ${{{{ secrets.{name} }}}}\n" for name in ("PROD_URL", "CACHE_URL"))
        assert text.count(both) == 3
    assert "secrets.DATABASE_URL" not in text
    assert database not in text
    written.write_text("mine")
    shutil.rmtree(desired)
    code, _, err = reconciler("init", *given, desired=desired)
    assert (code, written.read_text(), desired.exists()) == (1, "mine", False)
    assert f"{written} is there already" in err
