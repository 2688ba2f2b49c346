"""`ignore`: what a rule has to say, and what is no rule."""

from __future__ import annotations

from datetime import date

import pytest
from desired.reading import TARGETS, load_files, load_refused
from desired.test_schema import VALIDATOR

from reconciler.model import Address

RULE = "{address: main/pg_setting/work_mem, reason: the autotuner sets it, until: 2026-12-31}"


def ignoring(rule: str) -> dict[str, str]:
    return {"targets.yaml": TARGETS, "ignored.yaml": f"ignore:\n  - {rule}\n"}


def test_rules_of_all_files_are_taken_with_their_places(tmp_path):
    files = ignoring(RULE) | {
        "more.yaml": "ignore:\n- address: '*/redis_*/tmp/*'\n  attribute: value\n  reason: tried out\n"
        "  until: 2026-01-02\n"
    }
    first, second = load_files(tmp_path, files).ignore
    assert (first.pattern, first.attribute, first.reason, first.until) == (
        Address("main", "pg_setting", "work_mem"), "", "the autotuner sets it", date(2026, 12, 31),
    )  # fmt: skip
    assert first.declared_at == f"{tmp_path}/ignored.yaml:2:5"
    assert (second.pattern, second.attribute) == (Address("*", "redis_*", "tmp/*"), "value")


def test_rules_are_read_whatever_targets_are_asked_for(tmp_path):
    from reconciler.desired.narrowing import parse

    assert len(load_files(tmp_path, ignoring(RULE), only=parse(["cache"])).ignore) == 1


REFUSED = {
    "no reason": ("{address: main/pg_setting/work_mem, until: 2026-12-31}", "reason"),
    "an empty reason": ("{address: main/pg_setting/x, reason: '', until: 2026-12-31}", "reason"),
    "no end": ("{address: main/pg_setting/work_mem, reason: x}", "until"),
    "a year for a day": ("{address: main/pg_setting/work_mem, reason: x, until: 2026}", "YEAR-MONTH-DAY"),
    "a moment for a day": ("{address: main/pg_setting/a, reason: x, until: '2026-12-31 10:00'}", "YEAR-MONTH-DAY"),
    "no such day": ("{address: main/pg_setting/a, reason: x, until: 2026-02-30}", "until"),
    "a name alone": ("{address: work_mem, reason: x, until: 2026-12-31}", "expected target/kind/name"),
    "another key": ("{adress: main/pg_setting/a, reason: x, until: 2026-12-31}", "adress"),
    "a node": ("{address: main@db2/pg_setting/a, reason: x, until: 2026-12-31}", "name main"),
    "a kind that nobody knows": ("{address: main/pg_seting/a, reason: x, until: 2026-12-31}", "pg_setting"),
    "a check": ("{address: main/check/a, reason: x, until: 2026-12-31}", "waiver"),
    "a target that nobody declares": ("{address: mian/pg_setting/a, reason: x, until: 2026-12-31}", "main"),
    "a pattern that fits no target": ("{address: 'prod-*/pg_setting/a', reason: x, until: 2026-12-31}", "prod-*"),
    "a secret": ("{address: main/pg_setting/a, reason: it is hunter2, until: 2026-12-31}", "a password that is known"),
}


@pytest.mark.parametrize(("rule", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_rule_is_refused_at_its_place(tmp_path, rule, told):
    error = load_refused(tmp_path, ignoring(rule))
    assert told in error
    assert "ignored.yaml:2:" in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    ("document", "valid"),
    [
        ({"ignore": [{"address": "main/pg_setting/a", "reason": "x", "until": "2026-12-31"}]}, True),
        ({"ignore": [{"address": "main/pg_setting/a", "until": "2026-12-31"}]}, False),
        ({"ignore": {"address": "main/pg_setting/a", "reason": "x", "until": "2026-12-31"}}, False),
    ],
)
def test_editors_know_the_section(document, valid):
    assert VALIDATOR.is_valid(document) is valid
