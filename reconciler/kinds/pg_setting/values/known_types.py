"""The types of PostgreSQL's own settings that are the same in every version of 13 to 18 that has them.

A server tells them all, and the plan goes by that. By these a slip of the pen is found where it is written; settings of
extensions and of later versions are left to the plan.
"""

from __future__ import annotations

from collections.abc import Mapping


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BY_UNIT = {
    "": """
        autovacuum_analyze_scale_factor autovacuum_analyze_threshold autovacuum_freeze_max_age
        autovacuum_max_workers autovacuum_multixact_freeze_max_age autovacuum_vacuum_cost_limit
        autovacuum_vacuum_insert_scale_factor autovacuum_vacuum_insert_threshold
        autovacuum_vacuum_max_threshold autovacuum_vacuum_scale_factor autovacuum_vacuum_threshold
        autovacuum_worker_slots bgwriter_lru_maxpages bgwriter_lru_multiplier checkpoint_completion_target
        commit_delay commit_siblings cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost
        cursor_tuple_fraction debug_discard_caches default_statistics_target effective_io_concurrency
        extra_float_digits from_collapse_limit geqo_effort geqo_generations geqo_pool_size geqo_seed
        geqo_selection_bias geqo_threshold gin_fuzzy_search_limit hash_mem_multiplier io_max_concurrency
        io_workers jit_above_cost jit_inline_above_cost jit_optimize_above_cost join_collapse_limit
        log_file_mode log_statement_sample_rate log_transaction_sample_rate maintenance_io_concurrency
        max_active_replication_origins max_connections max_files_per_process max_locks_per_transaction
        max_logical_replication_workers max_notify_queue_pages max_parallel_apply_workers_per_subscription
        max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather
        max_pred_locks_per_page max_pred_locks_per_relation max_pred_locks_per_transaction
        max_prepared_transactions max_replication_slots max_sync_workers_per_subscription max_wal_senders
        max_worker_processes parallel_setup_cost parallel_tuple_cost port random_page_cost
        recursive_worktable_factor reserved_connections scram_iterations seq_page_cost
        superuser_reserved_connections tcp_keepalives_count unix_socket_permissions
        vacuum_cleanup_index_scale_factor vacuum_cost_limit vacuum_cost_page_dirty vacuum_cost_page_hit
        vacuum_cost_page_miss vacuum_defer_cleanup_age vacuum_failsafe_age vacuum_freeze_min_age
        vacuum_freeze_table_age vacuum_max_eager_freeze_failure_rate vacuum_multixact_failsafe_age
        vacuum_multixact_freeze_min_age vacuum_multixact_freeze_table_age
    """,
    "8kB": """
        backend_flush_after bgwriter_flush_after checkpoint_flush_after commit_timestamp_buffers
        effective_cache_size io_combine_limit io_max_combine_limit min_parallel_index_scan_size
        min_parallel_table_scan_size multixact_member_buffers multixact_offset_buffers notify_buffers
        serializable_buffers shared_buffers subtransaction_buffers temp_buffers transaction_buffers
        wal_buffers wal_writer_flush_after
    """,
    "B": """
        log_parameter_max_length log_parameter_max_length_on_error track_activity_query_size
        wal_decode_buffer_size
    """,
    "MB": """
        max_slot_wal_keep_size max_wal_size min_dynamic_shared_memory min_wal_size wal_keep_size
    """,
    "kB": """
        autovacuum_work_mem gin_pending_list_limit huge_page_size log_rotation_size log_temp_files
        logical_decoding_work_mem maintenance_work_mem max_stack_depth temp_file_limit
        vacuum_buffer_usage_limit wal_skip_threshold work_mem
    """,
    "min": """
        log_rotation_age old_snapshot_threshold wal_summary_keep_time
    """,
    "ms": """
        autovacuum_vacuum_cost_delay bgwriter_delay client_connection_check_interval deadlock_timeout
        idle_in_transaction_session_timeout idle_session_timeout lock_timeout log_autovacuum_min_duration
        log_min_duration_sample log_min_duration_statement log_startup_progress_interval
        max_standby_archive_delay max_standby_streaming_delay recovery_min_apply_delay statement_timeout
        tcp_user_timeout transaction_timeout vacuum_cost_delay wal_receiver_timeout
        wal_retrieve_retry_interval wal_sender_timeout wal_writer_delay
    """,
    "s": """
        archive_timeout authentication_timeout autovacuum_naptime checkpoint_timeout checkpoint_warning
        idle_replication_slot_timeout post_auth_delay pre_auth_delay tcp_keepalives_idle
        tcp_keepalives_interval wal_receiver_status_interval
    """,
}

UNITS: Mapping[str, str] = {name: unit for unit, names in _BY_UNIT.items() for name in _names(names)}
"""Of integers and reals, the unit in which the server counts; empty for none."""

REALS = _names(
    """
    autovacuum_analyze_scale_factor autovacuum_vacuum_cost_delay autovacuum_vacuum_insert_scale_factor
    autovacuum_vacuum_scale_factor bgwriter_lru_multiplier checkpoint_completion_target cpu_index_tuple_cost
    cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction geqo_seed geqo_selection_bias hash_mem_multiplier
    jit_above_cost jit_inline_above_cost jit_optimize_above_cost log_statement_sample_rate
    log_transaction_sample_rate parallel_setup_cost parallel_tuple_cost random_page_cost
    recursive_worktable_factor seq_page_cost vacuum_cleanup_index_scale_factor vacuum_cost_delay
    vacuum_max_eager_freeze_failure_rate
    """
)

BOOLEANS = _names(
    """
    allow_alter_system allow_in_place_tablespaces allow_system_table_mods array_nulls autovacuum bonjour
    check_function_bodies data_sync_retry db_user_namespace debug_pretty_print debug_print_parse debug_print_plan
    debug_print_rewritten default_transaction_deferrable default_transaction_read_only enable_async_append
    enable_bitmapscan enable_distinct_reordering enable_gathermerge enable_group_by_reordering enable_hashagg
    enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize
    enable_mergejoin enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning
    enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate
    enable_self_join_elimination enable_seqscan enable_sort enable_tidscan escape_string_warning event_triggers
    exit_on_error fsync full_page_writes geqo gss_accept_delegation hot_standby hot_standby_feedback
    ignore_checksum_failure ignore_invalid_pages ignore_system_indexes jit jit_debugging_support jit_dump_bitcode
    jit_expressions jit_profiling_support jit_tuple_deforming krb_caseins_users lo_compat_privileges
    log_checkpoints log_disconnections log_duration log_executor_stats log_hostname log_lock_failures
    log_lock_waits log_parser_stats log_planner_stats log_recovery_conflict_waits log_replication_commands
    log_statement_stats log_truncate_on_rotation logging_collector md5_password_warnings
    operator_precedence_warning parallel_leader_participation quote_all_identifiers recovery_target_inclusive
    remove_temp_files_after_crash restart_after_crash row_security send_abort_for_crash send_abort_for_kill ssl
    ssl_passphrase_command_supports_reload ssl_prefer_server_ciphers standard_conforming_strings summarize_wal
    sync_replication_slots synchronize_seqscans syslog_sequence_numbers syslog_split_messages
    trace_connection_negotiation trace_notify trace_sort track_activities track_commit_timestamp
    track_cost_delay_timing track_counts track_io_timing track_wal_io_timing transaction_deferrable
    transaction_read_only transform_null_equals update_process_title vacuum_truncate wal_init_zero wal_log_hints
    wal_receiver_create_temp_slot wal_recycle zero_damaged_pages
    """
)
"""What is on or off. Settings that became something else in one of the versions are not among them."""
