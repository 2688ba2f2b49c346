"""When a partitioned index is, becomes, or stays INVALID.

PostgreSQL marks one valid when a part is attached and it finds all partitions to have valid ones then; what becomes of
the partitions later it does not look at. So an index stays INVALID whose last partition without a part has gone, or
one of whose parts was INVALID when it was attached, and is mended. Attaching a part that is attached already changes
nothing, and since the minor releases of May 2026 has PostgreSQL look again, also at the indexes above (commit
9d3e094f12). Before, only another index helps.

Decided: docs/decisions.md#attaching-once-more
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from reconciler.kinds.pg_index.changes import steps
from reconciler.kinds.pg_index.observed import LiveIndex, PartitionIndex
from reconciler.model import SqlStep

TableName = tuple[str, str]

LOOKS_AGAIN = {14: 140023, 15: 150018, 16: 160014, 17: 170010, 18: 180004}
"""By major version, the first that looks again when a part is attached that already is. 13 never does, 19 always."""


class _State(IntEnum):
    """Of an index of a partition, or of the whole: of those below, the worst counts."""

    VALID = 0
    AGAIN = 1
    """It is valid as soon as PostgreSQL looks again."""
    LACKS = 2
    """A part is still to be attached, and then it is looked at."""
    STUCK = 3


def looks_again(version_num: int) -> bool:
    """Whether the server marks an index valid whose part is attached a second time."""
    return version_num >= LOOKS_AGAIN.get(version_num // 10000, 190000)


def stuck(table: TableName, live: LiveIndex, tree: Sequence[PartitionIndex], version_num: int) -> bool:
    """Whether `live`, a partitioned index of `table`, stays INVALID, whatever is attached to it, or a second time.

    With a foreign table among the partitions none is ever valid that was not made in one piece, which is no fault of
    it; nor is one INVALID for long that has no partitions.
    """
    if live.valid or not tree or any(part.relkind == "f" for part in tree):
        return False
    return _look((table[0], live.name), table, live, tree, version_num)[0] is _State.STUCK


def attach_again(
    name: str, table: TableName, live: LiveIndex, tree: Sequence[PartitionIndex], version_num: int
) -> list[SqlStep]:
    """What has PostgreSQL look again at `live` and at all that is below it, where they lack nothing. `name` is what
    `live` is called by then."""
    return [] if live.valid else _look((table[0], name), table, live, tree, version_num)[1]


def _look(
    own: tuple[str, str], table: TableName, live: LiveIndex, tree: Sequence[PartitionIndex], version_num: int
) -> tuple[_State, list[SqlStep]]:
    """The state of the partitioned index `own` of `table`, and what has PostgreSQL look at it again."""
    if live.valid:
        return _State.VALID, []
    parts = [part for part in tree if part.parent == table]
    worst, run = _State.VALID if parts else _State.STUCK, []
    for part in parts:
        state, again = _of_part(part, tree, version_num)
        worst = max(worst, state)
        run += again
    if worst is not _State.VALID:
        return worst, run
    if not looks_again(version_num):
        return _State.STUCK, []
    part = parts[0]
    return _State.AGAIN, [steps.attach(*own, part.schema_name, part.name, f"{part.schema_name}.{part.table}")]


def _of_part(part: PartitionIndex, tree: Sequence[PartitionIndex], version_num: int) -> tuple[_State, list[SqlStep]]:
    if part.relkind == "f" or part.attached is None:
        return _State.LACKS, []
    if part.attached.valid:
        return _State.VALID, []
    if part.relkind != "p":
        return _State.STUCK, []
    table = (part.schema_name, part.table)
    return _look((part.schema_name, part.attached.name), table, part.attached, tree, version_num)
