"""Sessions that could not begin though the server runs, and settings that the server reads one at a time only."""

from __future__ import annotations

from reconciler.kinds.pg_setting.startup.next_start import Start, Unseen
from reconciler.kinds.pg_setting.values import Canonical

TARGETS = frozenset(
    {
        "recovery_target",
        "recovery_target_lsn",
        "recovery_target_name",
        "recovery_target_time",
        "recovery_target_xid",
    }
)
STATISTICS = frozenset({"log_executor_stats", "log_parser_stats", "log_planner_stats", "log_statement_stats"})
ARCHIVING = frozenset({"archive_command", "archive_library"})

PATIENCE = 8
"""Seconds that a session may take to begin: this tool gives up after ten, and most clients do."""

SHORTEST = {
    "idle_in_transaction_session_timeout": 10,
    "idle_session_timeout": 10,
    "statement_timeout": 10,
    "transaction_timeout": 100,
}
"""Milliseconds. With 1 ms this tool was seen to lose its sessions before it could set anything in them; and a session
begins with a transaction of its own, which reads what is in no cache yet."""

BEGINNING = frozenset({"post_auth_delay", "pre_auth_delay", *SHORTEST})


def one_session(name: str, value: Canonical | None) -> str:
    """Why no session could begin with `name` at `value`, whether it is the instance's, a database's or a role's."""
    if not isinstance(value, int | float):
        return ""
    if name in ("post_auth_delay", "pre_auth_delay") and value > PATIENCE:
        return f"a session would take {value:g} s to begin, and this tool and others give up before: {PATIENCE} at most"
    if 0 < value < SHORTEST.get(name, 0):
        return f"sessions would be ended before anybody could do anything: {SHORTEST[name]}ms at least, or 0 for none"
    return ""


def begins(start: Start) -> str:
    """As `one_session`, for the instance."""
    return one_session(start.name, start.coming.get(start.name))


def encoding(start: Start) -> str:
    """A client that names no encoding gets this one, which the server has to be able to make of each database's."""
    databases = start.around.unconvertible
    if not databases or not start.differs("client_encoding"):
        return ""
    return (
        f"nothing converts {start.text('client_encoding')} to the encoding of {', '.join(databases)}, where no session "
        "could begin that does not name another: set it for the databases that need it"
    )


def database_names(start: Start) -> str:
    """db_user_namespace (until 16) makes the server look for roles by the name of role@database."""
    if start.text("db_user_namespace") != "on" or not start.differs("db_user_namespace"):
        return ""
    return "roles would have to be called name@database, and nobody could log in by the name of today"


def hot_standby(start: Start) -> str:
    """A standby that lets nobody in cannot be told to do so again."""
    if start.in_recovery and start.text("hot_standby") == "off":
        return "this server is a standby, and would let nobody in any more"
    return ""


def targets(start: Start) -> str:
    """Only one target of a recovery can be set, even where there is no recovery."""
    given = sorted(name for name in TARGETS if start.text(name))
    return f"only one of {', '.join(given)} may be set: declare '' for the others" if len(given) > 1 else ""


def statistics(start: Start) -> str:
    """The statistics of whole statements exclude those of their parts."""
    if start.text("log_statement_stats") != "on":
        return ""
    given = sorted(name for name in STATISTICS - {"log_statement_stats"} if start.text(name) == "on")
    return f"log_statement_stats does not go together with {', '.join(given)}: switch it off first" if given else ""


def archiving(start: Start) -> str:
    """The server starts with both, and archives nothing."""
    given = [name for name in ("archive_library", "archive_command") if start.text(name)]
    if len(given) < 2 or start.text("archive_command") == "(disabled)" or start.version < 16:
        return ""
    return "archive_command and archive_library exclude each other, and the server starts with both: declare '' for one"


def direct_io(start: Start) -> str:
    """A file system that knows no direct I/O keeps the server from starting."""
    if not start.items("debug_io_direct") or not start.differs("debug_io_direct"):
        return ""
    return (
        "whether its file system takes direct I/O cannot be seen from here, and it is for developers of PostgreSQL: "
        "set it where the server is configured"
    )


def bonjour(start: Start) -> str:
    """ALTER SYSTEM and a start refuse it where the server was built without."""
    if start.text("bonjour") != "on" or not start.differs("bonjour"):
        return ""
    return "whether it was built with Bonjour cannot be seen from here: set it where the server is configured"


def io_method(start: Start) -> str:
    """io_uring can be forbidden by the kernel, and often is in containers."""
    if start.text("io_method") != "io_uring" or not start.differs("io_method"):
        return ""
    disabled = start.around.io_uring_disabled
    if disabled is None:
        return Unseen("whether the kernel lets the server use io_uring could not be seen")
    if disabled != "0":
        return f"the kernel forbids io_uring (kernel.io_uring_disabled is {disabled}): declare io_method: worker"
    return Unseen("whether a container forbids io_uring could not be seen")
