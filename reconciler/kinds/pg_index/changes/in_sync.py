"""The indexes of which a plan has nothing to say, in a large one nearly all: told before anything is weighed.

Decided: docs/decisions.md#what-a-plan-spends
"""

from __future__ import annotations

from operator import itemgetter

from reconciler.kinds.pg_index.model import Definition, PgIndex
from reconciler.kinds.pg_index.observed import ObservedIndex

_ORDINARY = frozenset(
    {"table", "live", "same", "elsewhere_on", "listed", "absent", "search_path", "role", "version_num", "in_recovery"}
)
"""What is seen of every index. `elsewhere_on` says something beside `elsewhere` alone."""

_remarkable = itemgetter(*(name for name in ObservedIndex.model_fields if name not in _ORDINARY))


def is_in_sync(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> bool:
    """Whether an index is as declared, word for word, and nothing else was seen that has to do with it; False where
    that takes a closer look. Pure."""
    live = observed.live
    return (
        observed.same
        and live is not None
        and observed.table is not None
        and live.valid
        and not live.partitioned
        and live.builder is None
        and definition.options == live.options
        and definition.tablespace in ("", live.tablespace)
        and definition.comment is None
        and not definition.statistics
        and desired.search_path is None
        and not any(_remarkable(observed.__dict__))
    )
