"""What can be told of a number without a server: whether a text can be one at all.

Which settings are numbers only a server knows for certain. For those of PostgreSQL itself it is known here as well, so
that a slip of the pen is found where it is written; those of extensions and of later versions are left to the plan.
"""

from __future__ import annotations

from reconciler.desired import grammar
from reconciler.desired.quantities import Dimension, FormulaError
from reconciler.desired.wording import quoted
from reconciler.kinds.pg_setting.model import Range, Value


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SETTINGS = _names(
    """
    archive_timeout authentication_timeout autovacuum_analyze_scale_factor autovacuum_analyze_threshold
    autovacuum_freeze_max_age autovacuum_max_workers autovacuum_multixact_freeze_max_age autovacuum_naptime
    autovacuum_vacuum_cost_delay autovacuum_vacuum_cost_limit autovacuum_vacuum_insert_scale_factor
    autovacuum_vacuum_insert_threshold autovacuum_vacuum_max_threshold autovacuum_vacuum_scale_factor
    autovacuum_vacuum_threshold autovacuum_work_mem autovacuum_worker_slots backend_flush_after bgwriter_delay
    bgwriter_flush_after bgwriter_lru_maxpages bgwriter_lru_multiplier checkpoint_completion_target
    checkpoint_flush_after checkpoint_timeout checkpoint_warning client_connection_check_interval commit_delay
    commit_siblings commit_timestamp_buffers cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction
    deadlock_timeout debug_discard_caches default_statistics_target effective_cache_size effective_io_concurrency
    extra_float_digits from_collapse_limit geqo_effort geqo_generations geqo_pool_size geqo_seed geqo_selection_bias
    geqo_threshold gin_fuzzy_search_limit gin_pending_list_limit hash_mem_multiplier huge_page_size
    idle_in_transaction_session_timeout idle_replication_slot_timeout idle_session_timeout io_combine_limit
    io_max_combine_limit io_max_concurrency io_workers jit_above_cost jit_inline_above_cost jit_optimize_above_cost
    join_collapse_limit lock_timeout log_autovacuum_min_duration log_file_mode log_min_duration_sample
    log_min_duration_statement log_parameter_max_length log_parameter_max_length_on_error log_rotation_age
    log_rotation_size log_startup_progress_interval log_statement_sample_rate log_temp_files log_transaction_sample_rate
    logical_decoding_work_mem maintenance_io_concurrency maintenance_work_mem max_active_replication_origins
    max_connections max_files_per_process max_locks_per_transaction max_logical_replication_workers
    max_notify_queue_pages max_parallel_apply_workers_per_subscription max_parallel_maintenance_workers
    max_parallel_workers max_parallel_workers_per_gather max_pred_locks_per_page max_pred_locks_per_relation
    max_pred_locks_per_transaction max_prepared_transactions max_replication_slots max_slot_wal_keep_size
    max_stack_depth max_standby_archive_delay max_standby_streaming_delay max_sync_workers_per_subscription
    max_wal_senders max_wal_size max_worker_processes min_dynamic_shared_memory min_parallel_index_scan_size
    min_parallel_table_scan_size min_wal_size multixact_member_buffers multixact_offset_buffers notify_buffers
    old_snapshot_threshold parallel_setup_cost parallel_tuple_cost port post_auth_delay pre_auth_delay random_page_cost
    recovery_min_apply_delay recursive_worktable_factor reserved_connections scram_iterations seq_page_cost
    serializable_buffers shared_buffers statement_timeout subtransaction_buffers superuser_reserved_connections
    tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval tcp_user_timeout temp_buffers temp_file_limit
    track_activity_query_size transaction_buffers transaction_timeout unix_socket_permissions vacuum_buffer_usage_limit
    vacuum_cleanup_index_scale_factor vacuum_cost_delay vacuum_cost_limit vacuum_cost_page_dirty vacuum_cost_page_hit
    vacuum_cost_page_miss vacuum_defer_cleanup_age vacuum_failsafe_age vacuum_freeze_min_age vacuum_freeze_table_age
    vacuum_max_eager_freeze_failure_rate vacuum_multixact_failsafe_age vacuum_multixact_freeze_min_age
    vacuum_multixact_freeze_table_age wal_buffers wal_decode_buffer_size wal_keep_size wal_receiver_status_interval
    wal_receiver_timeout wal_retrieve_retry_interval wal_sender_timeout wal_skip_threshold wal_summary_keep_time
    wal_writer_delay wal_writer_flush_after work_mem
    """
)
"""Integers and reals in every version of 13 to 18 that has them."""

_MACHINE = {"memory": Dimension.MEMORY, "cpus": Dimension.NUMBER}


def check(setting: str, value: Value) -> None:
    """Raises FormulaError where a number is wanted, and a text of `value` is neither a number nor a formula."""
    if isinstance(value, Range):
        texts = [text for text in (value.at_least, value.at_most, value.otherwise) if text is not None]
    elif isinstance(value, str) and setting in SETTINGS and value.lower() != "default":
        texts = [value]
    else:
        return
    for text in texts:
        try:
            formula = grammar.parse(text, grammar.POSTGRES)
            if formula:
                formula.check(_MACHINE.get)
        except FormulaError as error:
            raise FormulaError(f"{quoted(text)} is neither a number nor a formula: {error}") from None
