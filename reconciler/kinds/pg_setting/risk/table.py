"""Every setting of PostgreSQL 13 to 18, and what is decided of it: which turns need to be allowed by name, and why.

Read off the manual and off servers. A setting that is in none of the tables is not known here: any change of it is
less-safe. What depends on other settings, or on who is connected, is decided in `together.py`. A test holds all of
them against the servers' own pg_settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.kinds.pg_setting.risk.turns import (
    Turn,
    above,
    added,
    below,
    bits_added,
    bits_removed,
    changed,
    emptied,
    leaves,
    listens_less,
    listens_wider,
    longer,
    named,
    removed,
    schemas_before_others,
    shorter,
    sinks,
    to,
    weaker_ciphers,
)
from reconciler.model import HazardType


class Risk(NamedTuple):
    """What a turn of one setting may do: a sentence to be read after `setting = value: `."""

    type: HazardType
    turn: Turn
    why: str


def _runs(why: str, turn: Turn = named) -> Risk:
    return Risk(HazardType.RUNS_PROGRAMS, turn, why)


def _unsafe(turn: Turn, why: str) -> Risk:
    return Risk(HazardType.LESS_SAFE, turn, why)


def _stops(turn: Turn, why: str) -> Risk:
    return Risk(HazardType.STOPS_SERVICE, turn, why)


SHORT = 1000
"""Milliseconds. Below, a timeout ends what people and programs do every day: a report, a login over a slow line, a
transaction that a busy machine holds up."""

MILLIONS = 1_000_000
_HOUR = 3600
_ANY = 0x7FFFFFFF
"""More than any number but for what stands for no limit."""

_COMMAND = "the server runs it as a command, as its own user"
_LIBRARY = "it is loaded into the server and runs as its own user"
_FOUND = "libraries are looked for there, and what is found runs as the server's own user"
_DEVELOPER = "it is for developers of PostgreSQL, and not for servers with data"
_UNLOGGED = "who comes in is no longer in the log, for those who look there after an attack"
_LOGGED = "texts of statements are in the log, and with them values, and passwords of roles that are made"
_ENDS = "it ends what takes longer than that, and under load everything does"
_GUARD = "what a library that is taken out did, or guarded, ends"
_AGE = "the numbers of transactions come near to their end before anything is done about it, and then all writes stop"
_TARGET = "the next recovery ends there, and what was written later is not recovered"
_AUDIT = "what is written down of what people do changes"
_FILE = "which file it is decides who is let in, or who the server is taken for"

RISKS: Mapping[str, tuple[Risk, ...]] = {
    # Programs and code.
    "archive_cleanup_command": (_runs(_COMMAND),),
    "archive_command": (_runs(_COMMAND), _unsafe(emptied, "WAL is kept and piles up until there is an archive again")),
    "archive_library": (_runs(_LIBRARY), _unsafe(emptied, "WAL is kept and piles up until there is an archive again")),
    "archive_mode": (
        _unsafe(to("off"), "WAL is no longer archived: there is no recovery to a point in time from now on"),
        _runs("what archive_command or archive_library names is run from now on", leaves("off")),
    ),
    "basebackup_to_shell.command": (_runs(_COMMAND),),
    "cron.launch_active_jobs": (_runs("the jobs that stand in cron.job are run", to("on")),),
    "dynamic_library_path": (_runs(_FOUND, changed),),
    "extension_control_path": (_runs("extensions are looked for there, whose scripts run as superusers", changed),),
    "extension_destdir": (_runs("extensions and libraries are looked for below it", changed),),
    "jit_provider": (_runs(_LIBRARY),),
    "local_preload_libraries": (_runs(_LIBRARY, added), _unsafe(removed, _GUARD)),
    "oauth_validator_libraries": (
        _runs(_LIBRARY, added), _stops(removed, "whoever logs in by what it validates is refused"),
    ),
    "output_plugin_libraries": (
        _runs("whoever may replicate can have it loaded into the server", added),
        _stops(removed, "slots that use what is taken out can no longer be read"),
    ),
    "plperl.on_init": (_runs("it is Perl, run in every session that uses Perl, as the server's own user"),),
    "plperl.on_plperl_init": (_runs("it is Perl, run in every session that uses Perl"),),
    "plperl.on_plperlu_init": (_runs("it is Perl, run in sessions as the server's own user"),),
    "pltcl.start_proc": (_runs("it is called in every session that uses Tcl"),),
    "pltclu.start_proc": (_runs("it is called in sessions as the server's own user"),),
    "recovery_end_command": (_runs(_COMMAND),),
    "restore_command": (_runs(_COMMAND), _unsafe(emptied, "a standby that lacks WAL can no longer fetch it")),
    "session_preload_libraries": (_runs(_LIBRARY, added), _unsafe(removed, _GUARD)),
    "shared_preload_libraries": (_runs(_LIBRARY, added), _unsafe(removed, _GUARD)),
    "ssl_passphrase_command": (_runs(_COMMAND),),
    "ssl_passphrase_command_supports_reload": (_runs("ssl_passphrase_command is run at every reload, too", to("on")),),

    # What is written survives, and is whole.
    "allow_in_place_tablespaces": (_unsafe(to("on"), "tablespaces can be made that backups do not understand"),),
    "allow_system_table_mods": (_unsafe(to("on"), "system catalogues can be damaged by plain statements"),),
    "archive_timeout": (_unsafe(longer(0), "what a lost server had not archived by then is lost with it"),),
    "autovacuum": (_unsafe(to("off"), "dead rows pile up, and statistics become stale"),),
    "autovacuum_freeze_max_age": (_unsafe(above(1000 * MILLIONS), _AGE),),
    "autovacuum_multixact_freeze_max_age": (_unsafe(above(1000 * MILLIONS), _AGE),),
    "autovacuum_naptime": (_unsafe(above(_HOUR), "dead rows pile up for longer than an hour"),),
    "basic_archive.archive_directory": (_unsafe(changed, "WAL is archived elsewhere: it has to be found there"),),
    "data_sync_retry": (_unsafe(to("on"), "after a write that failed, data may be lost without anybody being told"),),
    "fsync": (_unsafe(to("off"), "a crash of the machine can destroy the whole cluster"),),
    "full_page_writes": (
        _unsafe(to("off"), "a crash of the machine can leave pages half written, which cannot be repaired"),
    ),
    "idle_replication_slot_timeout": (
        _unsafe(shorter(0), "slots that idle longer become invalid: their standbys have to be made anew"),
    ),
    "ignore_checksum_failure": (_unsafe(to("on"), "damaged pages are read as if they were sound"),),
    "ignore_invalid_pages": (_unsafe(to("on"), "recovery goes on over damage, and may hide or spread it"),),
    "ignore_system_indexes": (_unsafe(to("on"), "catalogues are read without their indexes: slow, and for repairs"),),
    "max_slot_wal_keep_size": (
        _unsafe(shorter(-1), "slots that lag behind by more become invalid: their standbys have to be made anew"),
    ),
    "max_standby_archive_delay": (
        _stops(below(SHORT, -1), "queries on a standby are cancelled as soon as they are in the way of replay"),
        _unsafe(above(_ANY, -1), "a query can hold up a standby's replay without end"),
    ),
    "max_standby_streaming_delay": (
        _stops(below(SHORT, -1), "queries on a standby are cancelled as soon as they are in the way of replay"),
        _unsafe(above(_ANY, -1), "a query can hold up a standby's replay without end"),
    ),
    "old_snapshot_threshold": (
        _unsafe(below(_ANY, -1), "queries that take longer fail, and were seen to miss rows: removed in 17"),
    ),
    "primary_conninfo": (_unsafe(changed, "the standby follows, and logs in to, what is named there"),),
    "primary_slot_name": (_unsafe(changed, "WAL that the standby still needs is kept by another slot, or by none"),),
    "promote_trigger_file": (_unsafe(changed, "whoever can make that file promotes the standby"),),
    "recovery_init_sync_method": (_unsafe(to("syncfs"), "older kernels do not report writes that failed"),),
    "recovery_min_apply_delay": (_unsafe(longer(), "the standby is that far behind when it is needed"),),
    "recovery_target": (_unsafe(named, _TARGET),),
    "recovery_target_action": (_stops(to("shutdown"), "the server stops once it has reached its recovery target"),),
    "recovery_target_lsn": (_unsafe(named, _TARGET),),
    "recovery_target_name": (_unsafe(named, _TARGET),),
    "recovery_target_time": (_unsafe(named, _TARGET),),
    "recovery_target_timeline": (_unsafe(leaves("latest"), "a standby no longer follows a primary that was promoted"),),
    "recovery_target_xid": (_unsafe(named, _TARGET),),
    "restart_after_crash": (_stops(to("off"), "the server stays down after a crash of one of its processes"),),
    "send_abort_for_crash": (_unsafe(to("on"), "memory, and with it data, is written to core files"),),
    "send_abort_for_kill": (_unsafe(to("on"), "memory, and with it data, is written to core files"),),
    "sync_replication_slots": (_unsafe(to("off"), "a standby that is promoted lacks the slots for subscribers"),),
    "synchronized_standby_slots": (
        _stops(added, "subscribers get nothing that these slots' standbys have not received"),
        _unsafe(removed, "subscribers may get what a standby that is promoted lacks"),
    ),
    "synchronous_commit": (
        _unsafe(
            sinks("off", "local", "remote_write", "on", "remote_apply"),
            "a crash loses the last transactions that were reported as committed, here or on the standby",
        ),
    ),
    "track_counts": (_unsafe(to("off"), "autovacuum no longer sees what changed, and does nothing"),),
    "vacuum_failsafe_age": (_unsafe(above(1800 * MILLIONS), _AGE),),
    "vacuum_multixact_failsafe_age": (_unsafe(above(1800 * MILLIONS), _AGE),),
    "wal_keep_size": (_unsafe(shorter(), "a standby without a slot that lags behind by more has to be made anew"),),
    "wal_level": (
        _unsafe(to("minimal"), "neither replication nor a recovery to a point in time is possible"),
        _stops(leaves("logical"), "nothing can subscribe to this server, or read its changes, any more"),
    ),
    "wal_log_hints": (_unsafe(to("off"), "without checksums, pg_rewind cannot bring back a former primary"),),
    "zero_damaged_pages": (_unsafe(to("on"), "damaged pages are zeroed, which destroys their rows for good"),),

    # Who comes in, and as whom.
    "auth_delay.milliseconds": (_unsafe(shorter(), "passwords can be guessed faster"),),
    "basebackup_to_shell.required_role": (_unsafe(changed, "others may start backups to a command"),),
    "bonjour": (_unsafe(to("on"), "the server makes itself known to the whole network"),),
    "createrole_self_grant": (_unsafe(added, "who makes a role is a member of it, and has all that it has"),),
    "cron.enable_superuser_jobs": (_unsafe(to("on"), "jobs of superusers are run"),),
    "cron.host": (_unsafe(changed, "jobs are run on what is there, by whoever is let in there"),),
    "db_user_namespace": (_unsafe(to("on"), "passwords are only checked by MD5, and roles have other names"),),
    "gss_accept_delegation": (_unsafe(to("on"), "clients hand over credentials, by which the server may act as them"),),
    "hba_file": (_unsafe(changed, _FILE),),
    "ident_file": (_unsafe(changed, _FILE),),
    "krb_caseins_users": (_unsafe(to("on"), "names of Kerberos that differ in case only are taken for the same"),),
    "krb_server_keyfile": (_unsafe(changed, _FILE),),
    "listen_addresses": (
        _unsafe(listens_wider, "other machines can reach the server, and pg_hba.conf alone decides who comes in"),
        _stops(listens_less, "whoever comes by an address that goes is refused"),
    ),
    "password_encryption": (_unsafe(to("md5"), "new passwords are stored as MD5, which is easily broken"),),
    "passwordcheck.min_password_length": (_unsafe(shorter(), "shorter passwords are taken"),),
    "pgcrypto.builtin_crypto_enabled": (_unsafe(to("on", "fips"), "functions that FIPS forbids can be called"),),
    "scram_iterations": (_unsafe(below(4096), "new passwords are easier to guess for whoever has the hashes"),),
    "sepgsql.permissive": (_unsafe(to("on"), "rules of SELinux are no longer enforced"),),
    "ssl": (
        _unsafe(to("off"), "passwords and data cross the network in clear"),
        _stops(to("off"), "clients that insist on TLS are refused"),
    ),
    "ssl_ca_file": (_unsafe(changed, _FILE),),
    "ssl_cert_file": (_stops(changed, "clients that verify the certificate may refuse another"),),
    "ssl_ciphers": (
        _unsafe(weaker_ciphers, "it takes suites without authentication, without encryption, or with a broken one"),
    ),
    "ssl_crl_dir": (_unsafe(changed, "certificates that were revoked may be taken"),),
    "ssl_crl_file": (_unsafe(changed, "certificates that were revoked may be taken"),),
    "ssl_dh_params_file": (_unsafe(named, "parameters that somebody chose may be weak"),),
    "ssl_key_file": (_stops(changed, "clients that verify the certificate may refuse another"),),
    "ssl_max_protocol_version": (_unsafe(to("TLSv1", "TLSv1.1", "TLSv1.2"), "clients cannot use newer TLS"),),
    "ssl_min_protocol_version": (
        _unsafe(to("", "TLSv1", "TLSv1.1"), "clients may connect by versions of TLS that are broken"),
        _stops(to("TLSv1.3"), "clients that speak TLS 1.2 at most are refused"),
    ),
    "ssl_prefer_server_ciphers": (_unsafe(to("off"), "clients choose the suite, and may choose the weakest"),),
    "unix_socket_directories": (_stops(removed, "whoever comes by a socket that goes is refused"),),
    "unix_socket_group": (_unsafe(changed, "other users of the machine may come in by the socket"),),
    "unix_socket_permissions": (
        _unsafe(bits_added, "more users of the machine may come in by the socket"),
        _stops(bits_removed, "users of the machine who come in by the socket are refused"),
    ),

    # What statements mean, and what is checked.
    "array_nulls": (_unsafe(to("off"), "NULL in the text of an array is read as a word"),),
    "backslash_quote": (_unsafe(to("on"), "in some encodings a quote that was escaped ends the text: injection"),),
    "check_function_bodies": (_unsafe(to("off"), "functions are made without a look at their bodies"),),
    "composite_type_mismatch": (_unsafe(leaves("error"), "rows of a type that has changed are read wrongly"),),
    "default_transaction_isolation": (
        _unsafe(
            sinks("read uncommitted", "read committed", "repeatable read", "serializable"),
            "transactions see what others commit meanwhile, which whoever wrote them may not expect",
        ),
    ),
    "event_triggers": (_unsafe(to("off"), "event triggers, which may guard or audit, do not fire"),),
    "gin_fuzzy_search_limit": (_unsafe(below(_ANY, 0), "searches by GIN indexes leave out rows at random"),),
    "isn.weak": (_unsafe(to("on"), "numbers with a wrong check digit are taken"),),
    "lo_compat_privileges": (_unsafe(to("on"), "everybody may read and write all large objects"),),
    "plpgsql.check_asserts": (_unsafe(to("off"), "assertions in functions are not checked"),),
    "plpgsql.variable_conflict": (_unsafe(leaves("error"), "names that are ambiguous in functions get a meaning"),),
    "restrict_nonsystem_relation_kind": (
        _unsafe(removed, "code that others wrote into views and foreign tables can be reached again"),
        _stops(added, "views or foreign tables can no longer be used"),
    ),
    "row_security": (_unsafe(to("off"), "queries fail where row security would have applied"),),
    "search_path": (
        _unsafe(schemas_before_others, "names are looked for where whoever may create there decides what they mean"),
    ),
    "session_replication_role": (
        _unsafe(to("replica"), "triggers do not fire, and foreign keys are not checked"),
        _unsafe(to("local"), "triggers and changes are taken for those of this server alone"),
    ),
    "standard_conforming_strings": (
        _unsafe(to("off"), "backslashes in texts escape, which programs that quote do not expect: injection"),
    ),
    "transform_null_equals": (_unsafe(to("on"), "`= NULL` is read as IS NULL, against the standard"),),

    # What is written to the log, and who can still find out what happened.
    "debug_print_parse": (_unsafe(to("on"), _LOGGED),),
    "debug_print_plan": (_unsafe(to("on"), _LOGGED),),
    "debug_print_rewritten": (_unsafe(to("on"), _LOGGED),),
    "log_connections": (_unsafe(removed, _UNLOGGED),),
    "log_destination": (_unsafe(emptied, "nothing is logged any more"),),
    "log_disconnections": (_unsafe(removed, _UNLOGGED),),
    "log_file_mode": (_unsafe(bits_added, "more users of the machine may read, or write, the log"),),
    "log_min_duration_sample": (_unsafe(below(1, -1), _LOGGED),),
    "log_min_duration_statement": (_unsafe(below(1, -1), _LOGGED),),
    "log_min_messages": (_unsafe(to("panic", "fatal"), "errors are not in the log"),),
    "log_parameter_max_length_on_error": (_unsafe(above(0, -1), "values of parameters are in the log with an error"),),
    "log_replication_commands": (_unsafe(removed, _UNLOGGED),),
    "log_statement": (_unsafe(to("all", "mod", "ddl"), _LOGGED),),
    "log_transaction_sample_rate": (_unsafe(above(0), _LOGGED),),
    "logging_collector": (_unsafe(to("off"), "the log goes to wherever the server was started, which may be nowhere"),),
    "pgaudit.log": (_unsafe(changed, _AUDIT),),
    "pgaudit.log_catalog": (_unsafe(changed, _AUDIT),),
    "pgaudit.log_client": (_unsafe(changed, "what is audited may be sent to clients, or is no longer"),),
    "pgaudit.log_level": (_unsafe(changed, _AUDIT),),
    "pgaudit.log_parameter": (_unsafe(changed, _AUDIT),),
    "pgaudit.log_parameter_max_size": (_unsafe(changed, _AUDIT),),
    "pgaudit.log_relation": (_unsafe(changed, _AUDIT),),
    "pgaudit.log_rows": (_unsafe(changed, _AUDIT),),
    "pgaudit.log_statement": (_unsafe(changed, _AUDIT),),
    "pgaudit.log_statement_once": (_unsafe(changed, _AUDIT),),
    "pgaudit.role": (_unsafe(changed, _AUDIT),),

    # For developers of PostgreSQL.
    "debug_discard_caches": (_stops(above(0), "every statement reads all it needs anew: a hundred times as slow"),),
    "debug_io_direct": (_unsafe(added, _DEVELOPER),),
    "debug_logical_replication_streaming": (_unsafe(leaves("buffered"), _DEVELOPER),),
    "debug_parallel_query": (_unsafe(to("regress", "on"), _DEVELOPER),),
    "force_parallel_mode": (_unsafe(to("regress", "on"), _DEVELOPER),),
    "jit_debugging_support": (_unsafe(to("on"), _DEVELOPER),),
    "jit_dump_bitcode": (_unsafe(to("on"), "files are written to the data directory without end"),),
    "jit_profiling_support": (_unsafe(to("on"), "files are written to the home of the server's user without end"),),
    "sepgsql.debug_audit": (_unsafe(to("on"), _DEVELOPER),),
    "trace_connection_negotiation": (_unsafe(to("on"), _DEVELOPER),),
    "trace_notify": (_unsafe(to("on"), _DEVELOPER),),
    "trace_recovery_messages": (_unsafe(leaves("log"), _DEVELOPER),),
    "trace_sort": (_unsafe(to("on"), _DEVELOPER),),
    "wal_consistency_checking": (_stops(added, "a standby stops at the first page that differs"),),

    # Clients are refused, or wait.
    "allow_alter_system": (_stops(to("off"), "nobody, nor this tool, can change a setting by ALTER SYSTEM"),),
    "authentication_timeout": (_stops(below(5), "whoever takes longer to log in is refused"),),
    "deadlock_timeout": (_stops(above(60 * SHORT), "transactions that wait for each other are ended only after that"),),
    "default_transaction_read_only": (_stops(to("on"), "whoever writes without asking for it is refused"),),
    "exit_on_error": (_stops(to("on"), "every error ends its session"),),
    "hot_standby": (_stops(to("off"), "as a standby it lets nobody in"),),
    "idle_in_transaction_session_timeout": (_stops(below(SHORT, 0), _ENDS),),
    "idle_session_timeout": (_stops(below(10 * SHORT, 0), "connections that a pool keeps are ended under its hands"),),
    "lock_timeout": (_stops(below(100, 0), "whoever has to wait for a row, as all do under load, is refused"),),
    "max_active_replication_origins": (_stops(below(1), "subscriptions of this server stop"),),
    "max_locks_per_transaction": (_stops(below(64), "transactions that need more tables than there are locks fail"),),
    "max_logical_replication_workers": (_stops(below(1), "subscriptions of this server stop"),),
    "max_notify_queue_pages": (_stops(below(8192), "NOTIFY fails once that much waits for a slow listener"),),
    "max_prepared_transactions": (_stops(below(1), "PREPARE TRANSACTION is refused"),),
    "max_stack_depth": (_stops(below(512), "statements with long expressions, and functions that call others, fail"),),
    "max_sync_workers_per_subscription": (_stops(below(1), "tables that are added to subscriptions are never copied"),),
    "max_worker_processes": (
        _stops(below(3), "subscriptions and workers of extensions find no place, nor does a parallel query"),
    ),
    "port": (_stops(changed, "every client comes in by the former one"),),
    "post_auth_delay": (_stops(above(0), "every login waits that long"),),
    "pre_auth_delay": (_stops(above(0), "every login waits that long"),),
    "reserved_connections": (),
    "statement_timeout": (_stops(below(SHORT, 0), _ENDS),),
    "superuser_reserved_connections": (
        _unsafe(below(1), "no connection is kept for a superuser when all others are taken"),
    ),
    "tcp_user_timeout": (_stops(below(SHORT, 0), "connections end where a packet is late"),),
    "temp_file_limit": (_stops(below(65536, -1), "queries that sort or hash more than that fail"),),
    "transaction_read_only": (_stops(to("on"), "whoever writes is refused"),),
    "transaction_timeout": (_stops(below(SHORT, 0), _ENDS),),
    "wal_receiver_timeout": (_stops(below(SHORT, 0), "a standby breaks off from a primary that is busy"),),
    "wal_sender_timeout": (_stops(below(SHORT, 0), "standbys are thrown off as soon as they are late with an answer"),),
}  # fmt: skip
"""By setting. Where several turns are taken at once, each is said."""


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
        compute_query_id constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost
        cursor_tuple_fraction default_statistics_target effective_cache_size enable_async_append enable_bitmapscan
        enable_distinct_reordering enable_gathermerge enable_group_by_reordering enable_hashagg enable_hashjoin
        enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin
        enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning
        enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate
        enable_self_join_elimination enable_seqscan enable_sort enable_tidscan from_collapse_limit geqo geqo_effort
        geqo_generations geqo_pool_size geqo_seed geqo_selection_bias geqo_threshold hypopg.enabled
        hypopg.use_real_oids jit jit_above_cost jit_expressions jit_inline_above_cost jit_optimize_above_cost
        jit_tuple_deforming join_collapse_limit max_parallel_maintenance_workers max_parallel_workers
        max_parallel_workers_per_gather min_parallel_index_scan_size min_parallel_table_scan_size
        parallel_leader_participation parallel_setup_cost parallel_tuple_cost plan_cache_mode random_page_cost
        recursive_worktable_factor seq_page_cost synchronize_seqscans
    """),
    "it is an amount of memory, or of what is done at once; what a machine does not have is refused": _names("""
        autovacuum_max_workers autovacuum_work_mem autovacuum_worker_slots commit_timestamp_buffers
        dynamic_shared_memory_type effective_io_concurrency hash_mem_multiplier huge_page_size huge_pages
        io_combine_limit io_max_combine_limit io_max_concurrency io_method io_workers logical_decoding_work_mem
        maintenance_io_concurrency maintenance_work_mem max_files_per_process
        max_parallel_apply_workers_per_subscription max_pred_locks_per_page max_pred_locks_per_relation
        max_pred_locks_per_transaction max_replication_slots min_dynamic_shared_memory multixact_member_buffers
        multixact_offset_buffers notify_buffers pg_stat_statements.max serializable_buffers shared_buffers
        shared_memory_type subtransaction_buffers temp_buffers track_activity_query_size transaction_buffers
        vacuum_buffer_usage_limit wal_buffers wal_decode_buffer_size work_mem
    """),
    "it decides when vacuum and autovacuum work, and how fast; against a wraparound they work in any case": _names("""
        autovacuum_analyze_scale_factor autovacuum_analyze_threshold autovacuum_vacuum_cost_delay
        autovacuum_vacuum_cost_limit autovacuum_vacuum_insert_scale_factor autovacuum_vacuum_insert_threshold
        autovacuum_vacuum_max_threshold autovacuum_vacuum_scale_factor autovacuum_vacuum_threshold
        gin_pending_list_limit vacuum_cleanup_index_scale_factor vacuum_cost_delay vacuum_cost_limit
        vacuum_cost_page_dirty vacuum_cost_page_hit vacuum_cost_page_miss vacuum_defer_cleanup_age
        vacuum_freeze_min_age vacuum_freeze_table_age vacuum_max_eager_freeze_failure_rate
        vacuum_multixact_freeze_min_age vacuum_multixact_freeze_table_age vacuum_truncate
    """),
    "it decides when what is committed is written where, and how fast; it is safe in WAL before": _names("""
        backend_flush_after bgwriter_delay bgwriter_flush_after bgwriter_lru_maxpages bgwriter_lru_multiplier
        checkpoint_completion_target checkpoint_flush_after checkpoint_timeout commit_delay commit_siblings
        file_copy_method file_extend_method max_wal_size min_wal_size pg_prewarm.autoprewarm
        pg_prewarm.autoprewarm_interval recovery_prefetch wal_compression wal_init_zero wal_recycle wal_skip_threshold
        wal_sync_method wal_writer_delay wal_writer_flush_after
    """),
    "it only adds to what WAL has, or to what is kept of it": _names("""
        summarize_wal track_commit_timestamp wal_receiver_create_temp_slot wal_summary_keep_time
    """),
    "it decides how a standby and a subscriber keep in touch with where they read": _names("""
        hot_standby_feedback recovery_target_inclusive wal_receiver_status_interval wal_retrieve_retry_interval
    """),
    "it is written to the log, or counted, and has no values of tables; or it needs a slow statement": _names("""
        auto_explain.log_analyze auto_explain.log_buffers auto_explain.log_format auto_explain.log_level
        auto_explain.log_min_duration auto_explain.log_nested_statements auto_explain.log_parameter_max_length
        auto_explain.log_settings auto_explain.log_timing auto_explain.log_triggers auto_explain.log_verbose
        auto_explain.log_wal auto_explain.sample_rate backtrace_functions checkpoint_warning cron.log_min_messages
        cron.log_run cron.log_statement debug_pretty_print escape_string_warning icu_validation_level
        log_autovacuum_min_duration log_checkpoints log_duration log_error_verbosity log_executor_stats log_hostname
        log_line_prefix log_lock_failures log_lock_waits log_min_error_statement log_parameter_max_length
        log_parser_stats log_planner_stats log_recovery_conflict_waits log_startup_progress_interval
        log_statement_sample_rate log_statement_stats log_temp_files log_timezone md5_password_warnings
        operator_precedence_warning pg_stat_statements.save pg_stat_statements.track pg_stat_statements.track_planning
        pg_stat_statements.track_utility plpgsql.extra_errors plpgsql.extra_warnings plpgsql.print_strict_params
        stats_fetch_consistency track_activities track_cost_delay_timing track_functions track_io_timing
        track_wal_io_timing update_process_title
    """),
    "it decides where the server writes its own files; what would overwrite others is refused": _names("""
        event_source external_pid_file log_directory log_filename log_rotation_age log_rotation_size
        log_truncate_on_rotation remove_temp_files_after_crash stats_temp_directory syslog_facility syslog_ident
        syslog_sequence_numbers syslog_split_messages
    """),
    "it is a name that people and programs see": _names("""
        application_name bonjour_name cluster_name postgres_fdw.application_name
    """),
    "it decides how values are written and read, as whoever declares it wants": _names("""
        bytea_output client_encoding client_min_messages cron.timezone datestyle default_text_search_config
        extra_float_digits intervalstyle lc_messages lc_monetary lc_numeric lc_time pg_trgm.similarity_threshold
        pg_trgm.strict_word_similarity_threshold pg_trgm.word_similarity_threshold quote_all_identifiers timezone
        timezone_abbreviations xmlbinary xmloption
    """),
    "it decides where and how new tables are kept, among what a superuser has made": _names("""
        default_table_access_method default_tablespace default_toast_compression temp_tablespaces
    """),
    "it decides how soon a client that is gone is missed": _names("""
        client_connection_check_interval tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval
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
    "it decides where, and how many at once, of the jobs are run that stand in cron.job": _names("""
        cron.database_name cron.max_running_jobs cron.use_background_workers
    """),
}
"""Settings of which no value needs to be allowed, by the reason why not."""
