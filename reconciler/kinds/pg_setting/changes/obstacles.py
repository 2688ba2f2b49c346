"""Why a change of an instance's setting cannot work, said at plan time.

Decided: docs/decisions.md#alter-role-all
"""

from __future__ import annotations

import re

from reconciler.kinds.pg_setting import values
from reconciler.kinds.pg_setting.changes import managed
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import Server, SettingObserved
from reconciler.kinds.pg_setting.sections import ListEdit
from reconciler.kinds.pg_setting.values import Canonical, lists, names
from reconciler.kinds.pg_setting.values.declared_value import Wanted
from reconciler.targets.postgres.session import Row

_READABLE = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")
"""Names that a configuration file can have (guc-file.l): of two parts, and without a dollar sign."""

GRANTS_SINCE = 150000
"""15: rights on parameters can be granted."""

SUPERUSER = "use a superuser"

ALL_ROLES = "all roles"
"""The scope of what ALTER ROLE ALL sets."""
_ALSO_LIBRARIES = ("archive_library", "dynamic_library_path")
"""Settings that decide about libraries, beside lists of them."""


def never(definition: Definition) -> str:
    """Why nobody can set it by ALTER SYSTEM, whatever the value; empty where one can."""
    if definition.context == "internal":
        return "it is fixed when the server is built or its cluster made, and cannot be set"
    if definition.name in names.NOT_IN_FILES:
        return "ALTER SYSTEM does not take it: it has to be set where the server is started, or in postgresql.conf"
    if definition.unloaded and not _READABLE.fullmatch(definition.name):
        return "ALTER SYSTEM takes the name, and writes a line that the server cannot read: it would not start again"
    return ""


def files(observed: SettingObserved) -> str:
    """Why the server would ignore its files; empty where it reads them."""
    lines = observed.server.blocking
    if not lines:
        return ""
    return f"the server ignores all of its configuration files until this is mended: {'; '.join(lines)}"


def given_to_all(observed: SettingObserved) -> str | None:
    """The value that ALTER ROLE ALL gives to every session; None where it gives none."""
    return next((override.value for override in observed.overrides if override.scope == ALL_ROLES), None)


def masked_for_all(definition: Definition, observed: SettingObserved) -> str:
    """Why no session gets the instance's value."""
    value = "another value" if definition.name in names.SENSITIVE else given_to_all(observed)
    return (
        f"no session gets it: ALTER ROLE ALL gives every one {value or repr(value)}. "
        f"Run alter role all reset {definition.name} (on the primary), and plan again"
    )


def alter_system(
    definition: Definition, observed: SettingObserved, statement: str, value: Canonical | None = None
) -> str:
    """Why ALTER SYSTEM would be refused, or change nothing; empty where it works. `value` None: RESET."""
    server = observed.server
    if server.owner is not None:
        return managed.way(definition, observed, value)
    if observed.source == "command line":
        return (
            "it is given on the server's command line, which ALTER SYSTEM does not change, nor a restart: "
            "change how the server is started"
        )
    if given_to_all(observed) is not None:
        return masked_for_all(definition, observed)
    if "\n" in statement:
        return "ALTER SYSTEM takes no value of several lines: set it in postgresql.conf"
    if not server.alter_system_allowed:
        return f"allow_alter_system is off: change it where this server's configuration is kept ({statement})"
    return files(observed)


def to_alter(kind: str, subject: Row, server: Server) -> str:
    """What it takes to set something for a role or a database that our role may not alter."""
    if kind == "database":
        return f"that takes the owner of the database: grant it to {server.acting}"
    if subject["is_superuser"]:
        return SUPERUSER
    way = f"that takes CREATEROLE: alter role {server.acting} createrole"
    if server.version_num < 160000:
        return way
    return f"{way}; grant {subject['quoted']} to {server.acting} with admin option"


def forbidden(definition: Definition, observed: SettingObserved, statement: str) -> str:
    """Why this role may not run `statement` and reload; another may. Empty where it may."""
    server = observed.server
    if statement and not observed.may_set:
        grant = (
            f"grant alter system on parameter {definition.name} to {server.acting}"
            if server.version_num >= GRANTS_SINCE
            else SUPERUSER
        )
        return f"role {server.acting} may not run {statement}: {grant}"
    if not server.may_reload:
        return (
            f"role {server.acting} may not reload the configuration: "
            f"grant execute on function pg_catalog.pg_reload_conf() to {server.acting}, in this database"
        )
    return ""


def empty_list(definition: Definition, observed: SettingObserved, wanted: Wanted) -> str:
    """Why the list cannot be emptied; empty where it can, or is not to be."""
    if wanted.literals:
        return ""
    below = observed.below_auto
    left = values.read(definition, below.setting if below else definition.boot_val)
    if left is None or wanted.met(left):
        return ""
    where = f"{below.file}:{below.line}" if below else "its default"
    return f"an empty list can only be had by RESET, and then {where} counts: {values.shown(definition, left)}"


def libraries(definition: Definition, observed: SettingObserved) -> str:
    """Why the server would not start, or refuse sessions, with this list; empty where nothing speaks against it."""
    if not observed.missing:
        return ""
    consequence = {
        "archive_library": "nothing would be archived",
        "dynamic_library_path": "the server would not start",
        "shared_preload_libraries": "the server would not start",
    }.get(definition.name, "no session could begin")
    return f"no library of this name is installed on the server: {', '.join(observed.missing)}; {consequence}"


def unchecked_libraries(desired: PgSetting, observed: SettingObserved) -> str:
    """A note where nobody could look whether libraries are there; empty otherwise."""
    if observed.missing is not None or desired.setting not in {*lists.PRELOADED, *_ALSO_LIBRARIES}:
        return ""
    return f"whether its libraries are installed could not be seen by role {observed.server.role}"


def named_libraries(desired: PgSetting) -> tuple[str, ...]:
    """The libraries that a declaration asks for."""
    if desired.setting == "archive_library" and isinstance(desired.value, str):
        return (desired.value,) if desired.value and desired.value.lower() != "default" else ()
    if desired.setting not in lists.PRELOADED:
        return ()
    match desired.value:
        case str() as text:
            try:
                return () if text.lower() == "default" else lists.split(desired.setting, text)
            except ValueError:
                return ()
        case tuple() as items:
            return items
        case ListEdit() as edit:
            return edit.include
        case _:
            return ()
