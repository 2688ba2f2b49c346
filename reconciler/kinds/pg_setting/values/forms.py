"""What a few settings want beyond their type and range, which pg_settings does not say: their check hooks in C."""

from __future__ import annotations

import re

from reconciler.kinds.pg_setting.values import standby_names
from reconciler.kinds.pg_setting.values.units import InvalidValue

_PAGES = re.compile(r"(commit_timestamp|multixact_(member|offset)|notify|serializable|(sub)?transaction)_buffers")
_SLOT = re.compile(r"[a-z0-9_]{1,63}")
_LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")

_LONGEST_POINT = 63
"""Bytes of the name of a restore point (MAXFNAMELEN)."""

_WORDS = {
    "log_connections": ("all", "authentication", "authorization", "receipt", "setup_durations"),
    "log_destination": ("csvlog", "jsonlog", "stderr", "syslog"),
}
"""Words of lists. Without eventlog, which servers on Windows take alone."""

_SINCE = {"jsonlog": 150000}

_EXTRA = frozenset({"plpgsql.extra_errors", "plpgsql.extra_warnings"})
_EXTRA_CHECKS = frozenset({"all", "none", "shadowed_variables", "strict_multi_assignment", "too_many_rows"})


def number(name: str, value: int) -> None:
    """Raises InvalidValue where the server would refuse `value`, which is in the setting's own unit and range."""
    if _PAGES.fullmatch(name) and value % 16:
        raise InvalidValue("it is a multiple of 16 pages (128kB)")
    if name == "io_max_concurrency" and value == 0:
        raise InvalidValue("it is -1, or more than 0")
    if name == "vacuum_buffer_usage_limit" and 0 < value < 128:
        raise InvalidValue("it is 0, or at least 128kB")


def text(name: str, value: str) -> None:
    """Raises InvalidValue where the server would refuse the text `value`."""
    if name == "recovery_target" and value not in ("", "immediate"):
        raise InvalidValue("it is immediate, or nothing")
    if name == "recovery_target_lsn" and value and not _LSN.fullmatch(value):
        raise InvalidValue("it is a place in the WAL, such as 0/3000060")
    if name == "recovery_target_name" and len(value.encode()) > _LONGEST_POINT:
        raise InvalidValue(f"it is at most {_LONGEST_POINT} bytes")
    if name == "recovery_target_xid" and value.isdigit() and int(value) >= 2**64:
        raise InvalidValue("it is the number of a transaction")
    if name == "synchronous_standby_names":
        standby_names.parse(value)
    if name == "primary_slot_name" and value:
        _slot(value)
    if name in _EXTRA:
        for word in filter(None, (part.strip().lower() for part in value.split(","))):
            if word not in _EXTRA_CHECKS:
                raise InvalidValue(f"{word} is none of {', '.join(sorted(_EXTRA_CHECKS))}")


def words(name: str, version_num: int) -> tuple[str, ...]:
    """What the items of a list may be on such a server; nothing for a list of anything."""
    return tuple(word for word in _WORDS.get(name, ()) if _SINCE.get(word, 0) <= version_num)


def items(name: str, values: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Raises InvalidValue where the server would refuse one of the items `values`; `known`: see `words`."""
    for value in values:
        if known and value not in known:
            raise InvalidValue(f"{value} is none of {', '.join(known)}")
        if name == "synchronized_standby_slots":
            _slot(value)


def _slot(name: str) -> None:
    if not _SLOT.fullmatch(name):
        raise InvalidValue("a replication slot has a name of a to z, 0 to 9 and _, of 63 letters at most")
