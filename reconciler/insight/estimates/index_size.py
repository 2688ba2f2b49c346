"""How large an index will be and how long its build may take: evidence for reviewers, never a basis for decisions.

The sizes follow PostgreSQL's own code that fills pages when an index is built (nbtsort.c, nbtdedup.c, hashpage.c,
brin.c), with averages in place of values. Against indexes really built on analysed tables of 200,000 and 1,000,000
rows, on 15 and 18; `tests/pg_index/test_evidence.py` builds such indexes again:

    btree on plain columns, INCLUDE, NULLs     within  5 %
    btree with equal values                    within 12 %; up to 26 % too small where few values make up most rows,
                                               up to 70 % too large where columns determine each other
    btree on expressions                       within 20 %, by the width of the column inside or of their type
    partial                                    as good as the planner's idea of how many rows its predicate keeps
    hash                                       within  1 %
    brin (minmax, inclusion)                   to the page
    gin, gist, spgist, bloom, others           not estimated: that depends on what is inside the values

The time is rough: see `build_seconds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2, prod, sqrt
from statistics import NormalDist
from typing import NamedTuple

from reconciler.insight.candidate import Candidate

PAGE = 8192
"""Bytes of a page. Servers built with another block size are rare, and their indexes a little off."""

_LINE_POINTER = 4
_TUPLE_HEADER = 8
_NULL_BITMAP = 8
"""A header with a bitmap of nulls takes 8 more bytes, aligned."""

_BTREE_ROOM = PAGE - 24 - 16
"""Without the page header and btree's special space."""

_INNER_FILL = 0.70
"""How full a build packs btree's inner pages (BTREE_NONLEAF_FILLFACTOR)."""

_LARGEST_POSTING = PAGE // 10 // 8 * 8 - _LINE_POINTER
"""A build merges equal keys into posting lists of up to a tenth of a page."""

_HEAP_POINTER = 6

_HASH_ITEM = _TUPLE_HEADER + 8 + _LINE_POINTER
"""A hash index stores 4 bytes of hash, aligned."""

_SCAN_BYTES = 1e9
"""Of a table, in a second. This and the next four were measured on two cores of a virtual server, tables in memory."""

_ROW_SECONDS = 0.2e-6
"""To form an index entry, and to check it in the second scan."""

_COMPARE_SECONDS, _COMPARE_TEXT_SECONDS = 0.04e-6, 0.10e-6
"""One comparison of a sort; of values that differ in length, in collation C. Others are slower."""

_HASH_SECONDS = 2e-6
"""A row of a hash index."""

_MOST_EQUAL = 1000
"""Rows with one value in a hash index: from there on its build takes the square of them (34 s instead of 1 s, seen)."""

_WRITE_BYTES = 200e6
"""Of an index, in a second, with its WAL."""

_CONCURRENT_SECONDS = 0.05
"""Three transactions, and waiting for those that had begun before: where nobody holds one."""

_SUMMARISED_BY_MINMAX = ("minmax_ops", "inclusion_ops")


class Values(NamedTuple):
    """What is known of the values of one column or expression.

    width       average bytes as stored, of those that are not null.
    align       1, 2, 4 or 8.
    varies      whether they differ in length.
    nulls       fraction that is null.
    distinct    how many different ones; infinite where that is not known.
    mergeable   whether btree may merge equal ones: not of types whose equal values can look different (numeric).
    """

    width: float
    align: int = 1
    varies: bool = True
    nulls: float = 0.0
    distinct: float = float("inf")
    mergeable: bool = True


def index_bytes(
    candidate: Candidate, keys: Sequence[Values], include: Sequence[Values], rows: float, pages: int
) -> int | None:
    """Estimated bytes of the index on a table of `pages`, of which `rows` rows are indexed.

    None where nothing honest can be said.
    """
    match candidate.method:
        case "btree":
            return _btree(candidate, keys, include, rows)
        case "hash":
            return _hash(candidate, keys[0], rows)
        case "brin":
            return _brin(candidate, keys, pages)
        case _:
            return None


def build_seconds(candidate: Candidate, keys: Sequence[Values], rows: float, table: int, index: int) -> float | None:
    """Rough seconds of CREATE INDEX CONCURRENTLY, from bytes of the table, rows indexed and bytes of the index.

    Two scans of the table, a sort of n·log2(n) comparisons, and writing. Seen on 15 and 18 with 1 and 3 million rows
    in memory: a third to three times of it; values that are sorted already are the quick ones. Cold disks, other
    load, and whoever has to be waited for come on top; parallel workers take some away.

    None where the time depends on what is inside the values.
    """
    seconds = _CONCURRENT_SECONDS + 2 * table / _SCAN_BYTES + index / _WRITE_BYTES
    match candidate.method:
        case "btree":
            compare = _COMPARE_TEXT_SECONDS if keys[0].varies else _COMPARE_SECONDS
            return seconds + rows * (_ROW_SECONDS + compare * log2(max(2.0, rows)))
        case "hash" if rows <= _MOST_EQUAL * keys[0].distinct:
            return seconds + rows * _HASH_SECONDS
        case "brin":
            return seconds + rows * _ROW_SECONDS
        case _:
            return None


def _btree(candidate: Candidate, keys: Sequence[Values], include: Sequence[Values], rows: float) -> int:
    columns = [*keys, *include]
    merges = (
        not candidate.unique
        and not include
        and all(key.mergeable for key in keys)
        and candidate.options.get("deduplicate_items", "on").lower() not in ("off", "false", "no", "0")
    )
    item = _TUPLE_HEADER + _data(columns) + _NULL_BITMAP * (1 - prod(1 - each.nulls for each in columns))
    leaf_bytes = rows * (item + _LINE_POINTER)
    items = rows
    if merges and rows:
        nulls = rows * keys[0].nulls if len(keys) == 1 else 0.0
        if nulls:
            item = _TUPLE_HEADER + _data([keys[0]._replace(nulls=0.0)])
        groups = min(rows - nulls, prod(max(1.0, each.distinct) for each in keys))
        parts = [_merged(_TUPLE_HEADER + _NULL_BITMAP, nulls, 1), _merged(item, rows - nulls, groups)]
        leaf_bytes, items = (sum(each) for each in zip(*parts, strict=True))
    # A page is full when less than its reserve is left; its last item then becomes its upper bound, on the next page.
    reserve = PAGE * (100 - _fillfactor(candidate, 90)) // 100
    average = leaf_bytes / items if items else item
    room = max(1.0, ceil((_BTREE_ROOM - reserve) / average) - 1) * average
    leaves = ceil(leaf_bytes / room)
    inner, level = 0, leaves
    while level > 1:
        level = ceil(level / max(2.0, _BTREE_ROOM * _INNER_FILL / (item + _LINE_POINTER)))
        inner += level
    return (1 + leaves + inner) * PAGE


def _merged(key: float, rows: float, groups: float) -> tuple[float, float]:
    """Bytes and number of the items for `rows` rows of which always rows/groups are equal, in posting lists."""
    if rows <= 0 or groups <= 0:
        return 0.0, 0.0
    equal = rows / groups
    most = max(2.0, (_LARGEST_POSTING - key) // _HEAP_POINTER)
    single = key + _LINE_POINTER
    if equal < 2:
        pair = single + 2 * _HEAP_POINTER + 4
        return groups * (single + (equal - 1) * (pair - single)), groups
    full, rest = divmod(equal, most)
    full_bytes = full * (single + most * _HEAP_POINTER)
    rest_bytes = single + rest * _HEAP_POINTER + 4 if rest >= 1 else 0.0
    return groups * (full_bytes + rest_bytes), groups * (full + (rest >= 1))


def _data(columns: Sequence[Values]) -> float:
    """Bytes of the values of one item with what aligns them, the whole aligned to 8."""
    offset, varies = 0.0, False
    for column in columns:
        if not column.varies:
            offset = _aligned(offset, column.align, varies)
            varies = False
        offset += column.width * (1 - column.nulls)
        varies = varies or column.varies
    return _aligned(offset, 8, varies)


def _aligned(offset: float, align: int, varies: bool) -> float:
    """Lengths that vary end anywhere, and lose half of what aligns the next; short ones hardly differ."""
    return offset + (align - 1) / 2 if varies and offset >= 16 else ceil(offset / align) * align


def _hash(candidate: Candidate, key: Values, rows: float) -> int:
    per_bucket = max(10, PAGE * _fillfactor(candidate, 75) // 100 // _HASH_ITEM)
    wanted = max(2.0, rows / per_bucket)
    # Buckets come in powers of two; beyond 512 in quarters of the next.
    power = 2 ** ceil(log2(wanted))
    buckets = power if power <= 512 else power // 2 + ceil((wanted - power // 2) / (power // 8)) * (power // 8)
    indexed = rows * (1 - key.nulls)  # nulls are in no bucket
    per_page = (PAGE - 24 - 16) // _HASH_ITEM
    if key.distinct < buckets:
        overflow = max(0.0, indexed / per_page - key.distinct)
    else:
        # Between two powers some buckets are split already, and hold half of what the others do.
        low = 2 ** int(log2(buckets))
        equal = max(1.0, indexed / key.distinct)
        overflow = 2 * (buckets - low) * _spilt(indexed / low / 2, equal, per_page)
        overflow += (2 * low - buckets) * _spilt(indexed / low, equal, per_page)
    return int(buckets + overflow + 2) * PAGE


def _spilt(load: float, equal: float, per_page: int) -> float:
    """Expected overflow pages of a bucket of about `load` items, which come `equal` at a time."""
    if not load:
        return 0.0
    spread = NormalDist(load, sqrt(load * equal))
    return sum(1 - spread.cdf(full * per_page) for full in range(1, 20))


def _brin(candidate: Candidate, keys: Sequence[Values], pages: int) -> int | None:
    if any(key.opclass and not key.opclass.endswith(_SUMMARISED_BY_MINMAX) for key in candidate.keys):
        return None
    each = candidate.options.get("pages_per_range", "")
    ranges = ceil(pages / (int(each) if each.isdigit() and int(each) else 128)) or 1
    summary = 8 + sum(2 * ceil(key.width / key.align) * key.align for key in keys)
    item = ceil(summary / 8) * 8 + _LINE_POINTER
    mapped = ceil(ranges / ((PAGE - 24 - 8) // _HEAP_POINTER))
    return (1 + mapped + ceil(ranges * item / (PAGE - 24 - 8))) * PAGE


def _fillfactor(candidate: Candidate, default: int) -> int:
    declared = candidate.options.get("fillfactor", "")
    return int(declared) if declared.isdigit() and int(declared) else default
