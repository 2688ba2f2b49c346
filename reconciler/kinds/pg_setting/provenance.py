"""Where a value comes from, in the words that people use."""

from __future__ import annotations

from pathlib import PurePath

from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.model import SENSITIVE, ComesTrue, Provenance

AUTO = "postgresql.auto.conf"

SOME_FILE = "a configuration file"
"""Where a value stands that is in a file, and nobody may see in which."""

_SESSION_SOURCES = {
    "global": "ALTER ROLE ALL",
    "database": "ALTER DATABASE",
    "user": "ALTER ROLE",
    "database user": "ALTER ROLE … IN DATABASE",
    "client": "its connection URL or environment",
    "interactive": "its own SET",
    "session": "its own SET",
}


def is_auto(file: str) -> bool:
    """Whether `file` is the one that ALTER SYSTEM writes."""
    return PurePath(file).name == AUTO


def file_name(file: str, data_directory: str | None) -> str:
    """`file` as people know it: relative to the data directory where it is in there."""
    path = PurePath(file)
    if data_directory and path.is_relative_to(data_directory):
        return str(path.relative_to(data_directory))
    return file


def line(file: str, number: int | None) -> str:
    """`postgresql.conf:12`; without a line for postgresql.auto.conf, which nobody edits."""
    return file if is_auto(file) or number is None else f"{file}:{number}"


def session_override(source: str) -> str:
    """What gives this session a value of its own, if `source` is such a thing; empty if not."""
    return _SESSION_SOURCES.get(source, "")


def of_running(observed: SettingObserved) -> str:
    """Where the running value comes from."""
    if observed.source == "configuration file":
        return observed.sourcefile or SOME_FILE
    return "default" if observed.source in ("default", "override") else observed.source


def of_entry(observed: SettingObserved) -> str:
    """Where the value comes from that the files hold; `default` where none holds one."""
    entry = observed.last_entry
    return line(entry.file, entry.line) if entry else "default"


def of(
    observed: SettingObserved, comes_true: ComesTrue, *, value: str, coming: str = "", sensitive: bool = False
) -> Provenance:
    """Where the instance's value comes from. `value` and `coming` as SHOW prints them."""
    from_file = observed.source == "configuration file"
    counted = from_file and bool(observed.entries)
    others = observed.entries[:-1] if counted else observed.entries
    return Provenance(
        value=SENSITIVE if sensitive else value,
        source=observed.source,
        place=observed.sourcefile if from_file else "",
        coming="" if coming == value else SENSITIVE if sensitive else coming,
        masks=tuple(line(entry.file, entry.line) for entry in reversed(others)),
        masked_for=tuple(sorted(override.scope for override in observed.overrides)),
        comes_true=comes_true,
        brings=observed.server.brings if comes_true is ComesTrue.RESTART else {},
    )


def overridden(observed: SettingObserved) -> str:
    """Which sessions will not see the value; empty where all will."""
    if not observed.overrides:
        return ""
    return "not for " + ", ".join(sorted(override.scope for override in observed.overrides))


def masking(observed: SettingObserved, source: str) -> str:
    """Which lines ALTER SYSTEM masks beside `source`, so that nobody edits them in vain; empty where there is none."""
    lines = [line(entry.file, entry.line) for entry in observed.entries if not entry.by_alter_system]
    others = [one for one in reversed(lines) if one != source]
    return f"masks {', '.join(others)}" if others else ""
