"""docs/decisions.md: every decision has a day and is led to from where it lives, and what leads there arrives."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from docs.pages import ROOT, anchor, anchors

PAGE = ROOT / "docs/decisions.md"
DECISIONS = re.findall(r"^### (.+)\n\n(.*)$", PAGE.read_text(encoding="utf-8"), re.M)
"""Heading and first line of each."""

SOURCES = [
    path
    for folder in ("reconciler", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != Path(__file__)
]
_LINK = re.compile(r"\b(?P<page>docs/[\w-]+\.md|[A-Z]+\.md)(?:#(?P<anchor>[\w-]+))?")


def lost(text: str) -> list[str]:
    """The links to pages in a text of Python that lead to no page, or to no heading of it."""
    return [
        link[0]
        for link in _LINK.finditer(text)
        if not (ROOT / link["page"]).is_file() or (link["anchor"] or "") not in ["", *anchors(ROOT / link["page"])]
    ]


@pytest.mark.parametrize("link", ["docs/decisions.md#layer", "docs/decision.md#layers", "docs/decision.md"])
def test_a_link_that_leads_nowhere_is_seen(link):
    assert lost(f"Decided: {link}, docs/decisions.md#layers") == [link]


def test_links_in_python_lead_to_headings():
    found = {path: lost(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {str(path): links for path, links in found.items() if links} == {}


def test_every_decision_is_linked_from_where_it_lives():
    texts = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    led_to = set(re.findall(r"docs/decisions\.md#([\w-]+)", texts))
    assert [heading for heading, _ in DECISIONS if anchor(heading) not in led_to] == []
    assert len(DECISIONS) > 100


def test_no_two_headings_share_an_anchor():
    assert len(anchors(PAGE)) == len(set(anchors(PAGE)))


@pytest.mark.parametrize(("heading", "line"), DECISIONS, ids=[heading for heading, _ in DECISIONS])
def test_every_decision_has_its_day(heading, line):
    assert re.match(r"\*\d{4}-\d\d-\d\d\.\* \S", line), f"write the day before the first sentence of {heading!r}"
    date.fromisoformat(line[1:11])


def test_the_newest_of_an_area_is_its_last():
    for area in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        days = re.findall(r"^### .+\n\n\*([\d-]+)\.", area, re.M)
        assert days, area
        assert all(before <= after for before, after in pairwise(days)), area.partition("\n")[0]
