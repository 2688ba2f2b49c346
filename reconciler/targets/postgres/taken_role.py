"""The role that the sessions of a target take on (`role:`), as SET ROLE does.

What is read, judged and built is by that role: its privileges, its `"$user"` in a search_path. Taking a role on is no
wall: code that runs in the session can take it back, so that whose code is trusted is a matter of who logged in. What
looks after sessions of ours (the lock, who watches a build) stays with who logged in, as whom alone they are visible.

Decided: docs/decisions.md#role-of-a-target
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from reconciler.errors import ConnectionFailed
from reconciler.model import PostgresTarget

REFUSED = ("22023", "42501")
"""SQLSTATEs: there is no such role; this user is no member of it. Nothing else that opens a session raises them."""


def taking(target: PostgresTarget) -> Mapping[str, str]:
    """The setting by which a session takes its role on; none where it stays who logged in."""
    return {"role": target.role} if target.role else {}


def taken(target: PostgresTarget) -> sql.Composed:
    """A query that takes the role on until the transaction ends, before anything depends on who asks."""
    return sql.SQL("select pg_catalog.set_config('role', {}, true)").format(sql.Literal(target.role or "none"))


def as_login(target: PostgresTarget) -> PostgresTarget:
    """The same target for a session that stays who logged in."""
    return target.model_copy(update={"role": ""}) if target.role else target


def refusal(target: PostgresTarget, user: str, answer: str, sqlstate: str | None) -> ConnectionFailed | None:
    """Why the role could not be taken on, where that is what the server's `answer` is about."""
    if not target.role or sqlstate not in REFUSED:
        return None
    return ConnectionFailed(
        target.name,
        f"the role {target.role} cannot be taken on: {answer}",
        hint=f"check `role` of the target: it has to exist, and {user} to be a member of it, or a superuser",
    )
