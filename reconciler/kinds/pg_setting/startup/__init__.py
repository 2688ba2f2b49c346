"""Values with which the server does not start again, or with which no session can begin: refused before it is too late.

ALTER SYSTEM takes every one of them, and most reloads do not complain. The rules were found by setting every setting
of 13 and 18 to hostile values, alone and in pairs, and restarting the server. `tests/pg_setting` has them in a table.

Decided: docs/decisions.md#what-would-stop-the-server, docs/decisions.md#half-of-a-pair
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconciler.kinds.pg_setting.observed import Server
from reconciler.kinds.pg_setting.startup import connections_and_wal, doors, files, memory, session_start, standby, tls
from reconciler.kinds.pg_setting.startup.next_start import Start, Unseen
from reconciler.kinds.pg_setting.values import Canonical

_ENTERS = "nobody might come in any more"


class Rule(NamedTuple):
    """`names`: the settings that it looks at; a change of any of them is held against it.

    `judge` says why it would fail, what "it" is being `consequence`; empty where all is well; `Unseen` where that could
    not be told.
    """

    names: frozenset[str]
    judge: Callable[[Start], str]
    consequence: str = "the server would not start"


RULES: tuple[Rule, ...] = (
    Rule(memory.PROCESSES, memory.processes),
    Rule(memory.SHARED, memory.fits),
    Rule(memory.SHARED | memory.HUGE, memory.huge_pages),
    Rule(connections_and_wal.CONNECTIONS, connections_and_wal.connections),
    Rule(connections_and_wal.LEVEL, connections_and_wal.level),
    Rule(connections_and_wal.SIZES, connections_and_wal.sizes),
    Rule(connections_and_wal.KEPT, connections_and_wal.kept),
    Rule(frozenset(standby.NOT_LOWER), standby.not_lower),
    Rule(doors.LISTENING, doors.listening, _ENTERS),
    Rule(doors.SOCKETS, doors.sockets),
    Rule(doors.MOVED, doors.moved, _ENTERS),
    Rule(tls.NAMES, tls.starts),
    Rule(files.LOGGING, files.logging),
    Rule(frozenset({"external_pid_file"}), files.pid_file),
    Rule(frozenset({"stats_temp_directory"}), files.statistics),
    Rule(session_start.BEGINNING, session_start.begins, _ENTERS),
    Rule(frozenset({"client_encoding"}), session_start.encoding, _ENTERS),
    Rule(frozenset({"db_user_namespace"}), session_start.database_names, _ENTERS),
    Rule(frozenset({"hot_standby"}), session_start.hot_standby, _ENTERS),
    Rule(session_start.TARGETS, session_start.targets),
    Rule(session_start.STATISTICS, session_start.statistics),
    Rule(session_start.ARCHIVING, session_start.archiving, "nothing would be archived"),
    Rule(frozenset({"debug_io_direct"}), session_start.direct_io),
    Rule(frozenset({"bonjour"}), session_start.bonjour),
    Rule(frozenset({"io_method"}), session_start.io_method),
)

COMPANIONS: frozenset[str] = frozenset().union(*(rule.names for rule in RULES)) | {"dynamic_library_path"}
"""Everything that the rules look at, whether it is declared or not."""


def leant_on(name: str) -> frozenset[str]:
    """The settings that the rules for `name` look at."""
    return frozenset().union(*(rule.names for rule in RULES if name in rule.names))


def refused(name: str, value: Canonical | None, server: Server) -> str:
    """Why the server would not start, or no session begin, with `name` at `value`; empty where nothing says so.

    Numbers are in each setting's own unit. The other settings are what `server.coming` has for them.
    """
    reasons = (reason for reason in _judged(name, value, server) if not isinstance(reason, Unseen))
    return next(reasons, "")


def unseen(name: str, value: Canonical | None, server: Server) -> str:
    """What could not be looked at before `name` is set to `value`, for a note; empty where all was seen."""
    return "; ".join(reason for reason in _judged(name, value, server) if isinstance(reason, Unseen))


def refused_for_sessions(name: str, value: Canonical | None) -> str:
    """Why no session of a database or a role could begin with `name` at `value`; empty where they can."""
    return session_start.one_session(name, value)


def paths(coming: Mapping[str, Canonical], declared: frozenset[str]) -> frozenset[str]:
    """Files and folders of the server that have to be looked at before settings with these names are changed."""
    found: set[str] = set()
    if declared & files.NAMES:
        found.update(files.paths(coming))
    if declared & tls.NAMES:
        found.update(tls.paths(coming))
    return frozenset(found)


def start(name: str, value: Canonical, server: Server) -> Start:
    """The server's next start, with `name` at `value`."""
    return Start(
        name=name,
        coming={**server.coming, name: value},
        now=server.now,
        around=server.around,
        version=server.version_num // 10000,
        in_recovery=server.in_recovery,
        superuser=server.acts_as_superuser,
        data_directory=server.data_directory,
    )


def _judged(name: str, value: Canonical | None, server: Server) -> list[str]:
    if name not in COMPANIONS or value is None:
        return []
    found, next_start = [], start(name, value, server)
    for rule in RULES:
        reason = rule.judge(next_start) if name in rule.names else ""
        if reason:
            found.append(reason if isinstance(reason, Unseen) else f"{rule.consequence}: {reason}")
    return found
