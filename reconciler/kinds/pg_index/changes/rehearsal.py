"""What an apply tries on an empty copy of a table before it builds anything."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from reconciler.kind.applying import Rehearsal
from reconciler.kinds.pg_index.changes import statements
from reconciler.kinds.pg_index.definition.syntax import mentions_whole_row
from reconciler.kinds.pg_index.model import AnyIndex, PgIndex
from reconciler.model import Action, Change, HazardType, SqlStep
from reconciler.targets.foreign.reached_names import reached


def rehearsal(change: Change) -> Sequence[Rehearsal]:
    """The index of `change`, if it builds one. Partitions have the columns of their table: one copy stands for all.

    An index on the row as a whole is left out: of a copy that is a row of another type.
    """
    desired = TypeAdapter(AnyIndex).validate_python(dict(change.desired))
    if not isinstance(desired, PgIndex) or desired.definition is None or not _builds(change):
        return []
    if any(mentions_whole_row(text, desired.table) for text in desired.definition.expressions):
        return []
    texts = (statements.rehearse(desired.table, desired.definition),)
    names = tuple(map(reached, desired.definition.expressions))
    return [Rehearsal(schema=desired.schema_name, table=desired.table, statements=texts, reached=names)]


def _builds(change: Change) -> bool:
    """Whether an index comes to be. That of a partitioned table is built on nothing, and carries no hazard of it."""
    hazards = (hazard.type for step in change.steps if isinstance(step, SqlStep) for hazard in step.hazards)
    return change.action in (Action.CREATE, Action.REPLACE) or HazardType.INDEX_BUILD in hazards
