"""The dashboard and the alerts of docs/monitoring ask for what a run of drift really tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml
from docs.pages import ROOT
from views.sample import CAUSED, IGNORING, PARTIAL, PLAN

from reconciler.model import Idleness, Verdict
from reconciler.views import render_drift

FOLDER = ROOT / "docs" / "monitoring"
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9]+(?:\.[0-9]+)?)')
METRIC = re.compile(r"\b(reconciler_[a-z_]+)\b(?:\{([^}]*)\})?")


def told() -> dict[str, set[str]]:
    """By the name of each metric that drift writes, its labels; each line held to the format."""
    found: dict[str, set[str]] = {}
    for plan in (PLAN, PARTIAL, IGNORING, CAUSED):
        seen = set()
        for line in render_drift(plan, "metrics", seconds=1.5).splitlines():
            if line.startswith("# "):
                assert re.fullmatch(r"# (HELP [a-z_]+ [^\\\n]+|TYPE [a-z_]+ gauge)", line)
                continue
            name, labels, _ = SAMPLE.fullmatch(line).groups()
            assert (name, labels) not in seen, "told twice"
            seen.add((name, labels))
            found.setdefault(name, set()).update(re.findall(r'([a-z_]+)="', labels or ""))
    return found


def expressions() -> Iterator[tuple[str, str]]:
    dashboard = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable["query"]
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]


ASKED = dict(expressions())


@pytest.mark.parametrize("place", ASKED)
def test_what_is_asked_for_is_told(place):
    metrics, expr = told(), ASKED[place]
    asked = METRIC.findall(expr)
    assert asked
    for name, matchers in asked:
        assert name in metrics
        assert {*re.findall(r"([a-z_]+)(?:=~|!=|!~|=)", matchers)} <= metrics[name]
        grouped = {label.strip() for by in re.findall(r"by \(([^)]*)\)", expr) for label in by.split(",")}
        assert grouped <= metrics[name]
        for verdicts in re.findall(r'verdict=~?"([^"]*)"', matchers):
            assert {*verdicts.split("|")} <= {each.value for each in Verdict}


def test_every_metric_is_shown_and_documented():
    names = set(told())
    shown = {name for expr in ASKED.values() for name, _ in METRIC.findall(expr)}
    assert names == shown
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}" not in page] == []
    assert {each.value for each in Idleness} == {"expired", "matches-nothing"}


def test_panels_have_ids_and_places_of_their_own():
    panels = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_alerts_wait_for_several_runs():
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert {rule["alert"]: rule.get("for") for rule in rules}["DriftStays"] == "150m"
