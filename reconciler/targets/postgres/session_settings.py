"""What sessions set: how long they wait, what they may do, and how statements are to be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from psycopg import sql

from reconciler.model import PostgresTarget
from reconciler.targets.postgres import role_and_database_timeouts
from reconciler.targets.postgres.taken_role import taking

READING_SETTINGS = {
    "statement_timeout": "60s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",
}
"""Of each transaction that reads: no query of ours takes near a minute, and none should wait for a lock of somebody
else's. Neither is an answer that long on its way to us, inside of a transaction, wherever we are.

Compiling is never worth it for queries of the catalogue, whose costs the planner overestimates: seen on Debian's 15,
reading the indexes of one table took 6 s with jit and 0.07 s without.
"""


SAME_FOR_ALL = {
    # how values are printed
    "extra_float_digits": "1",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    # how statements are printed and read
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "xmloption": "content",
    # what is answered
    "row_security": "on",
    "gin_fuzzy_search_limit": "0",
    # what a session survives, and what it is told beside its answers
    "exit_on_error": "off",
    "client_min_messages": "warning",
}
"""Of every transaction of ours: whoever owns a role or a database gives it settings of his own, and neither how
definitions are printed, nor what the texts in a plan mean when they are run, may depend on them.

His are those that say what a text means to the application, too: in which order it writes day and month where a
declared date has no year in front, the time zone of times without one, amounts of money. So are costs and the methods
that the planner may use, since advice is about its queries.

Decided: docs/decisions.md#settings-that-a-database-gives-our-sessions
"""


SAME_WHERE_THERE = {"restrict_nonsystem_relation_kind": "", "stats_fetch_consistency": "cache"}
"""The same, of what not every version has (13.16, 14.13, 15.8 and 16.4 brought the first, 15 the second)."""


_DURABLE = """
    pg_catalog.set_config(
        'synchronous_commit',
        case when pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off' then 'on'
             else pg_catalog.current_setting('synchronous_commit') end,
        {until})
"""
"""What is said to be done survives a crash of the server; for which standbys a commit waits is not ours to say."""


UNLIMITED = {"idle_session_timeout": "0", "transaction_timeout": "0", "statement_timeout": "0"}
"""Off in every session of ours that sets no other, where the server has them (the first two: 14, 17): such a session
waits while we think, which takes longer on a busy machine, and builds indexes. Each step has its own time limit."""


_ALWAYS = sql.SQL("true")


def setting(
    settings: Mapping[str, str | sql.Composable],
    *,
    local: bool,
    where_there: Mapping[str, str],
    only_if: sql.Composable = _ALWAYS,
) -> sql.Composed:
    """One statement that empties the search_path and sets `settings`, what is the same for all, and of `where_there`
    what the server knows, until the transaction ends if `local`; nothing unless `only_if`, and then `settings` is null.
    It tells its process, and the limits that there were before.

    Every name in it is qualified: it is what runs first, while whatever path a role or a database has been given
    decides where other names are looked for.
    """
    until = sql.SQL("true" if local else "false")
    where_there = {**SAME_WHERE_THERE, **where_there}
    return sql.SQL(
        "select pg_catalog.pg_backend_pid() as pid, {limits} as limits,"
        " case when {only_if} then array[{durable}, {settings}] end as settings,"
        " case when {only_if} then array(select pg_catalog.set_config(name, value, {until})"
        " from rows from (pg_catalog.unnest({names}::pg_catalog.text[]),"
        " pg_catalog.unnest({values}::pg_catalog.text[])) as known (name, value)"
        " where pg_catalog.current_setting(name, true) is not null) end as known"
    ).format(
        only_if=only_if,
        durable=sql.SQL(_DURABLE).format(until=until),
        limits=sql.SQL(role_and_database_timeouts.NOW),
        settings=sql.SQL(", ").join(
            sql.SQL("pg_catalog.set_config({}, {}, {})").format(sql.Literal(name), _expression(value), until)
            for name, value in {"search_path": "", **SAME_FOR_ALL, **settings}.items()
        ),
        until=until,
        names=sql.Literal(list(where_there)),
        values=sql.Literal(list(where_there.values())),
    )


def _expression(value: str | sql.Composable) -> sql.Composable:
    return sql.Literal(value) if isinstance(value, str) else value


def own_process(claimed: int, others: Collection[int]) -> sql.Composed:
    """A condition: the process is the one that was told when we connected, and serves no other session of ours."""
    return sql.SQL(
        "pg_catalog.pg_backend_pid() operator(pg_catalog.=) {} and"
        " pg_catalog.pg_backend_pid() operator(pg_catalog.<>) all ({}::pg_catalog.int4[])"
    ).format(sql.Literal(claimed), sql.Literal(f"{{{','.join(map(str, others))}}}"))


_READING = setting(READING_SETTINGS, local=True, where_there={"transaction_timeout": "0"})


def reading_settings(target: PostgresTarget) -> sql.Composed:
    """What begins each transaction that reads; without a role, the same for all."""
    if not target.role:
        return _READING
    return setting({**READING_SETTINGS, **taking(target)}, local=True, where_there={"transaction_timeout": "0"})
