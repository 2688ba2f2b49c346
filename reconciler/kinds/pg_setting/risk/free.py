"""Settings of which no value needs to be allowed, by the reason why not."""

from __future__ import annotations

from collections.abc import Mapping


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FREE: Mapping[str, tuple[str, ...]] = {
    "it is fixed when the server is built, or its cluster made, or where it is started": _names("""
        block_size config_file data_checksums data_directory data_directory_mode debug_assertions huge_pages_status
        in_hot_standby integer_datetimes lc_collate lc_ctype max_function_args max_identifier_length max_index_keys
        num_os_semaphores segment_size server_encoding server_version server_version_num shared_memory_size
        shared_memory_size_in_huge_pages ssl_library wal_block_size wal_segment_size
    """),
    "it decides how a statement is planned, not what it answers": _names("""
        compute_query_id constraint_exclusion cursor_tuple_fraction effective_cache_size enable_async_append
        enable_bitmapscan enable_distinct_reordering enable_gathermerge enable_group_by_reordering enable_hashagg
        enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_material enable_memoize enable_mergejoin
        enable_nestloop enable_parallel_append enable_parallel_hash enable_partitionwise_aggregate
        enable_partitionwise_join enable_presorted_aggregate enable_self_join_elimination enable_seqscan enable_sort
        enable_tidscan geqo geqo_effort geqo_seed geqo_selection_bias hypopg.enabled hypopg.use_real_oids jit
        jit_expressions jit_inline_above_cost jit_optimize_above_cost jit_tuple_deforming
        max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather
        min_parallel_index_scan_size min_parallel_table_scan_size parallel_leader_participation parallel_setup_cost
        parallel_tuple_cost plan_cache_mode recursive_worktable_factor synchronize_seqscans
    """),
    "it is an amount of memory, or of what is done at once; what a machine does not have is refused": _names("""
        autovacuum_worker_slots commit_timestamp_buffers dynamic_shared_memory_type effective_io_concurrency
        huge_page_size huge_pages io_combine_limit io_max_combine_limit io_max_concurrency io_method io_workers
        maintenance_io_concurrency max_files_per_process max_parallel_apply_workers_per_subscription
        max_pred_locks_per_page max_pred_locks_per_relation max_pred_locks_per_transaction max_replication_slots
        min_dynamic_shared_memory multixact_member_buffers multixact_offset_buffers notify_buffers
        pg_stat_statements.max serializable_buffers shared_memory_type subtransaction_buffers track_activity_query_size
        transaction_buffers vacuum_buffer_usage_limit wal_buffers wal_decode_buffer_size
    """),
    "it decides what vacuum does on its way; against a wraparound it works in any case": _names("""
        autovacuum_vacuum_max_threshold vacuum_cleanup_index_scale_factor vacuum_freeze_min_age vacuum_freeze_table_age
        vacuum_max_eager_freeze_failure_rate vacuum_multixact_freeze_min_age vacuum_multixact_freeze_table_age
        vacuum_truncate
    """),
    "it decides when what is committed is written where, and how fast; it is safe in WAL before": _names("""
        backend_flush_after bgwriter_delay bgwriter_flush_after bgwriter_lru_maxpages bgwriter_lru_multiplier
        checkpoint_completion_target checkpoint_flush_after commit_siblings file_copy_method file_extend_method
        pg_prewarm.autoprewarm pg_prewarm.autoprewarm_interval recovery_prefetch wal_compression wal_init_zero
        wal_recycle wal_skip_threshold wal_sync_method wal_writer_flush_after
    """),
    "it only adds to what WAL has, or to what is kept of it": _names("""
        summarize_wal track_commit_timestamp wal_receiver_create_temp_slot wal_summary_keep_time
    """),
    "it decides how a standby and a subscriber keep in touch with where they read": _names("""
        hot_standby_feedback recovery_target_inclusive wal_receiver_status_interval
    """),
    "it is written to the log, or counted, and has no values of tables; or it needs a slow statement": _names("""
        auto_explain.log_analyze auto_explain.log_buffers auto_explain.log_format auto_explain.log_level
        auto_explain.log_nested_statements auto_explain.log_parameter_max_length auto_explain.log_settings
        auto_explain.log_timing auto_explain.log_triggers auto_explain.log_verbose auto_explain.log_wal
        auto_explain.sample_rate backtrace_functions checkpoint_warning cron.log_min_messages cron.log_run
        cron.log_statement debug_pretty_print escape_string_warning icu_validation_level log_autovacuum_min_duration
        log_checkpoints log_duration log_error_verbosity log_executor_stats log_hostname log_lock_failures
        log_lock_waits log_parameter_max_length log_parser_stats log_planner_stats log_recovery_conflict_waits
        log_startup_progress_interval log_statement_sample_rate log_statement_stats log_temp_files md5_password_warnings
        operator_precedence_warning pg_stat_statements.save pg_stat_statements.track pg_stat_statements.track_planning
        pg_stat_statements.track_utility plpgsql.extra_errors plpgsql.extra_warnings plpgsql.print_strict_params
        stats_fetch_consistency track_cost_delay_timing track_functions track_io_timing track_wal_io_timing
        update_process_title
    """),
    "it decides where the server writes its own files; what would overwrite others is refused": _names("""
        event_source external_pid_file log_directory log_filename log_rotation_age log_rotation_size
        remove_temp_files_after_crash stats_temp_directory syslog_facility syslog_ident syslog_sequence_numbers
        syslog_split_messages
    """),
    "it is a name that people and programs see": _names("""
        application_name bonjour_name cluster_name postgres_fdw.application_name
    """),
    "it decides how values are written and read, as whoever declares it wants": _names("""
        bytea_output client_min_messages lc_messages lc_numeric lc_time pg_trgm.similarity_threshold
        pg_trgm.strict_word_similarity_threshold pg_trgm.word_similarity_threshold quote_all_identifiers xmlbinary
        xmloption
    """),
    "it decides where and how new tables are kept, among what a superuser has made": _names("""
        default_table_access_method default_tablespace default_toast_compression temp_tablespaces
    """),
    "it belongs to a transaction, and makes none weaker by itself": _names("""
        default_transaction_deferrable transaction_deferrable transaction_isolation
    """),
    "it decides how exact a search for neighbours is, as whoever declares it wants": _names("""
        hnsw.ef_search hnsw.iterative_scan hnsw.max_scan_tuples hnsw.scan_mem_multiplier ivfflat.iterative_scan
        ivfflat.max_probes ivfflat.probes
    """),
    "it decides how careless functions may be written": _names("""
        plperl.use_strict
    """),
    "curves and suites that not every OpenSSL has are refused, and those are sound": _names("""
        ssl_ecdh_curve ssl_groups ssl_tls13_ciphers
    """),
    "it decides by what the jobs are run that stand in cron.job": _names("""
        cron.use_background_workers
    """),
}
