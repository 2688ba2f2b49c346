"""That nobody has scanned an index is said beside it only where every server that counts has done so for long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.insight.index_usage import Counts, Uncounted
from reconciler.kinds.pg_index.yaml_comments import LONG_ENOUGH, _counted_since


def ago(since: timedelta) -> str:
    return (datetime.now(UTC) - since).strftime("%Y-%m-%d %H:%M:%S UTC")


def counts(since: str, server: str = "", *, counting: bool = True) -> Counts:
    return Counts(server, {}, since, counting, remembers_last=False)


YEAR, MONTH, HOUR = ago(timedelta(days=365)), ago(timedelta(days=30)), ago(timedelta(hours=1))

CASES = [
    ([counts(YEAR)], YEAR, "one server"),
    ([counts(YEAR), counts(MONTH, "db2:5432")], MONTH, "the one that began last"),
    ([counts(HOUR)], None, "statistics that were reset just now"),
    ([counts(YEAR), counts(HOUR, "db2:5432")], None, "a replica that was made just now"),
    ([counts("")], None, "nobody knows since when"),
    ([counts(YEAR, counting=False)], None, "a server that does not count"),
    ([counts(YEAR), Uncounted("db2:5432", "it cannot be reached")], None, "a replica that does not answer"),
    ([Uncounted("", "canceled")], None, "no answer in time"),
    ([], None, "nothing to ask for"),
]


@pytest.mark.parametrize(("servers", "since", "why"), CASES, ids=[why for _, _, why in CASES])
def test_it_is_known_since_when_all_of_them_count(servers, since, why):
    found = _counted_since(servers)
    assert (found and found.strftime("%Y-%m-%d %H:%M:%S UTC")) == since


def test_a_week_is_long_enough_and_a_day_less_is_not():
    assert _counted_since([counts(ago(LONG_ENOUGH + timedelta(minutes=1)))]) is not None
    assert _counted_since([counts(ago(LONG_ENOUGH - timedelta(days=1)))]) is None
