"""Rows and sentences are made once: what text and Markdown print of a plan is all in its report, and a format that is
added finds it there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import Enum
from html import unescape
from pathlib import Path

import pytest
from views.sample import (
    CAUSED,
    CHANGES,
    IDLE_RULES,
    IGNORED,
    NOTICES,
    NOW,
    PLAN,
    RECEIPT,
    TARGETS,
    concurrently,
    index,
    setting,
)

from reconciler.model import (
    Action,
    Address,
    Applied,
    Change,
    CheckStatus,
    ComesTrue,
    Difference,
    Hazard,
    HazardType,
    Notice,
    NoticeType,
    PatroniStep,
    Plan,
    Provenance,
    RestartStep,
    SqlStep,
    Unlooked,
    Verdict,
)
from reconciler.planning import exit_codes
from reconciler.reports.characters import visible, visible_lines
from reconciler.reports.checks import checks_report
from reconciler.reports.drift import drift_report
from reconciler.reports.hazards import SHOWN_OF_A_PLAN
from reconciler.reports.places import place
from reconciler.reports.plan import plan_report
from reconciler.reports.receipt import receipt_report
from reconciler.verdicts import of_plan, of_targets
from reconciler.views import checks, markdown, text
from reconciler.views import receipt as receipts
from reconciler.views.text_layout import Page

WORD = re.compile(r"[^\W\d_]{2,}")
VIEWS = Path(text.__file__).parent


class Endless(Page):
    """A page on which nothing is wrapped."""

    @property
    def columns(self) -> int:
        return 2000


SEEN = Provenance(
    value="8MB", source="configuration file", place="postgresql.conf:12", coming="9MB", masks=("conf.d/a.conf:3",),
    masked_for=("role reporting",), comes_true=ComesTrue.NEVER,
)  # fmt: skip
DROPS = tuple(Hazard(type=HazardType.INDEX_DROP, message=f"partition {n} loses it") for n in range(SHOWN_OF_A_PLAN))


def restart(node: str) -> Change:
    return Change(
        address=Address(node, "pg_setting", "restart"), action=Action.RESTART, before={}, after={}, phase=1, desired={},
        summary="for shared_buffers",
        steps=(RestartStep(command="by hand", hazards=(Hazard(type=HazardType.RESTART, message="ends sessions"),)),),
    )  # fmt: skip


def on(node: str, change: Change) -> Change:
    return change.model_copy(update={"address": Address(node, *change.address[1:])})


EVERYTHING = PLAN.model_copy(
    update={
        "targets": {
            **TARGETS,
            "main@db2": TARGETS["main"].model_copy(
                update={"node_of": "main", "role": "standby", "location": "db2:5432", "as_role": "owner"}
            ),
            "gone": TARGETS["main"].model_copy(update={"location": ""}),
        },
        "changes": (
            *CHANGES,
            setting("wal_buffers", "4MB", "8MB", difference=Difference.NOT_PERSISTED, reason="set by the command line"),
            setting("wal_level", "x", "y", difference=Difference.NOT_RUNNING, reason="masked", provenance=SEEN),
            setting("temp_buffers", "8MB", "16MB", reason="declared so", provenance=SEEN, forbidden="not superuser"),
            index("parts_idx", Action.DELETE, concurrently("drop index parts_idx", hazards=DROPS), summary="goes"),
            on("main@db2", setting("max_connections", "100", "200")),
            on("main@db2", setting("jit", "on", "off")).model_copy(
                update={"steps": (PatroniStep(parameters={"jit": "off"}), PatroniStep(restart_for=("jit",)))}
            ),
            restart("main"),
            restart("main@db2"),
        ),
        "notices": (
            *NOTICES,
            IGNORED,
            Notice(address=Address("gone", "pg_setting", "jit"), type=NoticeType.NOTE, message="worth knowing"),
        ),
        "idle_rules": IDLE_RULES,
        "causes": CAUSED.causes,
    }
)
DONE = RECEIPT.model_copy(
    update={
        "changes": tuple(
            one.model_copy(update={"result": result}) for one, result in zip(RECEIPT.changes * 2, Applied, strict=False)
        ),
        "notes": ("fewer builds at once",),
        "unlooked": (Unlooked(address=CHANGES[0].address, why="no answer from db1"),),
        "blocked": (CHANGES[1].address,),
        "half_way": (CHANGES[2].address,),
        "waiting": (CHANGES[3].address,),
    }
)


def test_the_plan_has_every_kind_of_outcome():
    assert {change.action for change in EVERYTHING.changes} == set(Action)
    assert {change.difference for change in EVERYTHING.changes} == set(Difference)
    assert {notice.type for notice in EVERYTHING.notices} == set(NoticeType)
    assert {check.status for check in EVERYTHING.checks} == set(CheckStatus)
    assert {change.result for change in DONE.changes} == set(Applied)
    assert plan_report(EVERYTHING).order
    assert plan_report(EVERYTHING).permissions.more


def told(value: object) -> Iterator[str]:
    """Every text of a report: its sentences, and its typed values as each view prints them."""
    match value:
        case Address():
            yield visible(str(value))
        case str() if not isinstance(value, Enum):
            yield visible(value)
        case Enum():
            yield str(value)
        case SqlStep():
            for statement in value.statements:
                yield from map(str.strip, visible_lines(statement))
        case tuple() | list():
            for part in value:
                yield from told(part)


def unexplained(printed: str, report: object) -> list[str]:
    """The words of `printed` that are in no text of `report`."""
    for known in sorted({one for one in told(report) if one}, key=len, reverse=True):
        printed = printed.replace(known, " ")
    return WORD.findall(printed)


def unmarked(printed: str) -> str:
    """Markdown as it reads: without its table's heads, titles of folds and the scripts in them."""
    printed = re.sub(r"(`{3,})sql\n.*?\n\1", "", printed, flags=re.DOTALL)
    printed = re.sub(r"(?m)^\|.*\|\n(?=\| --- )|^<details>.*$|^</details>$|^> \[!(WARNING|NOTE)\]$", "", printed)
    printed = re.sub(r"<br>|</?code>|\*\*hazards\*\*", " ", printed)
    return unescape(re.sub(r"\\([\\`*_{}\[\]~$])", r"\1", printed.replace("<!-- -->", "")))


@pytest.mark.parametrize("plan", [EVERYTHING, PLAN, Plan(reconciler_version="0", created_at=NOW, targets={})])
@pytest.mark.parametrize(
    ("view", "report"),
    [
        (text.plan, plan_report),
        (text.drift, drift_report),
        (checks.text, checks_report),
        (markdown.plan, plan_report),
        (markdown.drift, drift_report),
        (checks.markdown, checks_report),
    ],
    ids=["plan.txt", "drift.txt", "checks.txt", "plan.md", "drift.md", "checks.md"],
)
def test_what_is_printed_of_a_plan_comes_from_its_rows(request, view, report, plan: Plan):
    printed = view(plan, Endless())
    assert unexplained(unmarked(printed) if ".md" in request.node.name else printed, report(plan)) == []


def test_what_is_printed_of_a_receipt_comes_from_its_rows():
    planned = {change.address: change.evidence for change in CHANGES}
    assert unexplained(receipts.text(DONE, Endless(), planned), receipt_report(DONE, planned)) == []


def test_a_word_of_a_view_s_own_is_found():
    report = plan_report(PLAN)
    assert unexplained(text.plan(PLAN, Endless()) + "Have a look.", report) == ["Have", "look"]
    assert unexplained(text.plan(PLAN, Endless()), report._replace(summary=())) != []


def test_verdicts_of_rows_are_those_of_the_plan():
    report = plan_report(EVERYTHING)
    assert report.verdict is of_plan(EVERYTHING) is drift_report(EVERYTHING).verdict
    assert {row.name: row.verdict for row in report.targets} == {
        name: of_targets(EVERYTHING)[name] for name in EVERYTHING.targets
    }
    by_address = {row.address: row.verdict for row in (*report.changes, *report.notices)}
    assert by_address[Address("main", "pg_setting", "wal_buffers")] is Verdict.HALF_WAY
    assert by_address[Address("main", "pg_index", "public.users_email_key")] is Verdict.BLOCKED
    assert checks_report(EVERYTHING).verdict is exit_codes.of_checks(EVERYTHING.checks)


def sentences(view: str) -> Iterator[str]:
    """Texts of three words and more that a view holds itself, its docstrings left out."""
    tree = ast.parse((VIEWS / view).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            for part in value if isinstance(value, list) else [value]:
                text = getattr(part, "value", None) if isinstance(part, ast.Constant) else None
                if isinstance(text, str) and not isinstance(node, ast.Expr) and len(WORD.findall(text)) > 2:
                    yield text


@pytest.mark.parametrize(
    ("view", "of_its_form"),
    [
        ("text.py", []),
        ("receipt.py", []),
        ("checks.py", []),
        ("junit.py", ['<?xml version="1.0" encoding="UTF-8"?>']),
        (
            "markdown.py",
            [
                "Why and evidence", "changes with the hazard ", "Seen and wanted",
                "The exact steps on ", "changes' steps on ", "sentences of policies", "targets that could not be read",
                "reasons of what is blocked", "reconciler show PLAN --format markdown --limit 0",
            ],
        ),
        ("comment.py", [
            "**Too long for a comment: ", "**Too long for a comment: much is left out.**", " shows all of it.",
        ]),
    ],
)  # fmt: skip
def test_a_view_words_nothing_but_its_own_form(view: str, of_its_form: list[str]):
    assert sorted(sentences(view)) == sorted(of_its_form)


def test_a_receipt_says_what_is_left_of_each_change():
    report = receipt_report(DONE, {})
    assert [row.verdict for row in report.changes] == [exit_codes.left_by(DONE).of_change(one) for one in DONE.changes]


def test_a_row_says_in_which_file_and_line_it_is_declared():
    report = plan_report(PLAN)
    assert report.changes[0].place == drift_report(PLAN).resources[0].place == ("desired/postgres/tasks.yaml", "7")
    assert report.notices[0].place == ("desired/x.yaml", "1")
    assert report.checks[0].place == ("desired/checklists/production.yaml", "3")
    assert {place("").line, place("a").line, place("a:x").line, place("a:²:1").line} == {""}


def test_drift_says_what_runs_where_only_the_file_has_what_is_declared():
    change = setting("jit", "on", "off", difference=Difference.NOT_RUNNING, reason="postgresql.auto.conf:3 has it")
    row = drift_report(PLAN.model_copy(update={"changes": (change,)})).resources[0]
    assert row.says == "declared off; observed on; persisted, not running: postgresql.auto.conf:3 has it"
    assert (row.declared, row.observed, row.told) == ("off", "on", "postgresql.auto.conf:3 has it")
