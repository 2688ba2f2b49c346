"""Which functions a statement may call that is only to read: an allow list, by where they come from and what they do.

Allowed are functions of pg_catalog and of extensions that a superuser owns, unless they are volatile, and a role's own
where its session may do no harm. Volatility is a claim, and the server's own functions make it too broadly: sizes and
positions in the WAL are volatile, and `READS` names those. Others claim too little: `ACTS` names what takes SQL text,
or the name or the oid of a type, a table or a function, and runs what is behind it, and what assigns a transaction
number. Both were gone through on the catalogues of 13 to 18; what takes an oid or a name was called with those of
everything that can hold an expression.

Decided: docs/decisions.md#functions-in-sql-checks
"""

from __future__ import annotations

from reconciler.targets.foreign.code import ForeignCode, Function
from reconciler.targets.foreign.reached_names import Call, Reached


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


READS = {
    "": _names(
        """
        array_sample array_shuffle clock_timestamp current_query currval gen_random_uuid lastval
        pg_available_wal_summaries pg_blocking_pids pg_collation_actual_version pg_control_checkpoint pg_control_init
        pg_control_recovery pg_control_system pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
        pg_database_collation_actual_version pg_database_size pg_get_aios pg_get_backend_memory_contexts
        pg_get_loaded_modules pg_get_multixact_members pg_get_sequence_data pg_get_shmem_allocations
        pg_get_shmem_allocations_numa pg_get_wait_events pg_get_wal_replay_pause_state pg_get_wal_resource_managers
        pg_get_wal_summarizer_state pg_indexes_size pg_is_in_backup pg_is_in_recovery pg_is_wal_replay_paused
        pg_jit_available pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn
        pg_last_xact_replay_timestamp pg_lock_status pg_notification_queue_usage pg_partition_ancestors
        pg_partition_tree pg_prepared_xact pg_relation_size pg_replication_origin_progress
        pg_replication_origin_session_progress pg_safe_snapshot_blocking_pids pg_sequence_last_value
        pg_show_replication_origin_status pg_stat_get_backend_io pg_stat_get_backend_wal pg_stat_get_io
        pg_stat_get_recovery_prefetch pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit
        pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time
        pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched
        pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_newpage_updated
        pg_stat_get_xact_tuples_returned pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size
        pg_tablespace_size pg_total_relation_size pg_wal_summary_contents pg_xact_commit_timestamp
        pg_xact_commit_timestamp_origin pg_xact_status random random_normal timeofday timezone txid_status uuidv4
        uuidv7
        """
    ),
    "pg_buffercache": _names("pg_buffercache_pages pg_buffercache_summary pg_buffercache_usage_counts"),
    "pg_freespacemap": _names("pg_freespace"),
    "pg_stat_statements": _names("pg_stat_statements pg_stat_statements_info"),
    "pg_visibility": _names("pg_visibility pg_visibility_map pg_visibility_map_summary"),
    "pgstattuple": _names("pg_relpages pgstatginindex pgstathashindex pgstatindex pgstattuple pgstattuple_approx"),
}
"""Volatile functions that only read, by extension; of pg_catalog under ""."""

ACTS = {
    "": _names(
        """
        database_to_xml database_to_xml_and_xmlschema database_to_xmlschema fmgr_c_validator fmgr_internal_validator
        fmgr_sql_validator pg_current_xact_id pg_get_partition_constraintdef pg_input_error_info
        pg_input_is_valid satisfies_hash_partition schema_to_xml schema_to_xml_and_xmlschema schema_to_xmlschema
        table_to_xml table_to_xml_and_xmlschema table_to_xmlschema txid_current
        """
    ),
    "tablefunc": _names("connectby crosstab crosstab2 crosstab3 crosstab4 crosstabn"),
    "xml2": _names("xpath_table xslt_process"),
}
"""Functions that are not volatile, and do more than reading what they are given."""

WHOLLY = frozenset({"dblink", "file_fdw", "pageinspect", "pg_surgery", "postgres_fdw"})
"""Extensions none of whose functions may be called: they reach other servers, files, or pages past all checks."""


def not_reading(reached: Reached, code: ForeignCode, *, own: bool) -> str:
    """Why a statement that only reads must not make one of its calls; empty where it may make all of them.

    `own`: functions of users may be called, as far as `ForeignCode` trusts whoever wrote them.
    """
    for call in sorted(reached.calls, key=lambda each: each.name):
        for function in code.functions(call):
            if why := _why_not(function, own=own):
                return f"{function.schema}.{function.name}() {why}"
    for field in sorted(reached.fields):  # of one argument; pg_catalog's take no row of a table
        for function in code.functions(Call(field, 1)):
            if function.schema != "pg_catalog" and (why := _why_not(function, own=own)):
                return f"{function.schema}.{function.name}() {why}"
    operator = code.changing(reached)
    return f"the operator {operator} is not immutable: it may do more than reading" if operator else ""


def _why_not(function: Function, *, own: bool) -> str:
    is_users = function.schema != "pg_catalog" and not function.extension
    if is_users and not own:
        return "is a function of users, which a role that may so much must not run: give the target `checks_as`"
    if function.extension in WHOLLY or (not is_users and function.name in ACTS.get(function.extension, ())):
        return "does more than reading"
    if function.internal:
        return "takes what only the server itself should give it"
    if function.volatility == "v" and (is_users or function.name not in READS.get(function.extension, ())):
        return "is volatile: it may do more than reading"
    return ""
