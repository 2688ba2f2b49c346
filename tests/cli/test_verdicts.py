"""What differs, what waits for a restart, what is only half true, and what cannot be seen: told apart everywhere."""

from __future__ import annotations

import json

import pytest
import redis
from waiting import reload

SETTINGS = "target: main\nsettings:\n  max_connections: 90\n  work_mem: 4MB\n"


@pytest.fixture
def only_settings(desired):
    (desired / "tasks.yaml").write_text(SETTINGS)


@pytest.mark.usefixtures("only_settings")
def test_whoever_runs_drift_says_what_fails_it(world, desired, reconciler):
    assert reconciler("drift", "--fail-on", "blocked,half-way")[0] == 0
    assert reconciler("drift", "--fail-on", "differs")[0] == 2
    code, out, _ = reconciler("drift", "--fail-on", "none")
    assert (code, "max_connections" in out) == (0, True), "it is told all the same"
    for wrong, told in {
        "diffrs": "'diffrs' is no verdict",
        "none,waits": "'none'",
        "unreachable": "always ends",
    }.items():
        code, _, err = reconciler("drift", "--fail-on", wrong)
        assert (code, told in err) == (1, True), err
    with (desired / "targets.yaml").open("a") as targets:
        targets.write("  gone: {postgres: 'host=127.0.0.1 port=1'}\n")
    assert reconciler("drift", "--fail-on", "none")[0] == 1, "nobody knows what there is"


def kinds_of_notices(out: str) -> list[str]:
    return [notice["type"] for notice in json.loads(out)["notices"]]


@pytest.mark.usefixtures("only_settings")
def test_to_be_changed_then_changed_and_waiting(world, reconciler, tmp_path):
    code, out, _ = reconciler("drift")
    assert code == 2
    assert "declared 90; observed 100" in out
    assert "comes true by a restart" in out
    code, out, _ = reconciler("drift", "--format", "json")
    [change] = json.loads(out)["resource_changes"]
    assert (json.loads(out)["verdict"], change["difference"]) == ("differs", "differs")
    assert change["provenance"] == {
        "value": "100", "source": "configuration file", "place": change["provenance"]["place"], "coming": "",
        "masks": [], "masked_for": [], "comes_true": "restart", "brings": {},
    }  # fmt: skip
    assert change["provenance"]["place"].startswith("postgresql.conf:")

    assert reconciler("apply", "--yes")[0] == 0
    code, out, _ = reconciler("drift")
    assert code == 3
    assert "waits for a restart: 90 is in postgresql.auto.conf, 100 runs" in out
    code, out, _ = reconciler("drift", "--format", "json")
    assert (code, json.loads(out)["verdict"], kinds_of_notices(out)) == (3, "waits", ["waits-for-restart"])
    assert json.loads(out)["notices"][0]["provenance"]["coming"] == "90"
    assert reconciler("plan", "--detailed-exitcode")[0] == 0  # nothing is left to apply


@pytest.mark.usefixtures("only_settings")
def test_running_and_not_persisted_and_the_other_way_round(world, reconciler, desired):
    (desired / "tasks.yaml").write_text("target: main\nsettings: {work_mem: 4MB}\n")
    world.execute("alter system set work_mem = '8MB'")  # and no reload: 4 MB run, 8 MB are to come
    code, out, _ = reconciler("drift")
    assert code == 4
    assert "running, not persisted: postgresql.auto.conf holds another value" in out
    code, out, _ = reconciler("drift", "--format", "json")
    assert [change["difference"] for change in json.loads(out)["resource_changes"]] == ["not-persisted"]
    assert (code, json.loads(out)["verdict"]) == (4, "half-way")
    assert reconciler("plan", "--detailed-exitcode")[0] == 2  # an apply has something to do

    (desired / "tasks.yaml").write_text("target: main\nsettings: {work_mem: 8MB}\n")
    code, out, _ = reconciler("drift")
    assert code == 4
    assert "persisted, not running: postgresql.auto.conf has the wanted value" in out
    code, out, _ = reconciler("drift", "--format", "json")
    assert [change["difference"] for change in json.loads(out)["resource_changes"]] == ["not-running"]
    assert reconciler("apply", "--yes")[0] == 0
    code, out, _ = reconciler("drift", "--format", "json")
    assert (code, json.loads(out)["verdict"]) == (0, "in-sync")


def test_what_this_role_may_not_see(world, reconciler, desired, monkeypatch, database):
    world.execute("create role blind login")
    try:
        monkeypatch.setenv("DATABASE_URL", database.replace("postgres@", "blind@"))
        (desired / "tasks.yaml").write_text(
            "target: main\nsettings: {shared_preload_libraries: [pg_stat_statements]}\n"
        )
        code, out, _ = reconciler("drift")
        assert code == 5
        assert "not visible to role blind" in out
        code, out, _ = reconciler("drift", "--format", "json")
        assert (code, json.loads(out)["verdict"], kinds_of_notices(out)) == (5, "not-visible", ["not-visible"])
        assert reconciler("plan", "--detailed-exitcode")[0] == 1
    finally:
        world.execute("drop role blind")


def test_a_redis_without_a_file_runs_what_is_persisted_nowhere(fileless, desired, reconciler):
    for name in ("targets.yaml", "tasks.yaml"):
        (desired / name).unlink()
    (desired / "cache.yaml").write_text(
        f'targets: {{cache: {{redis: "{fileless}"}}}}\n---\ntarget: cache\nsettings: {{maxmemory: 50mb}}\n'
    )
    with redis.Redis.from_url(fileless) as client:
        client.config_set("maxmemory", "50mb")
    code, out, _ = reconciler("drift")
    assert code == 4
    assert "not persisted" in out
    code, out, _ = reconciler("drift", "--format", "json")
    assert kinds_of_notices(out) == ["not-persisted"]


def test_where_several_hold_the_most_urgent_decides(world, reconciler, desired):
    (desired / "tasks.yaml").write_text(
        "target: main\nsettings: {work_mem: 4MB, max_connections: 90, temp_buffers: 9MB}\n"
    )
    world.execute("alter system set max_connections = 90")
    reload(world)
    world.execute("alter system set work_mem = '8MB'")
    assert reconciler("drift")[0] == 2
    (desired / "tasks.yaml").write_text("target: main\nsettings: {work_mem: 4MB, max_connections: 90}\n")
    assert reconciler("drift")[0] == 4
    world.execute("alter system reset work_mem")
    assert reconciler("drift")[0] == 3
