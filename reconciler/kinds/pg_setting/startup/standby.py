"""What a standby has to have as much of as its primary: it replays what the primary's sessions do.

Decided: docs/decisions.md#settings-of-a-primary
"""

from __future__ import annotations

from reconciler.kinds.pg_setting.startup.next_start import Start

NOT_LOWER = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)
"""CheckRequiredParameterValues in xlogrecovery.c; in the order in which pg_control has them."""


def not_lower(start: Start) -> str:
    """No recovery goes on where the primary has more."""
    if not start.in_recovery or not start.differs(start.name):
        return ""
    wanted, now = start.number(start.name), start.now.get(start.name)
    if start.around.primary is None:
        if not isinstance(now, int) or wanted >= now:
            return ""
        return (
            f"a standby must not have less than its primary, whose {start.name} cannot be seen from here: "
            "leave it at what runs, or use a superuser, who sees it on PostgreSQL 13 to 18"
        )
    least = start.around.primary.get(start.name, 0)
    if wanted >= least:
        return ""
    return (
        f"a standby must not have less than its primary, which has {start.name} {least}: lower it on the primary "
        "first, restart that, and plan again when this standby has replayed it"
    )
