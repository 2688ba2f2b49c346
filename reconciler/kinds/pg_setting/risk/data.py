"""Settings that run programs, and those on which it depends that what is written survives, and is whole."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.pg_setting.risk.model import ANY, DISK, MILLIONS, SHORT, Risk, runs, stops, unsafe
from reconciler.kinds.pg_setting.risk.turns import (
    above,
    added,
    below,
    changed,
    emptied,
    leaves,
    longer,
    named,
    removed,
    shorter,
    sinks,
    to,
)

_HOUR = 3600
_COMMAND = "the server runs it as a command, as its own user"
_LIBRARY = "it is loaded into the server and runs as its own user"
_FOUND = "libraries are looked for there, and what is found runs as the server's own user"
_GUARD = "what a library that is taken out did, or guarded, ends"
_AGE = "the numbers of transactions come near to their end before anything is done about it, and then all writes stop"
_TARGET = "the next recovery ends there, and what was written later is not recovered"

RISKS: Mapping[str, tuple[Risk, ...]] = {
    # Programs and code.
    "archive_cleanup_command": (runs(_COMMAND),),
    "archive_command": (runs(_COMMAND), unsafe(emptied, "WAL is kept and piles up until there is an archive again")),
    "archive_library": (runs(_LIBRARY), unsafe(emptied, "WAL is kept and piles up until there is an archive again")),
    "archive_mode": (
        unsafe(to("off"), "WAL is no longer archived: there is no recovery to a point in time from now on"),
        runs("what archive_command or archive_library names is run from now on", leaves("off")),
    ),
    "basebackup_to_shell.command": (runs(_COMMAND),),
    "cron.database_name": (unsafe(changed, "the jobs of another database are run, and those of the former no more"),),
    "cron.launch_active_jobs": (runs("the jobs that stand in cron.job are run", to("on")),),
    "dynamic_library_path": (runs(_FOUND, changed),),
    "extension_control_path": (runs("extensions are looked for there, whose scripts run as superusers", changed),),
    "extension_destdir": (runs("extensions and libraries are looked for below it", changed),),
    "jit_provider": (runs(_LIBRARY),),
    "local_preload_libraries": (runs(_LIBRARY, added), unsafe(removed, _GUARD)),
    "oauth_validator_libraries": (
        runs(_LIBRARY, added), stops(removed, "whoever logs in by what it validates is refused"),
    ),
    "output_plugin_libraries": (
        runs("whoever may replicate can have it loaded into the server", added),
        stops(removed, "slots that use what is taken out can no longer be read"),
    ),
    "plperl.on_init": (runs("it is Perl, run in every session that uses Perl, as the server's own user"),),
    "plperl.on_plperl_init": (runs("it is Perl, run in every session that uses Perl"),),
    "plperl.on_plperlu_init": (runs("it is Perl, run in sessions as the server's own user"),),
    "pltcl.start_proc": (runs("it is called in every session that uses Tcl"),),
    "pltclu.start_proc": (runs("it is called in sessions as the server's own user"),),
    "recovery_end_command": (runs(_COMMAND),),
    "restore_command": (runs(_COMMAND), unsafe(emptied, "a standby that lacks WAL can no longer fetch it")),
    "session_preload_libraries": (runs(_LIBRARY, added), unsafe(removed, _GUARD)),
    "shared_preload_libraries": (runs(_LIBRARY, added), unsafe(removed, _GUARD)),
    "ssl_passphrase_command": (runs(_COMMAND),),
    "ssl_passphrase_command_supports_reload": (runs("ssl_passphrase_command is run at every reload, too", to("on")),),

    # What is written survives, and is whole.
    "allow_in_place_tablespaces": (unsafe(to("on"), "tablespaces can be made that backups do not understand"),),
    "allow_system_table_mods": (unsafe(to("on"), "system catalogues can be damaged by plain statements"),),
    "archive_timeout": (unsafe(longer(0), "what a lost server had not archived by then is lost with it"),),
    "autovacuum": (unsafe(to("off"), "dead rows pile up, and statistics become stale"),),
    "autovacuum_freeze_max_age": (
        unsafe(above(1000 * MILLIONS), _AGE), stops(below(10 * MILLIONS), "all tables are read again and again"),
    ),
    "autovacuum_multixact_freeze_max_age": (
        unsafe(above(1000 * MILLIONS), _AGE), stops(below(10 * MILLIONS), "all tables are read again and again"),
    ),
    "autovacuum_naptime": (unsafe(above(_HOUR), "dead rows pile up for longer than an hour"),),
    "basic_archive.archive_directory": (unsafe(changed, "WAL is archived elsewhere: it has to be found there"),),
    "data_sync_retry": (unsafe(to("on"), "after a write that failed, data may be lost without anybody being told"),),
    "fsync": (unsafe(to("off"), "a crash of the machine can destroy the whole cluster"),),
    "full_page_writes": (
        unsafe(to("off"), "a crash of the machine can leave pages half written, which cannot be repaired"),
    ),
    "idle_replication_slot_timeout": (
        unsafe(shorter(0), "slots that idle longer become invalid: their standbys have to be made anew"),
    ),
    "ignore_checksum_failure": (unsafe(to("on"), "damaged pages are read as if they were sound"),),
    "ignore_invalid_pages": (unsafe(to("on"), "recovery goes on over damage, and may hide or spread it"),),
    "ignore_system_indexes": (unsafe(to("on"), "catalogues are read without their indexes: slow, and for repairs"),),
    "max_slot_wal_keep_size": (
        unsafe(shorter(-1), "slots that lag behind by more become invalid: their standbys have to be made anew"),
    ),
    "max_standby_archive_delay": (
        stops(below(SHORT, -1), "queries on a standby are cancelled as soon as they are in the way of replay"),
        unsafe(above(ANY, -1), "a query can hold up a standby's replay without end"),
    ),
    "max_standby_streaming_delay": (
        stops(below(SHORT, -1), "queries on a standby are cancelled as soon as they are in the way of replay"),
        unsafe(above(ANY, -1), "a query can hold up a standby's replay without end"),
    ),
    "old_snapshot_threshold": (
        unsafe(below(ANY, -1), "queries that take longer fail, and were seen to miss rows: removed in 17"),
    ),
    "primary_conninfo": (unsafe(changed, "the standby follows, and logs in to, what is named there"),),
    "primary_slot_name": (unsafe(changed, "WAL that the standby still needs is kept by another slot, or by none"),),
    "promote_trigger_file": (unsafe(changed, "whoever can make that file promotes the standby"),),
    "recovery_init_sync_method": (unsafe(to("syncfs"), "older kernels do not report writes that failed"),),
    "recovery_min_apply_delay": (unsafe(longer(), "the standby is that far behind when it is needed"),),
    "recovery_target": (unsafe(named, _TARGET),),
    "recovery_target_action": (stops(to("shutdown"), "the server stops once it has reached its recovery target"),),
    "recovery_target_lsn": (unsafe(named, _TARGET),),
    "recovery_target_name": (unsafe(named, _TARGET),),
    "recovery_target_time": (unsafe(named, _TARGET),),
    "recovery_target_timeline": (unsafe(leaves("latest"), "a standby no longer follows a primary that was promoted"),),
    "recovery_target_xid": (unsafe(named, _TARGET),),
    "restart_after_crash": (stops(to("off"), "the server stays down after a crash of one of its processes"),),
    "send_abort_for_crash": (unsafe(to("on"), "memory, and with it data, is written to core files"),),
    "send_abort_for_kill": (unsafe(to("on"), "memory, and with it data, is written to core files"),),
    "sync_replication_slots": (unsafe(to("off"), "a standby that is promoted lacks the slots for subscribers"),),
    "synchronized_standby_slots": (
        stops(added, "subscribers get nothing that these slots' standbys have not received"),
        unsafe(removed, "subscribers may get what a standby that is promoted lacks"),
    ),
    "synchronous_commit": (
        unsafe(
            sinks("off", "local", "remote_write", "on", "remote_apply"),
            "a crash loses the last transactions that were reported as committed, here or on the standby",
        ),
    ),
    "track_counts": (unsafe(to("off"), "autovacuum no longer sees what changed, and does nothing"),),
    "vacuum_failsafe_age": (unsafe(above(1800 * MILLIONS), _AGE),),
    "vacuum_multixact_failsafe_age": (unsafe(above(1800 * MILLIONS), _AGE),),
    "wal_keep_size": (
        unsafe(shorter(), "a standby without a slot that lags behind by more has to be made anew"),
        stops(above(256 * 1024), DISK),
    ),
    "wal_level": (
        unsafe(to("minimal"), "neither replication nor a recovery to a point in time is possible"),
        stops(leaves("logical"), "nothing can subscribe to this server, or read its changes, any more"),
    ),
    "wal_log_hints": (unsafe(to("off"), "without checksums, pg_rewind cannot bring back a former primary"),),
    "wal_writer_delay": (
        unsafe(above(SHORT), "of transactions that wait for nothing (synchronous_commit off) a crash loses more"),
    ),
    "zero_damaged_pages": (unsafe(to("on"), "damaged pages are zeroed, which destroys their rows for good"),),
}  # fmt: skip
