"""Where casts of users may hide in an expression, by the types of its parts.

Decided: docs/decisions.md#what-folding-hides
"""

from __future__ import annotations

from reconciler.kinds.pg_index.comparison.castable_parts import Role
from reconciler.kinds.pg_index.comparison.expression_types import Types
from reconciler.kinds.pg_index.comparison.folding_markers import Expression
from reconciler.kinds.pg_index.comparison.user_defined import FIRST_OF_USERS, Made
from reconciler.kinds.pg_index.model import TableName


def hidden_casts(made: Made, types: Types, table: TableName, expression: Expression) -> list[bool] | None:
    """Which values of an expression may be cast by something that users made; None where that cannot be told."""
    found = []
    for value in expression.values:
        known = types.get((table, value.text))
        casts = made.casts
        if value.role is Role.FREE:
            casts = made.unnamed if value.is_column else made.unnamed_constants
        # Of a constant PostgreSQL writes the type, and nobody else has to.
        is_open = value.is_literal and value.role is not Role.CAST
        if known is None or (known in casts and (known in made.ambiguous or (is_open and known >= FIRST_OF_USERS))):
            return None
        found.append(known in casts and not is_open)
    return found
