from __future__ import annotations

import pytest

from check.declare import TODAY, decided, declare, results
from reconciler.kinds.check import CheckKind
from reconciler.kinds.check.waiver import fingerprint
from reconciler.model import HttpTarget
from reconciler.targets.http import HttpSession

ELSEWHERE = HttpTarget(name="app", url="http://127.0.0.1:1")

ATTESTATIONS = [
    ({"on": "2026-07-01"}, "attested", "today"),
    ({"on": "2026-04-02"}, "attested", "the 90th day still counts"),
    ({"on": "2026-04-01"}, "fail", "a day later it has lapsed"),
    ({"on": "2026-07-02"}, "fail", "nobody can have seen tomorrow"),
    ({"on": "9999-12-31"}, "fail", "the end of time does not overflow"),
]


@pytest.mark.parametrize(
    ("said", "status"), [case[:2] for case in ATTESTATIONS], ids=[case[2] for case in ATTESTATIONS]
)
def test_an_attestation_counts_for_as_long_as_it_says(said, status):
    attestation = {"every": "90d", "by": "sre", "evidence": "deployment 812 lost nothing", **said}
    [(found, message)] = decided(ELSEWHERE, {"attestation": attestation})
    assert found == status, message


def test_what_nobody_has_attested_fails():
    assert decided(ELSEWHERE, {"attestation": {"every": "90d"}}) == [
        ("fail", "nobody has attested this yet: add by, on and evidence")
    ]


FAILING = {"file": {"path": "nothing", "contains": "x"}}
OPTIONAL = {"file": {"path": "nothing", "contains": "x", "optional": "yes"}}
BINDING = fingerprint(declare(ELSEWHERE, FAILING)[0].checks)

WAIVERS = [
    ({}, FAILING, "waived", "until 2026-12-31 by dba: migration (otherwise fail: there is no nothing)"),
    ({"until": "2026-07-01"}, FAILING, "waived", "until 2026-07-01"),
    ({"until": "2026-06-30"}, FAILING, "fail", "(its waiver by dba expired on 2026-06-30)"),
    ({}, OPTIONAL, "not-applicable", "there is no nothing"),
    ({"for": BINDING}, FAILING, "waived", "until"),
    ({"for": "00000000"}, FAILING, "fail", f"(for: 00000000; now {BINDING})"),
]


@pytest.mark.parametrize(("waiver", "check", "status", "says"), WAIVERS)
def test_a_waiver_accepts_a_failure_until_its_day_and_no_longer(waiver, check, status, says):
    whole = {"until": "2026-12-31", "by": "dba", "reason": "migration", **waiver}
    [(found, message)] = decided(ELSEWHERE, check, waiver=whole)
    assert (found, says in message) == (status, True), message


def test_the_day_is_read_when_observing_and_never_when_planning(secrets):
    days = iter([TODAY])
    kind = CheckKind(lambda: next(days))
    [item] = declare(ELSEWHERE, FAILING, waiver={"until": "2026-12-31", "by": "dba", "reason": "migration"})
    observed = kind.observe(HttpSession(ELSEWHERE, secrets), [item])
    assert kind.plan(item, observed[item.address]) == kind.plan(item, observed[item.address])


def test_all_checks_of_an_item_have_to_be_passed_and_every_failure_is_named(tmp_path):
    (tmp_path / "a").write_text("x")
    good, bad = {"file": {"path": "a", "contains": "x"}}, {"file": {"path": "a", "contains": "y"}}
    found = decided(ELSEWHERE, [good, bad, FAILING], [good, OPTIONAL], [good, good], folder=tmp_path)
    assert found == [
        ("fail", "a does not hold 'y'; there is no nothing"),
        ("not-applicable", "there is no nothing"),
        ("pass", "a is as expected"),
    ]


def test_results_carry_what_views_show():
    [result] = results(ELSEWHERE, declare(ELSEWHERE, FAILING, severity="critical"))
    assert (result.severity.value, result.title, result.evidence) == ("critical", "Item 0", "static")
    assert result.declared_at == "list:(0,)"
