"""Names that a server does not know: what has become of them, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

RENAMED: Mapping[str, str] = {
    "checkpoint_segments": "max_wal_size (since 9.5, where it became an amount of memory)",
    "force_parallel_mode": "debug_parallel_query (since 16)",
    "logical_replication_mode": "debug_logical_replication_streaming (since 17)",
    "sort_mem": "work_mem",
    "ssl_ecdh_curve": "ssl_groups (since 18)",
    "unix_socket_directory": "unix_socket_directories",
    "vacuum_mem": "maintenance_work_mem",
    "wal_keep_segments": "wal_keep_size (since 13, where it became an amount of memory)",
}

REMOVED: Mapping[str, str] = {
    "db_user_namespace": "17",
    "default_with_oids": "12",
    "old_snapshot_threshold": "17",
    "operator_precedence_warning": "14",
    "promote_trigger_file": "16; use pg_ctl promote or pg_promote()",
    "replacement_sort_tuples": "11",
    "stats_temp_directory": "15, where statistics moved into shared memory",
    "trace_recovery_messages": "17",
    "vacuum_cleanup_index_scale_factor": "14",
    "vacuum_defer_cleanup_age": "16; use hot_standby_feedback",
}
"""Release notes of the versions named."""

NOT_IN_FILES = frozenset(
    {
        "allow_alter_system",
        "config_file",
        "data_directory",
        "transaction_deferrable",
        "transaction_isolation",
        "transaction_read_only",
    }
)
"""Settings that ALTER SYSTEM refuses ("cannot be changed") though their context is not internal: tried on all of 15
and 18."""

NOT_LESS_THAN_THE_PRIMARY = frozenset(
    {
        "max_connections",
        "max_locks_per_transaction",
        "max_prepared_transactions",
        "max_wal_senders",
        "max_worker_processes",
    }
)
"""What a standby has to have at least as much of as its primary (manual, "Hot Standby": Administrator's Overview)."""

SENSITIVE = frozenset({"primary_conninfo", "ssl_passphrase_command"})
"""Settings that may hold a password. Their values are shown nowhere."""

PATTERN = re.compile(r"[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)*")
"""Names of settings in lower case; a dot stands between an extension and its setting."""


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three of `known` that `name` may have been meant to be."""
    return tuple(get_close_matches(name, {candidate.lower() for candidate in known}, n=3, cutoff=0.7))


def unknown(name: str, near: Iterable[str], version: int) -> str:
    """Why the server does not know `name`, and what to declare instead."""
    if name in RENAMED:
        return f"{name} is now {RENAMED[name]}"
    if name in REMOVED:
        return f"{name} was removed in PostgreSQL {REMOVED[name]}: delete the declaration"
    proposal = ", ".join(near)
    return f"PostgreSQL {version} has no setting {name}" + (f"; did you mean {proposal}?" if proposal else "")


PASSWORD = re.compile(r"\bpassword\s*=|://[^/@\s]*:[^/@\s]+@", re.IGNORECASE)
"""A connection string with a password in it."""
