"""The role that the sessions of a target take on (`role:`), as SET ROLE does.

What is read, judged and built is by that role: its privileges, its `"$user"` in a search_path. Taking a role on is no
wall: code that runs in the session can take it back, so that whose code is trusted is a matter of who logged in. What
looks after sessions of ours (the lock, who watches a build) stays with who logged in, as whom alone they are visible.

Where `apply_as` says who applies, only that login takes the role on: others, who plan and may read no more, are asked
about the rights of who will apply, and stay who they are.

Decided: docs/decisions.md#role-of-a-target
Decided: docs/decisions.md#who-will-apply
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from reconciler.errors import ConnectionFailed
from reconciler.model import PostgresTarget

REFUSED = ("22023", "42501")
"""SQLSTATEs: there is no such role; this user is no member of it. Nothing else that opens a session raises them."""


def taking(target: PostgresTarget) -> Mapping[str, sql.Composable]:
    """The setting by which a session takes its role on; none where it stays who logged in."""
    return {"role": _own(target)} if target.role else {}


def taken(target: PostgresTarget) -> sql.Composed:
    """A query that takes the role on until the transaction ends, before anything depends on who asks."""
    return sql.SQL("select pg_catalog.set_config('role', {}, true)").format(_own(target))


def _own(target: PostgresTarget) -> sql.Composable:
    """The role that whoever logged in takes on: an expression, since only the server knows who that is."""
    role = sql.Literal(target.role or "none")
    if not target.apply_as:
        return role
    return sql.SQL("case when session_user operator(pg_catalog.=) {} then {} else 'none' end").format(
        sql.Literal(target.apply_as), role
    )


def acting(target: PostgresTarget) -> sql.Composable:
    """The name of the role that runs what is planned: an expression."""
    if not target.apply_as:
        return sql.SQL("current_user")
    return sql.Literal(target.role or target.apply_as)


def can_act(target: PostgresTarget) -> sql.Composable:
    """Whether who applies may take that role on: an expression over `acting`, a row of pg_roles."""
    if not (target.apply_as and target.role):
        return sql.SQL("acting.oid is not null")
    return sql.SQL("""
        coalesce((select pg_catalog.pg_has_role(login.oid, acting.oid,
                  case when pg_catalog.current_setting('server_version_num')::int < 160000 then 'MEMBER' else 'SET' end)
                  from pg_catalog.pg_roles login where login.rolname = {}), false)
    """).format(sql.Literal(target.apply_as))


def unable(target: PostgresTarget) -> ConnectionFailed:
    """The declared role cannot be acted as by who is to apply: one of them is not there, or is no member."""
    if target.role:
        what = f"{target.apply_as}, which is to apply, cannot take on the role {target.role}"
        hint = (
            "check `apply_as` and `role` of the target: both have to exist, and the first to be a member of the second"
        )
        return ConnectionFailed(target.name, what, hint=hint)
    return ConnectionFailed(
        target.name, f"there is no role {target.apply_as}, which is to apply", hint="check `apply_as` of the target"
    )


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
