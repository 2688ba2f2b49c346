"""All kinds, in the order in which a plan names and applies their changes.

Settings come before indexes: a larger maintenance_work_mem or a logged slow query is of use to the builds. Users come
before Redis settings: what a client needs to log in is there before the password is demanded. Checks change nothing.

Decided: docs/decisions.md#order-of-kinds, docs/decisions.md#fences
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.kind import AnyKind
from reconciler.kinds import check, pg_index, pg_setting, redis_setting, redis_user

STAGES: Sequence[Sequence[AnyKind]] = (
    (pg_setting.KIND, pg_setting.RESTART),
    (pg_index.KIND,),
    (redis_user.KIND,),
    (redis_setting.KIND,),
    (check.KIND,),
)
"""Kinds of one stage come in the order of their changes' phases."""

KINDS: Sequence[AnyKind] = tuple(kind for stage in STAGES for kind in stage)

BY_NAME: Mapping[str, AnyKind] = {kind.name: kind for kind in KINDS}
