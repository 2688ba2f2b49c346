"""What holds for every view: nothing breaks it, nothing breaks out of it, and its sentences are honest."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from views.arbitrary import plans, receipts, words
from views.sample import CHANGES, CHECKS, IGNORING, IN_SYNC, NOTICES, NOW, PLAN, RECEIPT

from reconciler import views
from reconciler.errors import UsageError
from reconciler.model import Address, Fact, Hazard, HazardType, Notice, NoticeType, Plan, Receipt, SqlStep, Verdict
from reconciler.reports.characters import visible
from reconciler.reports.labels import both_sides
from reconciler.reports.quantities import fact
from reconciler.views.text_layout import STYLES, Page, cells, wrap

ANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
SGR = re.compile(f"\x1b\\[({'|'.join(STYLES.values())}|0)m")


def everything(plan: Plan, receipt: Receipt, *, width: int = 100) -> dict[str, str]:
    rendered = {}
    for colour in (False, True):
        for format in views.FORMATS["plan"]:
            rendered[f"plan {format} {colour}"] = views.render(plan, format, colour=colour, width=width)
        for format in views.FORMATS["drift"]:
            rendered[f"drift {format} {colour}"] = views.render_drift(plan, format, colour=colour, width=width)
        for format in views.FORMATS["checks"]:
            rendered[f"checks {format} {colour}"] = views.render_checks(plan, format, colour=colour, width=width)
        for format in views.FORMATS["receipt"]:
            rendered[f"receipt {format} {colour}"] = views.render_receipt(
                receipt, format, plan=plan, colour=colour, width=width
            )
    return rendered


@ANY
@given(plan=plans, receipt=receipts, width=st.integers(-1, 300))
def test_no_plan_breaks_a_view_and_no_control_character_comes_through(plan: Plan, receipt: Receipt, width: int):
    for name, text in everything(plan, receipt, width=width).items():
        plain = SGR.sub("", text) if name.endswith("True") and " text " in name else text
        allowed = "\n\t" if " sql " in name else "\n"
        assert plain.translate(dict.fromkeys(map(ord, allowed))).isprintable(), name
        assert text.endswith("\n"), name


def test_the_sample_plants_what_must_not_come_through():
    planted = "".join(change.why + "".join(change.notes) for change in CHANGES) + str(CHANGES[6].steps[0].statements)
    assert "\x1b" in planted
    assert "\u202e" in planted
    for name, text in everything(PLAN, RECEIPT).items():
        assert "\u202e" not in text, name
        assert "\x1b]0;owned" not in text, name


@pytest.mark.parametrize("format", ["text", "markdown", "json", "sql"])
def test_no_secret_has_a_value_to_show_and_its_place_says_so(format: str):
    said = {"json": '"value": "(sensitive)"'}.get(format, "CONFIG SET requirepass (sensitive)")
    assert said in views.render(PLAN, format)


def test_colour_is_only_added():
    assert SGR.sub("", views.render(PLAN, colour=True)) == views.render(PLAN)
    assert "\x1b" not in views.render(PLAN)
    assert SGR.search(views.render(PLAN, colour=True))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 300])
def test_nothing_but_an_address_is_wider_than_the_page(width: int):
    for text in (views.render(PLAN, width=width), views.render_drift(PLAN, width=width)):
        for line in text.splitlines():
            assert cells(line) <= max(40, min(width, 120)) or re.search(r"(main|cache)/\w+/\S+$", line), line


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a b c", 5, ["a b c"]),
        ("aa bb cc", 5, ["aa bb", "  cc"]),
        ("create index x where y", 16, ["create index x", "  where y"]),
        ("aaaaaaaaaa", 4, ["aaaa", "  aa", "  aa", "  aa"]),
        ("漢字漢字", 4, ["漢字", "  漢", "  字"]),
        ("a  b", 10, ["a  b"]),
    ],
)
def test_lines_are_wrapped_at_spaces_and_measured_in_cells(text: str, width: int, lines: list[str]):
    assert wrap(text, width, hang="  ") == lines


@ANY
@given(text=words.map(visible), width=st.integers(8, 30))
def test_wrapping_loses_nothing_but_spaces(text: str, width: int):
    lines = wrap(text, width, hang="  ")
    assert "".join("".join(lines).split(" ")) == "".join(text.split(" "))
    assert all(cells(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢字 🐘", "plain é 漢字 🐘"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x9b\x7f", "\\x9b\\x7f"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\u200b\u2028\xa0", "\\u200b\\u2028\\xa0"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_code(text: str, shown: str):
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Fact(name="rows", value=1_200_000, unit="rows"), "1.2 M rows"),
        (Fact(name="rows", value=12_345, unit="rows", estimated=True), "about 12,345 rows"),
        (Fact(name="rows", value=999_999_999, unit="rows"), "1 bn rows"),
        (Fact(name="table", value=340 << 20, unit="bytes"), "table 340 MB"),
        (Fact(name="index_size", value=28 << 20, unit="bytes", estimated=True), "index size about 28 MB"),
        (Fact(name="table", value=8192, unit="bytes"), "table 8 kB"),
        (Fact(name="", value=4, unit="seconds", estimated=True), "about 4 s"),
        (Fact(name="build", value=600.0, unit="seconds"), "build 10 min"),
        (Fact(name="build", value=0.42, unit="seconds"), "build 0.42 s"),
        (Fact(name="scans", value=0, unit="scans"), "0 scans"),
        (Fact(name="scans", value=1, unit="scans"), "1 scan"),
        (Fact(name="scans on db2:5432", value=12, unit="scans"), "12 scans on db2:5432"),
        (
            Fact(name="scans on db2:5432", value="not known: it cannot be reached"),
            "scans on db2:5432 not known: it cannot be reached",
        ),
        (Fact(name="indexed rows", value=900, unit="rows", estimated=True), "about 900 indexed rows"),
        (Fact(name="indexed rows", value=float("inf"), unit="rows"), "inf indexed rows"),
        (Fact(name="fill factor", value=90), "fill factor 90"),
        (Fact(name="method", value="btree"), "method btree"),
        (Fact(name="rows", value=float("nan"), unit="rows"), "nan rows"),
    ],
    ids=str,
)
def test_evidence_is_said_with_its_unit(one: Fact, said: str):
    assert fact(one) == said


def last_line(plan: Plan, render=views.render) -> str:
    return render(plan, width=300).splitlines()[-1]


EMPTY = Plan(reconciler_version="0.1.0", created_at=NOW, targets={})
WAITING = NOTICES[0]


@pytest.mark.parametrize(
    ("plan", "said", "reason"),
    [
        (EMPTY, "No changes. Nothing is declared here.", "nothing is not a success"),
        (
            EMPTY.model_copy(update={"in_sync": {"pg_index": 29, "pg_setting": 20, "redis_setting": 11, "check": 24}}),
            "No changes. 29 indexes, 31 settings and 24 checks are as declared.",
            "kinds with one name are counted together",
        ),
        (EMPTY.model_copy(update={"in_sync": {"pg_index": 1}}), "No changes. 1 index is as declared.", "one is one"),
        (EMPTY.model_copy(update={"in_sync": {"new": 2}}), "No changes. 2 new are as declared.", "an unknown kind"),
        (IN_SYNC, "No changes. 29 indexes, 31 settings and 8 checks are as declared.", "checks are counted once"),
        (
            EMPTY.model_copy(update={"in_sync": {"pg_setting": 3}, "notices": (WAITING,)}),
            "No changes. 3 settings are as declared. 1 setting waits for a restart.",
            "what waits is not as declared",
        ),
        (
            EMPTY.model_copy(update={"notices": (NOTICES[1],)}),
            "No changes. 1 setting is not visible.",
            "nor what is hidden",
        ),
        (
            EMPTY.model_copy(update={"in_sync": {"pg_index": 2}, "checks": CHECKS[:2]}),
            "No changes. 2 indexes are as declared. 1 of 2 checks fails.",
            "a failing check is said",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_plan_without_changes_claims_no_more_than_it_knows(plan: Plan, said: str, reason: str):
    assert last_line(plan) == said


def test_a_plan_without_changes_and_worries_is_one_line():
    assert views.render(IN_SYNC, width=100).count("\n") == 1
    assert views.render_drift(IN_SYNC, width=100).startswith("In sync. 29 indexes, ")
    assert views.render_drift(IN_SYNC, width=100).count("\n") == 1


@pytest.mark.parametrize("update", [{"notices": (WAITING,)}, {"checks": CHECKS[:1]}], ids=str)
def test_drift_is_not_called_in_sync_while_something_is_wrong(update):
    assert "In sync" not in views.render_drift(IN_SYNC.model_copy(update=update))


UNWANTED = Notice(
    address=Address("main", "pg_index", "public.i"), type=NoticeType.UNWANTED, message="nobody declares it"
)


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"checks": CHECKS[:1]}, "No drift, and checks that do not pass. "),
        ({"notices": (WAITING,)}, "No drift but for what waits for a restart. "),
        ({"notices": (UNWANTED,)}, "Drift, and no plan would mend it. "),
        (
            {"notices": (UNWANTED.model_copy(update={"type": NoticeType.BLOCKED}),)},
            "Drift, and no step can mend it now. ",
        ),
        ({"notices": (NOTICES[1],)}, "No drift in what can be seen. "),
    ],
    ids=str,
)
def test_drift_without_a_change_says_what_it_comes_to(update, said):
    """Of all of them it was "No drift that a plan would mend.", whatever the exit code."""
    assert said in " ".join(views.render_drift(IN_SYNC.model_copy(update=update), width=300).split())


def test_a_restart_is_counted_once_for_a_change_and_its_notice():
    hazard = Hazard(type=HazardType.WAITS_FOR_RESTART, message="")
    change = CHANGES[7].model_copy(
        update={"address": WAITING.address, "steps": (SqlStep(statements=(), hazards=(hazard,)),)}
    )
    plan = EMPTY.model_copy(update={"changes": (change,), "notices": (WAITING,)})
    assert " 1 setting waits for a restart." in views.render(plan, width=300)


def test_each_warning_about_a_target_is_counted():
    warnings = tuple(
        Notice(address=Address("main", "pg_index", "*"), type=NoticeType.PREFLIGHT, message=message)
        for message in ("one", "another")
    )
    assert " 2 preflight warnings." in last_line(EMPTY.model_copy(update={"changes": CHANGES[:1], "notices": warnings}))


def test_a_drop_is_counted_even_where_there_is_none():
    assert "0 to drop" in last_line(EMPTY.model_copy(update={"changes": CHANGES[:1]}))


def test_every_notice_and_every_permission_is_shown():
    for format in ("text", "markdown"):
        shown = (views.render(plan, format, width=120) for plan in (PLAN, IGNORING))
        text = "".join(shown).replace("<code>", "").replace("\\_", "_")
        for type in NoticeType:
            assert type.value.split("-")[0] in text
        assert "--allow evicts-keys --allow index-drop --allow less-safe" in text


@pytest.mark.parametrize(
    ("summary", "sides"),
    [("4MB → 16MB", ("4MB", "16MB")), ("(sensitive)", None), ("a → b → c", None), (" → ", None), ("", None)],
)
def test_drift_turns_a_summary_round_only_where_it_has_two_sides(summary: str, sides):
    assert both_sides(summary) == sides


def test_drift_says_what_is_declared_and_what_is_observed():
    assert "declared 16MB; observed 4MB" in views.render_drift(PLAN)
    assert "alter system" not in views.render_drift(PLAN)


def test_junit_is_xml_with_one_case_a_check():
    root = ET.fromstring(views.render_checks(PLAN, "junit"))  # noqa: S314
    cases = root.findall("./testsuite/testcase")
    assert len(cases) == len(CHECKS) == int(root.attrib["tests"])
    assert cases[0].attrib["file"] == "desired/checklists/production.yaml"
    assert cases[0].attrib["line"] == "3"
    assert [len(root.findall(f".//{tag}")) for tag in ("failure", "error", "skipped")] == [1, 1, 5]


def test_checks_as_json_are_counted():
    assert json.loads(views.render_checks(PLAN, "json"))["summary"]["fail"] == 1


def test_an_apply_that_failed_does_not_say_that_nothing_remains():
    assert "Nothing remains" not in views.render_receipt(RECEIPT)
    done = RECEIPT.model_copy(
        update={"changes": RECEIPT.changes[:1], "remaining": (), "verdict": Verdict.IN_SYNC, "succeeded": True}
    )
    assert views.render_receipt(done).endswith("Applied 1 of 1 change in 2 min. Nothing remains to be changed.\n")


def test_an_unknown_format_is_an_error_that_names_the_others():
    with pytest.raises(UsageError, match="text, markdown, json, sql"):
        views.render(PLAN, "yaml")


def test_a_page_is_neither_too_narrow_nor_too_wide():
    assert [Page(width=width).columns for width in (0, 80, 400)] == [40, 80, 120]
