"""The policy of a target, and of whoever runs the tool: what it comes to, and the very words about what is wrong."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from typing import NamedTuple

import pytest
from desired.reading import load_files, load_refused

from reconciler.desired.policy_file import read_policy
from reconciler.errors import DesiredError
from reconciler.model import ApprovalsNeeded, AtMost, Bounds, HazardType, Overrun, Policy, Window, WindowRule

TARGET = "targets: {main: {postgres: 'host=h', policy: %s}}\n"
WHOLE = """\
  deny: [restart]
  approvals: {required: 1, for: {index-drop: 3}}
  windows:
    - {allow: "0 22 * * *", for: 6h, zone: Europe/Berlin}
    - {deny: "0 0 24 12 *", for: 3d, zone: UTC, overrun: stop, reason: freeze}
  outside_window: never
  without_estimate: run
  at_most: {builds: 5, build_time: 2h}
  bounds: {replica_lag: 64MB, wal: 20GB, free_disk: 10GB}
"""
MEANT = Policy(
    deny=(HazardType.RESTART,),
    approvals=ApprovalsNeeded(required=1, by_hazard={HazardType.INDEX_DROP: 3}),
    windows=(
        Window(rule=WindowRule.ALLOW, cron="0 22 * * *", lasts=timedelta(hours=6), zone="Europe/Berlin"),
        Window(
            rule=WindowRule.DENY,
            cron="0 0 24 12 *",
            lasts=timedelta(days=3),
            zone="UTC",
            overrun=Overrun.STOP,
            reason="freeze",
        ),
    ),
    outside_window=False,
    without_estimate=True,
    at_most=AtMost(builds=5, build_time=timedelta(hours=2)),
    bounds=Bounds(replica_lag=64 << 20, wal=20 << 30, free_disk=10 << 30),
)


class Case(NamedTuple):
    reason: str
    policy: str
    error: str


HAZARDS = (
    "index-build, index-drop, user-drop, less-safe, runs-programs, stops-service, evicts-keys, waits-for-restart, "
    "restart, stops-standbys, needs-reindex or locks-partitions"
)

CASES = [
    Case(
        "no mapping",
        "2",
        'targets.yaml:1:46: policy: expected a mapping {key: value}, not "2"',
    ),
    Case(
        "a key that is none",
        "{denies: [restart]}",
        'targets.yaml:1:47: unknown key "denies"; did you mean "deny"? (valid: deny, approvals, windows, '
        "outside_window, without_estimate, at_most, bounds)",
    ),
    Case(
        "a hazard that is none",
        "{deny: [drop-all]}",
        f'targets.yaml:1:54: deny: expected {HAZARDS}, not "drop-all"',
    ),
    Case(
        "one that is not in a list",
        "{deny: restart}",
        'targets.yaml:1:53: deny: expected a list [a, b], not "restart"',
    ),
    Case(
        "an amount without its unit",
        "{bounds: {wal: 20}}",
        "targets.yaml:1:61: wal: expected an amount with its unit, like 64MB or 10GB",
    ),
    Case(
        "a lag that is neither",
        "{bounds: {replica_lag: 64 cows}}",
        "targets.yaml:1:69: replica_lag: expected an amount of WAL or a duration, like 64MB or 30s",
    ),
    Case(
        "fewer approvals than none",
        "{approvals: -1}",
        "targets.yaml:1:58: approvals: expected a number up to 100",
    ),
    Case(
        "more than anybody has",
        "{approvals: 101}",
        "targets.yaml:1:58: approvals: expected a number up to 100",
    ),
    Case(
        "approvals by hazard",
        "{approvals: {for: {index-drop: x}}}",
        "targets.yaml:1:77: index-drop: expected a number up to 100",
    ),
    Case(
        "approvals for no hazard",
        "{approvals: {for: {nothing: 1}}}",
        f'targets.yaml:1:65: nothing: expected {HAZARDS}, not "nothing"',
    ),
    Case(
        "no rule",
        "{windows: [{for: 6h, zone: UTC}]}",
        "targets.yaml:1:57: windows: a window has either allow or deny, with when it begins",
    ),
    Case(
        "two rules",
        "{windows: [{allow: '0 22 * * *', deny: '0 0 * * *', for: 6h, zone: UTC}]}",
        "targets.yaml:1:57: windows: a window has either allow or deny, with when it begins",
    ),
    Case(
        "no length",
        "{windows: [{allow: '0 22 * * *', zone: UTC}]}",
        'targets.yaml:1:57: windows: the key "for" is missing',
    ),
    Case(
        "no zone: UTC is not taken for granted",
        "{windows: [{allow: '0 22 * * *', for: 6h}]}",
        'targets.yaml:1:57: windows: the key "zone" is missing',
    ),
    Case(
        "a name of cron",
        "{windows: [{allow: '@daily', for: 6h, zone: UTC}]}",
        "targets.yaml:1:65: allow: expected five fields: minute hour day month weekday, like 0 22 * * *",
    ),
    Case(
        "a day that never comes",
        "{windows: [{allow: '0 0 31 2 *', for: 6h, zone: UTC}]}",
        "targets.yaml:1:65: allow: this is no cron expression: Bad day-of-month",
    ),
    Case(
        "a minute that there is not",
        "{windows: [{allow: '61 * * * *', for: 6h, zone: UTC}]}",
        "targets.yaml:1:65: allow: this is no cron expression: Bad minute",
    ),
    Case(
        "every minute",
        "{windows: [{allow: '* * * * *', for: 6h, zone: UTC}]}",
        "targets.yaml:1:65: allow: a window begins once an hour at most: its minute is one number, like 0 22 * * *",
    ),
    Case(
        "a list of times",
        "{windows: [{allow: [1], for: 6h, zone: UTC}]}",
        'targets.yaml:1:58: allow: expected a cron expression, like "0 22 * * *"',
    ),
    Case(
        "a length without a unit",
        "{windows: [{allow: '0 22 * * *', for: 6, zone: UTC}]}",
        "targets.yaml:1:84: for: expected a duration, like 6h, 90min or 30s",
    ),
    Case(
        "too short",
        "{windows: [{allow: '0 22 * * *', for: 1s, zone: UTC}]}",
        "targets.yaml:1:84: for: a window lasts from 1min to 92d",
    ),
    Case(
        "too long",
        "{windows: [{allow: '0 22 * * *', for: 999999999d, zone: UTC}]}",
        "targets.yaml:1:84: for: a window lasts from 1min to 92d",
    ),
    Case(
        "a city",
        "{windows: [{allow: '0 22 * * *', for: 6h, zone: Berlin}]}",
        "targets.yaml:1:94: zone: expected the name of a time zone, like Europe/Berlin or UTC",
    ),
    Case(
        "a zone that is a file",
        "{windows: [{allow: '0 22 * * *', for: 6h, zone: ../../etc/passwd}]}",
        "targets.yaml:1:94: zone: expected the name of a time zone, like Europe/Berlin or UTC",
    ),
    Case(
        "an empty zone",
        "{windows: [{allow: '0 22 * * *', for: 6h, zone: ''}]}",
        "targets.yaml:1:94: zone: expected the name of a time zone, like Europe/Berlin or UTC",
    ),
    Case(
        "a bound that is no number",
        "{at_most: {builds: many}}",
        "targets.yaml:1:65: builds: expected a number up to 100",
    ),
    Case(
        "a bound that is no time",
        "{at_most: {build_time: 2}}",
        "targets.yaml:1:69: build_time: expected a duration, like 6h, 90min or 30s",
    ),
    Case(
        "neither of both words",
        "{outside_window: maybe}",
        'targets.yaml:1:63: outside_window: expected with-reason or never, not "maybe"',
    ),
    Case(
        "one window that is not in a list",
        "{windows: {allow: '0 22 * * *'}}",
        "targets.yaml:1:47: windows: expected a list [a, b], not a mapping",
    ),
]


def test_what_a_target_says(tmp_path):
    text = "targets:\n  main:\n    postgres: host=h\n    policy:\n" + textwrap.indent(WHOLE, "    ")
    found = load_files(tmp_path, {"targets.yaml": text}).targets["main"].policy
    assert found.declared_at.endswith("targets.yaml:5:7")
    assert found == MEANT.model_copy(update={"declared_at": found.declared_at})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_what_is_wrong_where_and_what_is_expected(tmp_path, case):
    assert load_refused(tmp_path, {"targets.yaml": TARGET % case.policy}) == case.error


def policy_file(folder, text):
    path = folder / "policy.yaml"
    path.write_text(text)
    return path


def test_the_file_of_whoever_runs_the_tool_says_the_same(tmp_path):
    path = policy_file(tmp_path, f"policy:\n{WHOLE}")
    assert read_policy(path) == MEANT.model_copy(update={"declared_at": f"{path}:1:1"})


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "policy.yaml: there is no policy in this file\n  write one: policy: {deny: [index-drop]}"),
        ("deny: [restart]\n", 'policy.yaml:1:1: the key "deny" is not of a file of a policy: it holds `policy` alone'),
        ("policy: {}\n", "policy.yaml:1:1: this policy holds nobody back\n  say what it is to deny or to ask"),
        ("policy: {outside_window: with-reason}\n",
         "policy.yaml:1:1: this policy holds nobody back\n  say what it is to deny or to ask"),
        ("policy: {approvals: 101}\n", "policy.yaml:1:21: approvals: expected a number up to 100"),
        ("policy: {approvals: 1}\n---\npolicy: {approvals: 2}\n",
         "policy.yaml: there are several policies in this file\n  write one: policy: {deny: [index-drop]}"),
    ],
)  # fmt: skip
def test_a_file_that_holds_nobody_back_is_refused(tmp_path, text, error):
    with pytest.raises(DesiredError) as raised:
        read_policy(policy_file(tmp_path, text))
    assert str(raised.value).replace(f"{tmp_path}/", "") == error
