"""Names that a server does not know: what has become of them, and what was probably meant.

Decided: docs/decisions.md#what-a-server-has
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

RENAMED: Mapping[str, str] = {
    "checkpoint_segments": "max_wal_size (since 9.5, where it became an amount of memory)",
    "force_parallel_mode": "debug_parallel_query (since 16)",
    "krb_srvname": "part of the client's connection string (since 9.4)",
    "logical_replication_mode": "debug_logical_replication_streaming (since 16)",
    "min_parallel_relation_size": "min_parallel_table_scan_size (since 10)",
    "replication_timeout": "wal_sender_timeout (since 9.3)",
    "sort_mem": "work_mem",
    "ssl_ecdh_curve": "ssl_groups (since 18)",
    "unix_socket_directory": "unix_socket_directories",
    "vacuum_mem": "maintenance_work_mem",
    "wal_keep_segments": "wal_keep_size (since 13, where it became an amount of memory)",
}

REMOVED: Mapping[str, str] = {
    "custom_variable_classes": "9.2, where any name with a dot became one",
    "db_user_namespace": "17",
    "default_with_oids": "12",
    "lc_collate": "16; each database has its own, which is chosen when it is made",
    "lc_ctype": "16; each database has its own, which is chosen when it is made",
    "max_fsm_pages": "8.4, where the map of free space began to size itself",
    "old_snapshot_threshold": "17",
    "operator_precedence_warning": "14",
    "promote_trigger_file": "16; use pg_ctl promote or pg_promote()",
    "replacement_sort_tuples": "11",
    "sql_inheritance": "10",
    "ssl_renegotiation_limit": "9.5",
    "standby_mode": "12; a file standby.signal makes a standby",
    "stats_temp_directory": "15, where statistics moved into shared memory",
    "trace_recovery_messages": "17",
    "trigger_file": "12; use pg_ctl promote or pg_promote()",
    "vacuum_cleanup_index_scale_factor": "14",
    "vacuum_defer_cleanup_age": "16; use hot_standby_feedback",
}
"""Release notes of the versions named."""

_CAME: Mapping[int, str] = {
    14: """client_connection_check_interval compute_query_id debug_discard_caches default_toast_compression
        enable_async_append enable_memoize huge_page_size idle_session_timeout in_hot_standby
        log_recovery_conflict_waits min_dynamic_shared_memory recovery_init_sync_method remove_temp_files_after_crash
        ssl_crl_dir track_wal_io_timing vacuum_failsafe_age vacuum_multixact_failsafe_age""",
    15: """archive_library log_startup_progress_interval recovery_prefetch recursive_worktable_factor shared_memory_size
        shared_memory_size_in_huge_pages stats_fetch_consistency wal_decode_buffer_size""",
    16: """createrole_self_grant debug_io_direct debug_logical_replication_streaming debug_parallel_query
        enable_presorted_aggregate file_extend_method gss_accept_delegation icu_validation_level
        max_parallel_apply_workers_per_subscription reserved_connections scram_iterations send_abort_for_crash
        send_abort_for_kill vacuum_buffer_usage_limit""",
    17: """allow_alter_system commit_timestamp_buffers enable_group_by_reordering event_triggers huge_pages_status
        io_combine_limit max_notify_queue_pages multixact_member_buffers multixact_offset_buffers notify_buffers
        serializable_buffers subtransaction_buffers summarize_wal sync_replication_slots synchronized_standby_slots
        trace_connection_negotiation transaction_buffers transaction_timeout wal_summary_keep_time""",
    18: """autovacuum_vacuum_max_threshold autovacuum_worker_slots enable_distinct_reordering
        enable_self_join_elimination extension_control_path file_copy_method idle_replication_slot_timeout
        io_max_combine_limit io_max_concurrency io_method io_workers log_lock_failures max_active_replication_origins
        md5_password_warnings num_os_semaphores oauth_validator_libraries ssl_groups ssl_tls13_ciphers
        track_cost_delay_timing vacuum_max_eager_freeze_failure_rate vacuum_truncate""",
}
SINCE: Mapping[str, int] = {name: version for version, names in _CAME.items() for name in names.split()}
"""Major version by setting that came after 13. Read off servers, 13 to 18, by comparing pg_settings."""

BY_MINOR_RELEASES = frozenset({"composite_type_mismatch", "output_plugin_libraries"})
"""Settings that came to several major versions at once, some of which had been out for years: seen on 15.20 and 18.6,
and not on 16.14 and 17.10. Whether a server has them, no major version tells."""

BEFORE: Mapping[str, str] = {"debug_parallel_query": "force_parallel_mode", "ssl_groups": "ssl_ecdh_curve"}
"""What settings of SINCE were called before."""

RETYPED: Mapping[str, str] = {
    "log_connections": "a list of what to log is understood since 18",
    "wal_compression": "names of methods are understood since 15",
}
"""Settings that were booleans."""

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

SENSITIVE = frozenset({"primary_conninfo", "ssl_passphrase_command"})
"""Settings that may hold a password. Their values are shown nowhere."""

PATTERN = re.compile(r"[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)*")
"""Names of settings in lower case; a dot stands between an extension and its setting."""


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three of `known` that `name` may have been meant to be."""
    return tuple(get_close_matches(name, {candidate.lower() for candidate in known}, n=3, cutoff=0.7))


def unknown(name: str, near: Iterable[str], version_num: int) -> str:
    """Why the server does not know `name`, and what to declare instead. That it does not, the server has said.

    `version_num` is the server's own number for its release (150020: 15.20). Of other releases of the same major
    version nothing is said: a later one may have what this one lacks.
    """
    major, minor = divmod(version_num, 10000)
    if name in RENAMED:
        return f"{name} is now {RENAMED[name]}"
    if name in REMOVED:
        return f"{name} was removed in PostgreSQL {REMOVED[name]}: delete the declaration"
    lacking = f"PostgreSQL {major}.{minor} has no setting {name}"
    if SINCE.get(name, 0) > major:
        before = f"until then it is {BEFORE[name]}" if name in BEFORE else "delete the declaration, or upgrade"
        return f"{lacking}, {SINCE[name]} has: {before}"
    if name in BY_MINOR_RELEASES:
        return f"{lacking}, which minor releases brought: delete the declaration, or update"
    proposal = ", ".join(near)
    return lacking + (f"; did you mean {proposal}?" if proposal else "")


PASSWORD = re.compile(r"\bpassword\s*=|://[^/@\s:]*:[^/@\s]+@", re.IGNORECASE)
"""A connection string with a password in it."""
