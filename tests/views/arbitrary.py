"""Hypothesis strategies for every plan and receipt that the model allows, with every character that a text may hold."""

from __future__ import annotations

from datetime import UTC

from hypothesis import strategies as st

from reconciler.model import (
    Action,
    Address,
    Applied,
    Cause,
    CauseType,
    Change,
    ChangeReceipt,
    CheckResult,
    CheckStatus,
    Fact,
    Hazard,
    HazardType,
    Idleness,
    IdleRule,
    Ignored,
    IgnoreRule,
    ManualStep,
    Notice,
    NoticeType,
    Partial,
    PatroniStep,
    Plan,
    Receipt,
    RedisStep,
    RestartStep,
    SecretArgument,
    SecretRef,
    Severity,
    SqlStep,
    StepReceipt,
    System,
    TargetInfo,
    UnknownReason,
    Unlooked,
)

NASTY = [
    "\x1b[2J",
    "a → b",
    "\n-- x",
    "`" * 4,
    "|",
    "\\|",
    "</details>",
    "\\! ls",
    "'",
    "é\u0301\u202e",
    "漢字",
    "\x9b",
    " ",
]

words = st.one_of(
    st.text(max_size=12), st.sampled_from(NASTY), st.lists(st.sampled_from(NASTY), max_size=4).map("".join)
)
names = words.filter(bool)
parts = names.map(lambda name: name.replace("/", "") or "x")
addresses = st.builds(Address, target=st.sampled_from(["main", "cache", "\x1b"]) | parts, kind=parts, name=names)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=3,
)
states = st.dictionaries(words, json_values, max_size=2)
hazards = st.lists(st.builds(Hazard, type=st.sampled_from(HazardType), message=words), max_size=2).map(tuple)
timeouts = st.sampled_from(["0", "3s", "15min"]) | words
secrets = st.builds(SecretArgument, secret=st.builds(SecretRef, env=names), form=st.sampled_from(["text", "acl-hash"]))
steps = st.one_of(
    st.builds(
        SqlStep,
        statements=st.lists(words, max_size=2).map(tuple),
        transaction=st.booleans(),
        lock_timeout=timeouts,
        statement_timeout=timeouts,
        attempts=st.integers(1, 12),
        on_failure=st.lists(words, max_size=2).map(tuple),
        partition=words,
        needs_all=st.booleans(),
        hazards=hazards,
    ),
    st.builds(
        RedisStep,
        command=st.lists(words | secrets, max_size=3).map(tuple),
        together=words,
        waits_for=st.sampled_from(["", "append-only-file"]),
        hazards=hazards,
    ),
    st.builds(RestartStep, command=words, after_primary=st.booleans(), hazards=hazards),
    st.builds(
        PatroniStep,
        parameters=st.dictionaries(words, st.none() | words, max_size=2),
        restart_for=st.lists(words, max_size=2).map(tuple),
        hazards=hazards,
    ),
    st.builds(ManualStep, instruction=words, hazards=hazards),
)
facts = st.builds(
    Fact,
    name=words,
    value=numbers | words,
    unit=st.sampled_from(["", "rows", "bytes", "seconds", "scans"]),
    estimated=st.booleans(),
)
some_steps = st.lists(steps, max_size=2).map(tuple)
changes = st.builds(
    Change,
    address=addresses,
    action=st.sampled_from(Action),
    before=st.none() | states,
    after=st.none() | states,
    sensitive=st.lists(words, max_size=2).map(tuple),
    reason=words,
    why=words,
    summary=words,
    notes=st.lists(words, max_size=2).map(tuple),
    steps=some_steps,
    undo=some_steps,
    inverse=some_steps,
    evidence=st.lists(facts, max_size=2).map(tuple),
    lane=words,
    desired=states,
    declared_at=words,
)
ignored = st.builds(Ignored, rule=words, reason=words, until=st.dates())
notices = st.builds(
    Notice, address=addresses, type=st.sampled_from(NoticeType), message=words, declared_at=words,
    ignored=st.none() | ignored,
)  # fmt: skip
causes = st.builds(
    Cause, address=addresses, type=st.sampled_from(CauseType), receipt=words,
    since=st.none() | st.datetimes(timezones=st.just(UTC)),
    commit=words, why=st.none() | st.sampled_from(UnknownReason),
)  # fmt: skip
idle_rules = st.builds(
    IdleRule,
    rule=st.builds(IgnoreRule, pattern=addresses, attribute=words, reason=words, until=st.dates(), declared_at=words),
    idleness=st.sampled_from(Idleness),
)
checks = st.builds(
    CheckResult,
    address=addresses,
    title=words,
    severity=st.sampled_from(Severity),
    status=st.sampled_from(CheckStatus),
    message=words,
    evidence=st.sampled_from(["live", "config", "static", "attested", ""]),
    declared_at=words,
)
targets = st.builds(
    TargetInfo,
    system=st.sampled_from(System),
    product=words,
    version=words,
    location=words,
    database=words,
    identity=words | st.just("7412345678901234567/app"),
)
moments = st.datetimes(timezones=st.just(UTC))
plans = st.builds(
    Plan,
    reconciler_version=words,
    created_at=moments,
    targets=st.dictionaries(st.sampled_from(["main", "cache", "\x1b"]) | names, targets, max_size=2),
    changes=st.lists(changes, max_size=3).map(tuple),
    notices=st.lists(notices, max_size=2).map(tuple),
    checks=st.lists(checks, max_size=2).map(tuple),
    in_sync=st.dictionaries(st.sampled_from(["pg_index", "pg_setting", "redis_setting", "check"]) | words,
                            st.integers(0, 30), max_size=3),
    partial=st.none() | st.builds(Partial, to=st.lists(words, max_size=2).map(tuple), where=words,
                                  left_out=st.integers(0, 9)),
    idle_rules=st.lists(idle_rules, max_size=2).map(tuple),
    causes=st.none() | st.lists(causes, max_size=2).map(tuple),
)  # fmt: skip
receipts = st.builds(
    Receipt,
    reconciler_version=words,
    plan_digest=words,
    started_at=moments,
    finished_at=moments,
    changes=st.lists(
        st.builds(
            ChangeReceipt,
            address=addresses,
            action=st.sampled_from(Action),
            before=st.none() | states,
            after=st.none() | states,
            sensitive=st.lists(words, max_size=2).map(tuple),
            inverse=some_steps,
            result=st.sampled_from(Applied),
            message=words,
            steps=st.lists(st.builds(StepReceipt, step=steps, seconds=st.floats(0, 1e6)), max_size=2).map(tuple),
            started_at=st.none() | moments,
            seconds=st.floats(0, 1e6),
            evidence=st.lists(facts, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    remaining=st.lists(addresses, max_size=2).map(tuple),
    unlooked=st.lists(st.builds(Unlooked, address=addresses, why=words), max_size=2).map(tuple),
)
