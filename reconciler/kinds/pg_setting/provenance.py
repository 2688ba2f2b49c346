"""Where a value comes from, in the words that people use."""

from __future__ import annotations

from pathlib import PurePath

from reconciler.kinds.pg_setting.model import PgSetting, SettingObserved

AUTO = "postgresql.auto.conf"

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
        return observed.sourcefile or "a configuration file"
    return "default" if observed.source in ("default", "override") else observed.source


def of_entry(observed: SettingObserved) -> str:
    """Where the value comes from that the files hold; `default` where none holds one."""
    entry = observed.last_entry
    return line(entry.file, entry.line) if entry else "default"


def overridden(desired: PgSetting, observed: SettingObserved) -> str:
    """Which sessions will not see a value of the instance; empty where all will."""
    if not desired.of_instance or not observed.overrides:
        return ""
    return "not for " + ", ".join(sorted(override.scope for override in observed.overrides))
