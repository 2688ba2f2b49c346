"""Names, values and reasons that would like to be something else: in every format they are seen as what they are.

Decided: docs/decisions.md#html, docs/decisions.md#commands-in-logs
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from functools import cache

import pytest
from markdown_it import MarkdownIt
from views.pages import parsed, skeleton
from views.sample import CHECKS, NOW, PLAN, RECEIPT, TARGETS, UNREAD

from reconciler import views
from reconciler.model import (
    Action,
    Address,
    Change,
    CheckStatus,
    Fact,
    Hazard,
    HazardType,
    Notice,
    NoticeType,
    Plan,
    Receipt,
    RedisStep,
    SqlStep,
    StepReceipt,
)
from reconciler.reports.characters import visible
from reconciler.views.text_layout import without_commands

HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an attribute": "\"'><img src=x onerror=alert(1)>",
    "the end of a cell": "</code></td></tr></table></main><h1>all is well</h1>",
    "the end of the script": "</script></style><style>*{display:none}</style>",
    "a comment of ours": "<!-- reconciler:plan:main -->",
    "the end of a comment": "--> <b>x</b> <!--",
    "entities": "&lt;b&gt; &#60;b&#62; &amp;",
    "backticks": "`a` ```b``` ``",
    "pipes": "a | b \\| c || d",
    "lines": "a\nb\r\n\nc",
    "a heading": "\n# all is well\n\n---\n",
    "a link": "](javascript:alert(1)) [x](https://evil.example) <https://evil.example>",
    "an address": "javascript:alert(1)",
    "signs that turn the reading": "a\u202eb\u2066c\u200fd",
    "a terminal's commands": "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "what nobody sees": "a\x00b\ufeffc\u200bd\u00ade",
    "a long word": "w" * 3000,
    "a template": "{{ 7 * 7 }}{% for x in y %}{# z #}",
    "an expression of a pipeline": "${{ secrets.TOKEN }}",
    "a command of a pipeline": "::error::all is well",
    "a mask of a pipeline": "\n  ::add-mask::index-drop\n##[add-mask]less-safe",
    "people": "@everyone #12 octo/cat#3",
    "psql": "\\! id; -- $$ ' \" \\",
    "XML": "]]> <![CDATA[ <?php",
    "bytes that are no text": "odd\U0010ffff",
    "a formula": "=1+1",
}

SOURCES = "https://git.example/x"


def plan_of(text: str) -> Plan:
    """`text` wherever there is room for text of others; each change with a hazard, some with one that needs to be
    allowed."""
    dropping = Hazard(type=HazardType.INDEX_DROP, message=f"hazard-1 {text}")
    unsafe = Hazard(type=HazardType.LESS_SAFE, message=f"hazard-2 {text}")
    built = Hazard(type=HazardType.INDEX_BUILD, message=f"hazard-3 {text}")
    sql = SqlStep(statements=(f"statement {text}",), on_failure=(f"cleaning {text}",), hazards=(built, dropping))
    common = {"why": f"why {text}", "notes": (f"note {text}",), "declared_at": f"desired/{text}.yaml:7:7"}
    changes = (
        Change(
            address=Address("main", "pg_index", f"index {text}"), action=Action.REPLACE, steps=(sql,),
            before={"x": text}, after={"x": text}, reason=f"reason {text}", desired={}, inverse=(sql,),
            evidence=(
                Fact(name=f"fact {text}", value=f"value {text}"),
                Fact(name="index", value=1000, unit="bytes", estimated=True),
            ), forbidden=f"forbidden {text}", **common,
        ),
        Change(
            address=Address("main", "pg_index", f"gone {text}"), action=Action.DELETE, steps=(sql,),
            before={"x": text}, after=None, desired={}, inverse=(sql,), **common,
        ),
        Change(
            address=Address("cache", "redis_setting", f"setting {text}"), action=Action.UPDATE,
            before={"value": text}, after={"value": text}, summary=f"summary {text}", desired={},
            steps=(RedisStep(command=("CONFIG", "SET", "x", text), hazards=(unsafe,)),), **common,
        ),
    )  # fmt: skip
    notices = tuple(
        Notice(
            address=Address("main", "pg_index", f"notice {text}"), type=type, message=f"message {text}",
            declared_at=f"desired/{text}.yaml:9:9",
        )
        for type in NoticeType
    )  # fmt: skip
    checks = tuple(
        CHECKS[0].model_copy(
            update={
                "address": Address("main", "check", f"check {text}"), "status": status, "title": f"title {text}",
                "message": f"seen {text}", "declared_at": f"desired/{text}.yaml:3:3",
            }
        )
        for status in CheckStatus
    )  # fmt: skip
    return Plan(
        reconciler_version="0.1.0",
        created_at=NOW,
        targets={
            name: info.model_copy(update={"database": f"database {text}", "version": f"1 {text}"})
            for name, info in TARGETS.items()
        },
        changes=changes,
        notices=notices,
        checks=checks,
        unreachable=(UNREAD[0].model_copy(update={"message": f"unread {text}", "hint": f"hint {text}"}),),
        digest=PLAN.digest,
    )


def receipt_of(text: str) -> Receipt:
    plan = plan_of(text)
    changes = tuple(
        one.model_copy(
            update={
                "address": change.address, "message": f"became {text}", "started_at": NOW,
                "steps": tuple(StepReceipt(step=step, seconds=1.0) for step in change.steps),
                "evidence": change.evidence,
            }
        )
        for one, change in zip(RECEIPT.changes[:3], plan.changes, strict=True)
    )  # fmt: skip
    return RECEIPT.model_copy(
        update={
            "changes": changes, "remaining": (changes[0].address,), "notes": (f"noted {text}",),
            "unseen": (f"unseen {text}",), "outside_window": f"window {text}",
        }
    )  # fmt: skip


def rendered(text: str) -> dict[tuple[str, str], str]:
    """Every format of everything."""
    plan, receipt = plan_of(text), receipt_of(text)
    pages = {}
    for what, formats in views.FORMATS.items():
        for format in formats:
            layout = {"limit": 0, "marker": "main", "source_url": SOURCES}
            match what:
                case "plan":
                    pages[what, format] = views.render(plan, format, verbose=True, **layout)
                case "drift":
                    pages[what, format] = views.render_drift(plan, format, **layout)
                case "checks":
                    pages[what, format] = views.render_checks(plan, format, **layout)
                case "receipt":
                    pages[what, format] = views.render_receipt(receipt, format, plan=plan, **layout)
    return pages


@pytest.fixture(params=HOSTILE, scope="module")
def text(request) -> str:
    return HOSTILE[request.param]


@pytest.fixture(scope="module")
def pages(text) -> dict[tuple[str, str], str]:
    return rendered(text)


@cache
def rendered_harmless(lines: int) -> dict[tuple[str, str], str]:
    return rendered("\n".join(["harmless"] * lines))


@pytest.fixture(scope="module")
def harmless(text) -> dict[tuple[str, str], str]:
    """The same with text that wants nothing, of so many lines."""
    return rendered_harmless(text.count("\n") + 1)


HAZARDS = {
    format: ("hazard-1 ", "hazard-2 ", *(("hazard-3 ",) if format not in ("text",) else ()))
    for format in views.FORMATS["plan"]
}
"""That a table is read by a build is not worth a line of text: its estimate says so."""


def squashed(text: str) -> str:
    """Without what a view may break lines by."""
    return re.sub(r"\s+", "", text)


def read(format: str, page: str) -> str:
    """The text of a page as its reader sees it."""
    match format:
        case "html":
            return "".join(each.within for each in parsed(page) if each.tag == "body")
        case "markdown":
            html = MarkdownIt("commonmark", {"html": True}).enable("table").render(page).replace("<!-- -->", "")
            return re.sub(r"<[a-z/!][^>]*>", "", html).replace("&lt;", "<").replace("&gt;", ">").replace(
                "&quot;", '"').replace("&#124;", "|").replace("&amp;", "&")  # fmt: skip
        case "text":
            return page.replace(r"\x3a:", "::").replace(r"#\x23[", "##[")
        case "json":
            return " ".join(strings(json.loads(page)))
        case _:
            return page


def strings(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for each in value for text in strings(each)]
        case dict():
            return [text for each in value.values() for text in strings(each)]
    return []


def test_every_hazard_is_seen_in_every_format(text, pages):
    for (what, format), page in pages.items():
        if what != "plan":
            continue
        shown = text if format == "json" else visible(text)
        seen = squashed(read(format, page))
        for hazard in HAZARDS[format]:
            assert squashed(hazard + shown) in seen, format
        for type in (HazardType.INDEX_DROP, HazardType.LESS_SAFE):
            assert type in page, format


def test_no_text_changes_what_a_page_consists_of(pages, harmless):
    """Not one element or attribute is there that is not there with harmless text, and each stands where it stood."""
    for (what, format), page in pages.items():
        if format == "html":
            assert skeleton(parsed(page)) == skeleton(parsed(harmless[what, "html"])), what


def test_links_of_a_page_lead_below_the_sources(pages):
    for (what, format), page in pages.items():
        links = re.findall(r'href="([^"]*)"', page) if format == "html" else []
        assert all(re.fullmatch(r"https://git\.example/x/[\w%./~-]+(#L\d)?", link) for link in links), what


def test_no_control_character_comes_through(pages):
    for (what, format), page in pages.items():
        allowed = "\n\t" if format == "sql" else "\n"
        assert page.translate(dict.fromkeys(map(ord, allowed))).isprintable(), (what, format)


def test_the_marker_is_ours_alone(pages):
    for (what, format), page in pages.items():
        if format in ("markdown", "html"):
            assert page.count("<!-- reconciler") == (format == "markdown"), what


ELEMENTS = {
    "p", "strong", "em", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "a", "br", "ul", "ol", "li",
    "blockquote", "details", "summary",
}  # fmt: skip


def test_markdown_becomes_no_other_elements(pages, harmless):
    for (what, format), page in pages.items():
        if format != "markdown":
            continue
        html = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
        found = re.findall(r"<([a-z][a-z0-9]*)([^>]*)>", html)
        assert {tag for tag, _ in found} <= ELEMENTS, what
        attributes = {attribute for _, attribute in found if attribute.strip(" /")}
        assert all(
            re.fullmatch(r' (href="https://git\.example/x/[^"]*"|class="language-sql"|start="\d+")', each)
            for each in attributes
        ), (what, attributes)
        others = MarkdownIt("commonmark", {"html": True}).enable("table").render(harmless[what, format])
        assert len(re.findall("<t[hd]", html)) == len(re.findall("<t[hd]", others)), what


def test_programs_read_the_text_as_it_is(text, pages):
    content = json.loads(pages["plan", "json"])
    assert content["resource_changes"][0]["why"] == f"why {text}"
    suites = ET.fromstring(pages["checks", "junit"])  # noqa: S314 - ours
    assert len(list(suites.iter("testcase"))) == len(list(CheckStatus)) + 1
    assert all(visible(text) in case.get("name", "") for case in list(suites.iter("testcase"))[:-1])


OF_A_SCRIPT = ("-- ", "set ", "do '", "do U&'", "statement ", "\\set ON_ERROR_STOP on")


def test_in_a_script_nothing_of_it_runs_but_statements(text, pages):
    """A statement of several lines has them as its author wrote it."""
    for line in pages["plan", "sql"].splitlines() if "\n" not in text else []:
        assert line in ("", ";") or line.startswith(OF_A_SCRIPT), line


def commands(page: str) -> list[str]:
    """Lines that GitHub's runner would take for commands."""
    return re.findall(r"(?m)^\s*::.*::.*$|##\[.*$", page)


def test_no_line_of_text_is_a_command_of_a_pipeline(pages):
    """Seen to fail: a statement of several lines put `::add-mask::index-drop` at the beginning of one, and the log of
    the pipeline would have shown no hazard of that name any more."""
    for (what, format), page in pages.items():
        if format == "text":
            assert commands(page) == [], what


def test_what_would_be_a_command_is_shown_as_it_reads():
    assert without_commands("  ::error::x\n::int\na ::b::c ##[warning]") == (
        "  \\x3a:error::x\n::int\na ::b::c #\\x23[warning]"
    )
