"""The section on waves of docs/fleets.md: its rollout is loaded, its commands run, and they say what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

from docs.pages import marked

from reconciler.fleet import folder

DECLARED = """\
targets:
  fleet:
    each: {file: fleet.csv}
    postgres: "${url}"
    labels: {tier: "${tier}"}
---
target: {where: "system = postgres"}
tables:
  public.tasks:
    indexes:
      tasks_status_idx: {columns: [status, priority desc]}
---
target: {where: "tier = trial"}
checklist:
  - {id: tasks-small, title: The queue is short, check: {sql: "select count(*) from public.tasks", at_most: 500}}
---
"""

VARYING = re.compile(r"[0-9a-f]{64}|[0-9a-f]{4}…|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def test_the_page_shows_what_is_said(databases, reconciler, tmp_path, monkeypatch):
    """But for how long the wave bakes."""
    tiers = {"globex": "trial"}
    rows = "".join(f"{name},{url},{tiers.get(name, 'gold')}\n" for name, url in databases.urls.items())
    (databases.desired / "fleet.csv").write_text(f"name,url,tier\n{rows}")
    monkeypatch.chdir(tmp_path)

    def declare(bake: str) -> None:
        text = DECLARED + marked("waves").replace("bake: 30m", f"bake: {bake}")
        (databases.desired / "fleet.yaml").write_text(text)

    declare("30m")
    told = ""
    for line in marked("waves shown").splitlines():
        code, told, err = reconciler(*line.split()[1:])
        assert code == 0, err
    assert VARYING.sub("…", told) == VARYING.sub("…", marked("waves shown says"))
    declare("1s")
    assert reconciler("plan", "--out-dir", "plans")[0] == 0
    databases.sql("umbrella", "drop table tasks")
    [line] = marked("waves applied").splitlines()
    [group] = folder.read(Path("plans")).groups
    Path("approved.txt").write_text(group.digest)
    code, told, err = reconciler(*line.split()[1:])
    assert code == 1
    said = err + "\n" + told
    assert VARYING.sub("…", said) == VARYING.sub("…", marked("waves applied says"))
    databases.sql("umbrella", "create table tasks (id bigint primary key, status text, priority int, title text)")
    code, told, err = reconciler(*line.split()[1:], "--resume")
    assert code == 0, told + err
    assert reconciler("plan", "--detailed-exitcode")[0] == 0
