"""The page for a browser: what it may do, that it is usable by everybody, and that its words are those of the reports.

Decided: docs/decisions.md#html
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from views.arbitrary import plans, receipts
from views.pages import Element, parsed
from views.sample import CHANGES, FLEET, IN_SYNC, NOW, PARTIAL, PLAN, RECEIPT, ROLLOUT, RUN_IN_WAVES, index
from views.test_reports import DONE, EVERYTHING, WORD, told

from reconciler import views
from reconciler.fleet import split
from reconciler.model import Action, Plan, Receipt, SqlStep
from reconciler.planning.groups import groups_of
from reconciler.planning.make import Planned
from reconciler.reports.characters import visible
from reconciler.reports.checks import checks_report
from reconciler.reports.drift import drift_report
from reconciler.reports.fleet import fleet_report
from reconciler.reports.plan import plan_report
from reconciler.reports.receipt import receipt_report
from reconciler.reports.run import run_report
from reconciler.views.html.page import TEMPLATES, own

SOURCES = "https://git.example/x"


def pages(plan: Plan, receipt: Receipt) -> dict[str, str]:
    return {
        "plan": views.render(plan, "html", source_url=SOURCES),
        "drift": views.render_drift(plan, "html", source_url=SOURCES),
        "checks": views.render_checks(plan, "html", source_url=SOURCES),
        "receipt": views.render_receipt(receipt, "html", plan=plan, source_url=SOURCES),
    }


EXAMPLES = {group.digest: group.changes[0] for group in groups_of(EVERYTHING.changes)}
PLANS = split.index(EVERYTHING, split.plans_of(Planned(EVERYTHING, {})), "0" * 64, rollout=ROLLOUT)
PAGES = pages(EVERYTHING, DONE) | {
    "fleet": views.render_fleet(PLANS, "html", examples=EXAMPLES, source_url=SOURCES),
    "run": views.render_run(RUN_IN_WAVES, "html", source_url=SOURCES),
}
FROM_PLANS = ("plan", "drift", "checks")
OF_MANY = ("fleet", "run")
"""Groups and targets, of which there is nothing to choose by, and which stand in no line of a file."""
REPORTS = {
    "plan": plan_report(EVERYTHING),
    "drift": drift_report(EVERYTHING),
    "checks": checks_report(EVERYTHING),
    "receipt": receipt_report(DONE, {change.address: change.evidence for change in EVERYTHING.changes}),
    "fleet": fleet_report(PLANS, EXAMPLES),
    "run": run_report(RUN_IN_WAVES),
}


@pytest.fixture(params=PAGES)
def what(request) -> str:
    return request.param


def of(elements: list[Element], *tags: str) -> list[Element]:
    return [each for each in elements if each.tag in tags]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=plans, receipt=receipts)
def test_no_plan_and_no_receipt_breaks_a_page(plan: Plan, receipt: Receipt):
    for page in pages(plan, receipt).values():
        parsed(page)


def test_a_page_runs_its_own_style_and_script_and_nothing_else(what: str):
    elements = parsed(PAGES[what])
    [policy] = [each.attributes["content"] for each in of(elements, "meta") if "http-equiv" in each.attributes]
    allowed = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert set(allowed) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    assert {allowed[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    for tag in ("style", "script"):
        [one] = of(elements, tag)
        digest = base64.b64encode(hashlib.sha256(one.own.encode()).digest()).decode()
        assert allowed[f"{tag}-src"] == f"'sha256-{digest}'"
    before = PAGES[what].partition("http-equiv")[0]
    assert re.findall(r"<(\w+)", before) == ["html", "head", "meta", "meta"], "it stands before what it is about"


def test_nothing_is_loaded(what: str):
    for each in parsed(PAGES[what]):
        assert not set(each.attributes) & {"src", "srcset", "style", "action", "data", "background"}
        assert not any(name.startswith("on") for name in each.attributes)
    assert not re.search(r"url\(|@import|@font-face|fetch|XMLHttp|import\(|innerHTML", own("page.css") + own("page.js"))


def test_links_lead_to_sources_and_nowhere_else():
    for what, page in PAGES.items():
        links = of(parsed(page), "a")
        assert all(re.fullmatch(rf"{SOURCES}/desired/[\w/.-]+#L\d+", each.attributes["href"]) for each in links)
        assert all(each.attributes["rel"] == "noopener noreferrer" for each in links)
        assert bool(links) == (what in FROM_PLANS)
    for base in ("", "javascript:alert(1)//", "data:text/html,", "//evil.example"):
        assert not of(parsed(views.render(PLAN, "html", source_url=base)), "a")


def test_the_script_is_small():
    assert len(own("page.js").encode()) < 5_000


OF_ITS_FORM = {"needs permission", "Verdict:", "all"}
OWN_TAGS = ("h1", "h2", "th", "label", "button", "style", "script", "summary", "title", "option")


def shown(page: str) -> Iterator[str]:
    """The texts of a page but those of heads, labels and titles, and the scripts for psql."""
    for each in parsed(page):
        own_words = each.tag in OWN_TAGS and each.attributes.get("scope") != "row"
        if each.own.strip() not in OF_ITS_FORM and not own_words and each.tag != "pre" and "footer" not in each.parents:
            yield " ".join(each.own.split())


def test_what_is_printed_comes_from_the_rows(what: str):
    known = sorted({one for one in told(REPORTS[what]) if one}, key=len, reverse=True)
    unexplained = []
    for text in shown(PAGES[what]):
        for one in known:
            text = text.replace(" ".join(one.split()), " ")
        unexplained += WORD.findall(text)
    assert set(unexplained) <= {"on"}, "on 12 targets: as of an address in Markdown"


def test_every_hazard_of_every_change_is_on_the_page_and_none_is_folded():
    elements = parsed(PAGES["plan"])
    for change in EVERYTHING.changes:
        for hazard in {hazard.type: hazard for step in change.steps for hazard in step.hazards}.values():
            assert any(
                each.tag == "code" and each.own == hazard.type and "details" not in each.parents for each in elements
            )
            assert visible(hazard.message) in "".join(each.within for each in elements if each.tag == "body")


def test_what_is_chosen_is_a_number_and_each_number_has_its_name():
    for what, page in PAGES.items():
        elements = parsed(page)
        rows = [each.attributes for each in of(elements, "tr") if "data-row" in each.attributes]
        lists = {each.attributes["name"]: [] for each in of(elements, "select")}
        assert bool(lists) == (what not in OF_MANY), what
        name = ""
        for each in of(elements, "select", "option"):
            if each.tag == "select":
                name = each.attributes["name"]
            else:
                lists[name].append((each.attributes["value"], each.own))
        for name, choices in lists.items():
            assert choices[0] == ("", "all")
            assert [value for value, _ in choices[1:]] == [str(number) for number in range(len(choices) - 1)]
            used = {number for row in rows for number in row[f"data-{name}"].split()}
            assert used == {value for value, _ in choices[1:]}


def test_rows_are_chosen_by_target_kind_action_and_hazard():
    elements = parsed(PAGES["plan"])
    assert [each.attributes["name"] for each in of(elements, "select")] == ["target", "kind", "action", "hazard"]
    texts = [each.own for each in of(elements, "option")]
    assert {"main", "cache", "main@db2", "pg_index", "redis_user", "create", "delete", "index-drop"} <= set(texts)


def test_where_there_is_nothing_to_choose_there_are_no_filters():
    one = PLAN.model_copy(update={"changes": CHANGES[:1]})
    for plan in (one, IN_SYNC):
        assert not of(parsed(views.render(plan, "html")), "form", "select")


def test_without_scripts_all_is_shown_and_no_filter_is():
    for what, page in PAGES.items():
        hidden = [each.tag for each in parsed(page) if "hidden" in each.attributes]
        assert hidden == ([] if what in OF_MANY else ["form"])


def test_a_page_has_landmarks_a_heading_and_a_language(what: str):
    elements = parsed(PAGES[what])
    [html] = of(elements, "html")
    assert html.attributes == {"lang": "en"}
    for tag in ("header", "main", "footer", "h1", "title"):
        assert len(of(elements, tag)) == 1, tag
    ids = [each.attributes["id"] for each in elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for each in elements:
        assert each.attributes.get("aria-labelledby", ids[0]) in ids
        if each.tag == "label":
            assert each.attributes["for"] in ids
        if each.tag == "select":
            assert any(label.attributes["for"] == each.attributes["id"] for label in of(elements, "label"))


def test_each_cell_has_its_head_on_a_screen_reader_and_on_a_phone(what: str):
    elements = parsed(PAGES[what])
    heads: list[str] = []
    for each in of(elements, "table", "th", "td"):
        match each.tag, each.attributes:
            case "table", _:
                heads, column = [], 0
            case "th", {"scope": "col", "role": "columnheader"}:
                heads.append(each.own)
            case "th", {"scope": "row", "role": "rowheader"}:
                column = 0
            case "td", {"role": "cell", "data-label": label}:
                column += 1
                assert heads[column] == label
            case _:
                pytest.fail(f"{each} has no scope")


def test_no_sign_or_colour_stands_alone(what: str):
    """Beside each sign stands a word, and what is coloured is a word."""
    for each in parsed(PAGES[what]):
        if each.attributes.get("class") in {action.value for action in Action}:
            assert WORD.search(each.own)


def test_bars_are_as_long_as_the_builds_are_large():
    def build(name: str, size: int, seconds: float):
        change = index(name, Action.CREATE, CHANGES[0].steps[0])
        facts = [
            fact.model_copy(update={"value": {"index": size, "build time": seconds}.get(fact.name, fact.value)})
            for fact in CHANGES[0].evidence
        ]
        return change.model_copy(update={"evidence": tuple(facts)})

    plan = PLAN.model_copy(update={"changes": (build("a", 1000, 1), build("b", 250, 4), build("c", 0, 0.001))})
    bars = [each.attributes["width"] for each in of(parsed(views.render(plan, "html")), "rect")]
    assert bars[1::2] == ["100.00%", "25.00%", "25.00%", "100.00%", "0.50%", "0.50%"]
    assert set(bars[::2]) == {"100%"}


def test_a_build_of_which_nothing_is_known_has_no_bar():
    change = index("a", Action.CREATE, CHANGES[0].steps[0])
    elements = parsed(views.render(PLAN.model_copy(update={"changes": (change,)}), "html"))
    assert [each.own for each in elements].count("not estimated") == 2
    assert not of(elements, "svg")


def test_a_timeline_shows_when_each_change_began_and_how_long_it_took():
    first, second = RECEIPT.changes[:2]
    at = RECEIPT.model_copy(
        update={
            "started_at": NOW,
            "finished_at": NOW + timedelta(seconds=200),
            "changes": (
                first.model_copy(update={"started_at": NOW + timedelta(seconds=80), "seconds": 50.0}),
                second.model_copy(update={"started_at": NOW, "seconds": 20.0}),
            ),
        }
    )
    rows = receipt_report(at, {}).timeline
    assert [(row.began, row.took, row.start, row.share) for row in rows] == [
        ("at once", "20 s", 0.0, 0.1), ("after 80 s", "50 s", 0.4, 0.25)
    ]  # fmt: skip
    bars = [each.attributes for each in of(parsed(views.render_receipt(at, "html")), "rect")][1::2]
    assert [(bar["x"], bar["width"]) for bar in bars] == [("0.00%", "10.00%"), ("40.00%", "25.00%")]


def test_what_was_not_worked_on_is_in_no_timeline_and_old_receipts_have_no_beginnings():
    rows = receipt_report(RECEIPT, {}).timeline
    assert [row.address for row in rows] == [RECEIPT.changes[0].address, RECEIPT.changes[1].address]
    old = RECEIPT.changes[0].model_copy(update={"started_at": None})
    [row] = receipt_report(RECEIPT.model_copy(update={"changes": (old,)}), {}).timeline
    assert (row.began, row.took, row.start) == ("", "4.2 s", 0.0)


def test_what_is_the_same_on_many_targets_is_said_once():
    page = views.render(FLEET, "html")
    assert "on 12 targets: tenant-001, tenant-002, tenant-003 and 9 more" in page
    assert "tenant-009/" not in page
    assert "could not be read" in views.render(PARTIAL, "html")


def test_all_steps_are_on_the_page_whatever_their_number():
    parts = tuple(
        SqlStep(statements=(f"create index concurrently p{n}_idx on p{n} (at)",), partition=f"public.p{n}")
        for n in range(1000)
    )
    plan = PLAN.model_copy(update={"changes": (index("i", Action.CREATE, *parts),)})
    [steps] = of(parsed(views.render(plan, "html")), "pre")
    assert steps.own.count("create index concurrently") == 1000


COLOUR = re.compile(r"--([a-z]+): #([0-9a-f]{6});")


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_others_do():
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_can_be_read_on_every_ground(scheme: str):
    """WCAG 2.2 AA: 4.5 for text; 3 for bars, and for the frames of what can be operated."""
    light, dark = own("page.css").split("@media (prefers-color-scheme: dark)")
    colours = dict(COLOUR.findall(light if scheme == "light" else dark.partition("* {")[0]))
    assert len(colours) == 12
    for ground in ("page", "raised"):
        for text in ("text", "quiet", "link", "good", "change", "bad", "new"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert contrast(colours["bar"], colours[ground]) >= 3
        assert contrast(colours["quiet"], colours[ground]) >= 3
    assert contrast(colours["bar"], colours["track"]) >= 3


def test_no_colour_stands_outside_of_the_palette():
    rules = own("page.css").split("* {", 1)[1]
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules)


def test_templates_cannot_let_a_text_through_unescaped():
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*(safe|tojson|urlize|xmlattr)\b|autoescape|\{%\s*raw", text), path
        assert not re.search(r"<[^<>]*=\s*[^\"\s]*\{\{", text.replace('="{{', '="')), "attributes are quoted"
