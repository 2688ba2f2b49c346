"""Drift for other programs: JUnit and metrics, and a file that is there whole or not at all."""

from __future__ import annotations

import stat
from xml.etree import ElementTree


def test_metrics_are_written_whole_and_may_be_read_by_their_collector(world, reconciler, tmp_path):
    path = tmp_path / "reconciler.prom"
    code, out, _ = reconciler("drift", "--format", "metrics", "--out", path)
    assert (code, "Drift: " in out, "# HELP" in out) == (2, True, False)
    text = path.read_text()
    assert 'reconciler_drift{target="main",kind="pg_index",verdict="differs"} 2\n' in text
    assert 'reconciler_drift{target="main",kind="pg_setting",verdict="differs"} 1\n' in text
    assert 'reconciler_drift_unreachable{target="main"} 0\n' in text
    assert "reconciler_drift_duration_seconds 0\n" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["reconciler.prom"]
    assert reconciler("apply", "--yes")[0] == 0
    before = path.stat().st_ino
    assert reconciler("drift", "--format", "metrics", "--out", path)[0] == 0
    assert 'reconciler_drift{target="main",kind="pg_index",verdict="differs"} 0\n' in path.read_text()
    assert path.stat().st_ino != before, "it was renamed"


def test_a_run_that_fails_leaves_the_metrics_of_the_last_one(world, desired, reconciler, tmp_path):
    path = tmp_path / "reconciler.prom"
    reconciler("drift", "--format", "metrics", "--out", path)
    before = path.read_text()
    (desired / "tasks.yaml").write_text("target: nobody\n")
    assert reconciler("drift", "--format", "metrics", "--out", path)[0] == 1
    assert path.read_text() == before
    code, _, err = reconciler("drift", "--out", tmp_path / "nowhere" / "x")
    assert (code, "cannot be written" in err) == (1, True)


def test_of_a_target_that_cannot_be_read_no_number_is_told_but_that(world, desired, reconciler):
    with (desired / "targets.yaml").open("a") as targets:
        targets.write("  gone: {postgres: 'host=127.0.0.1 port=1'}\n")
    code, out, _ = reconciler("drift", "--format", "metrics")
    assert code == 1
    assert 'reconciler_drift_unreachable{target="gone"} 1\n' in out
    assert 'reconciler_drift{target="gone"' not in out
    code, out, _ = reconciler("drift", "--format", "junit")
    assert code == 1
    assert ElementTree.fromstring(out).get("errors") == "1"  # noqa: S314 - ours


def test_junit_has_a_case_for_what_differs_and_one_that_passes_where_nothing_does(world, desired, reconciler):
    (desired / "ignored.yaml").write_text(
        "ignore:\n- {address: main/pg_setting/work_mem, reason: the autotuner, until: 2999-12-31}\n"
    )
    code, out, _ = reconciler("drift", "--format", "junit")
    root = ElementTree.fromstring(out)  # noqa: S314 - ours
    assert (code, root.get("failures"), root.get("skipped")) == (2, "2", "1")
    assert {case.get("name") for case in root.iter("testcase")} == {
        "public.tasks_status_idx", "public.tasks_title_idx", "work_mem",
    }  # fmt: skip
    assert reconciler("apply", "--yes")[0] == 0
    code, out, _ = reconciler("drift", "--format", "junit")
    root = ElementTree.fromstring(out)  # noqa: S314 - ours
    assert (code, root.get("tests"), root.get("failures")) == (0, "2", "0")
