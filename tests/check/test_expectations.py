from __future__ import annotations

import pytest

from check.declare import TODAY
from reconciler.kinds.check.check_type import Circumstances
from reconciler.kinds.check.expectations import Expectations, NotComparable, plain_scale, redis_scale, unmet
from reconciler.kinds.check.types.pg_setting import FoundSetting, PgSettingCheck, decide

GB = 1 << 30

MEMORY, TIME, NONE = "8kB", "ms", ""
SETTINGS = [
    # value, unit, what is expected, status, reason
    ("16384", MEMORY, {"equals": "128MB"}, "pass", "16384 pages of 8 kB are 128 MB"),
    ("16384", MEMORY, {"equals": "16384"}, "pass", "a bare number counts the setting's own unit"),
    ("16384", MEMORY, {"at_least": "0.8% of memory"}, "fail", "0.8% of 16 GB are 131 MB"),
    ("16384", MEMORY, {"at_least": "0.7% of memory"}, "pass", "0.7% of 16 GB are 115 MB"),
    ("16384", MEMORY, {"at_most": "memory / 128"}, "pass", "a 128th of 16 GB is 128 MB"),
    ("16384", MEMORY, {"less_than": "memory / 128"}, "fail", "and not less"),
    ("16384", MEMORY, {"at_least": "128mb"}, "error", "PostgreSQL's units are case-sensitive, ours too"),
    ("16384", MEMORY, {"at_least": "1 min"}, "error", "a time is no memory"),
    ("100", TIME, {"at_most": "0.25s"}, "pass", "decimals are exact"),
    ("100", TIME, {"less_than": "100ms"}, "fail", "equal is not less"),
    ("100", TIME, {"greater_than": "99999us"}, "pass", "microseconds are times"),
    ("100", TIME, {"at_least": "1min", "at_most": "1h"}, "fail", "all have to hold"),
    ("-1", TIME, {"at_most": "250ms"}, "fail", "-1 switches off, and is no short time"),
    ("-1", TIME, {"equals": "-1"}, "pass", "but it can be wanted"),
    ("-1", TIME, {"at_most": "-1"}, "pass", "a negative bound means the very number"),
    ("1.1", NONE, {"at_most": "1.10"}, "pass", "amounts, not texts"),
    ("4", NONE, {"one_of": ["1.1", "2"]}, "fail", "none of them"),
    ("on", NONE, {"equals": "true"}, "pass", "booleans keep what was typed"),
    ("on", NONE, {"equals": "off"}, "fail", "the other one"),
    ("replica", NONE, {"equals": "Replica"}, "pass", "enums are case-insensitive"),
    ("replica", NONE, {"at_least": "1"}, "error", "a word has no size"),
]


@pytest.mark.parametrize(
    ("value", "unit", "expected", "status"), [case[:4] for case in SETTINGS], ids=[case[4] for case in SETTINGS]
)
def test_a_setting_is_understood_in_its_own_unit(value, unit, expected, status):
    found = FoundSetting(name="s", value=value, unit=unit, vartype="", pending_restart=False)
    verdict = decide(PgSettingCheck(pg_setting="s", **expected), found, Circumstances(TODAY, 16 * GB))
    assert verdict.status.value == status, verdict.message


def test_a_percentage_without_known_memory_is_not_visible_and_says_what_to_declare():
    found = FoundSetting(name="s", value="1", unit="MB", vartype="", pending_restart=False)
    verdict = decide(PgSettingCheck(pg_setting="s", at_most="25% of memory"), found, Circumstances(TODAY, None))
    assert verdict.status.value == "not-visible"
    assert "declare `memory:`" in verdict.message


REDIS = [
    ("1073741824", {"equals": "1gb"}, "", "gb is 1024³"),
    ("1000000000", {"equals": "1G"}, "", "g is 1000³, in any case"),
    ("1073741824", {"at_most": "1g"}, "at most 1g", "and so less than gb"),
    ("0", {"greater_than": "0"}, "greater than 0", "no limit is no limit"),
    ("6442450944", {"at_most": "75% of memory"}, "", "exactly"),
    ("6442450945", {"at_most": "75% of memory"}, "at most 75% of memory (6GB)", "a byte too many"),
]


@pytest.mark.parametrize(
    ("value", "expected", "missing"), [case[:3] for case in REDIS], ids=[case[3] for case in REDIS]
)
def test_redis_units(value, expected, missing):
    assert unmet(Expectations(**expected), value, redis_scale(8 * GB)) == missing


@pytest.mark.parametrize("text", ["", "NaN", "inf", "1e9999", "five", "0x10", "1 2", "25%"])
def test_rubbish_is_not_compared(text):
    with pytest.raises(NotComparable):
        unmet(Expectations(at_least="1"), text, plain_scale(None))
