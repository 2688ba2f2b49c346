"""Which SQL an item may hold: one statement that reads."""

from __future__ import annotations

import re

READING = {"select_stmt": "SELECT", "variable_show_stmt": "SHOW"}
"""Statements that PostgreSQL's parser may find; VALUES, TABLE and WITH … SELECT are SELECT to it."""

ACTING_FUNCTIONS = re.compile(
    r"set_config|setseed|dblink.*|lo_.*|query_to_xml.*|cursor_to_xml.*|pg_(reload_conf|rotate_logfile.*|notify|promote"
    r"|terminate_backend|cancel_backend|log_backend_memory_contexts|sleep.*|(try_)?advisory_.*|switch_(wal|xlog)"
    r"|create_.*|drop_.*|copy_.*slot|logical_.*|replication_(origin|slot).*|sync_replication_slots|wal_replay_(pause|resume)"
    r"|backup_start|backup_stop|start_backup|stop_backup|stat_reset.*|stat_statements_reset|stat_force.*|stat_clear.*"
    r"|export_snapshot|file_(write|sync|rename|unlink)|prewarm|import_.*|restore_.*|clear_.*)"
)
"""Functions that act on the server or the session although PostgreSQL allows them in a read-only transaction.

A guard against accidents, not against malice: a view can hide a call. The grants of the role that reads are the wall.
"""


def one_reading_statement(text: str) -> str:
    """`text` without its final semicolon. Raises ValueError where it is not exactly one statement that reads."""
    import postgast
    from postgast.pg_query_pb2 import FuncCall

    try:
        statements = postgast.parse(text).stmts
    except postgast.PgQueryError as error:
        raise ValueError(f"PostgreSQL's parser does not take it: {error}") from None
    if len(statements) != 1:
        raise ValueError(f"expected one statement, found {len(statements)}")
    statement = statements[0].stmt
    if statement.WhichOneof("node") not in READING:
        raise ValueError("expected a statement that reads: SELECT, VALUES, TABLE or SHOW")
    if statement.select_stmt.HasField("into_clause") or statement.select_stmt.locking_clause:
        raise ValueError("expected a statement that reads, without INTO and without FOR UPDATE")
    for call in postgast.find_nodes(statement, FuncCall):
        name = call.funcname[-1].string.sval
        if ACTING_FUNCTIONS.fullmatch(name):
            raise ValueError(f"{name}() does more than reading: a check may not call it")
    return text.strip().removesuffix(";")
