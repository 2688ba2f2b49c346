"""Settings by which clients are refused, or wait."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.pg_setting.risk.model import SHORT, Risk, stops, unsafe
from reconciler.kinds.pg_setting.risk.turns import (
    above,
    below,
    changed,
    to,
)

_LATE = "connections end where a packet is late"
_GONE = "the locks of a client that is gone are kept for that long"
_ENDS = "it ends what takes longer than that, and under load everything does"

RISKS: Mapping[str, tuple[Risk, ...]] = {
    # Clients are refused, or wait.
    "allow_alter_system": (stops(to("off"), "nobody, nor this tool, can change a setting by ALTER SYSTEM"),),
    "authentication_timeout": (
        stops(below(5), "whoever takes longer to log in is refused"),
        unsafe(above(300), "whoever never logs in takes up a connection for that long"),
    ),
    "client_connection_check_interval": (stops(below(100, 0), "every statement asks for its client that often"),),
    "cron.max_running_jobs": (stops(below(1), "no job is run"),),
    "deadlock_timeout": (
        stops(above(60 * SHORT), "transactions that wait for each other are ended only after that"),
        stops(below(50), "whoever waits that long for a lock has all locks looked at, by which all others wait"),
    ),
    "default_transaction_read_only": (stops(to("on"), "whoever writes without asking for it is refused"),),
    "exit_on_error": (stops(to("on"), "every error ends its session"),),
    "hot_standby": (stops(to("off"), "as a standby it lets nobody in"),),
    "idle_in_transaction_session_timeout": (stops(below(SHORT, 0), _ENDS),),
    "idle_session_timeout": (stops(below(10 * SHORT, 0), "connections that a pool keeps are ended under its hands"),),
    "lock_timeout": (stops(below(100, 0), "whoever has to wait for a row, as all do under load, is refused"),),
    "max_active_replication_origins": (stops(below(1), "subscriptions of this server stop"),),
    "max_locks_per_transaction": (stops(below(64), "transactions that need more tables than there are locks fail"),),
    "max_logical_replication_workers": (stops(below(1), "subscriptions of this server stop"),),
    "max_notify_queue_pages": (stops(below(8192), "NOTIFY fails once that much waits for a slow listener"),),
    "max_prepared_transactions": (stops(below(1), "PREPARE TRANSACTION is refused"),),
    "max_stack_depth": (stops(below(512), "statements with long expressions, and functions that call others, fail"),),
    "max_sync_workers_per_subscription": (stops(below(1), "tables that are added to subscriptions are never copied"),),
    "max_worker_processes": (
        stops(below(3), "subscriptions and workers of extensions find no place, nor does a parallel query"),
    ),
    "port": (stops(changed, "every client comes in by the former one"),),
    "post_auth_delay": (stops(above(0), "every login waits that long"),),
    "pre_auth_delay": (stops(above(0), "every login waits that long"),),
    "reserved_connections": (),
    "statement_timeout": (stops(below(SHORT, 0), _ENDS),),
    "superuser_reserved_connections": (
        unsafe(below(1), "no connection is kept for a superuser when all others are taken"),
    ),
    "tcp_keepalives_count": (stops(below(2, 0), _LATE), unsafe(above(100), _GONE)),
    "tcp_keepalives_idle": (unsafe(above(4 * 3600), _GONE),),
    "tcp_keepalives_interval": (unsafe(above(3600), _GONE),),
    "tcp_user_timeout": (stops(below(SHORT, 0), _LATE),),
    "temp_file_limit": (stops(below(65536, -1), "queries that sort or hash more than that fail"),),
    "transaction_read_only": (stops(to("on"), "whoever writes is refused"),),
    "transaction_timeout": (stops(below(SHORT, 0), _ENDS),),
    "wal_receiver_timeout": (stops(below(SHORT, 0), "a standby breaks off from a primary that is busy"),),
    "wal_retrieve_retry_interval": (stops(above(60 * SHORT), "a standby that has lost its primary waits that long"),),
    "wal_sender_timeout": (stops(below(SHORT, 0), "standbys are thrown off as soon as they are late with an answer"),),
}  # fmt: skip
