"""From the server's answers to what it shows of each setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches

from reconciler.kinds.pg_setting import provenance, values
from reconciler.kinds.pg_setting.changes import obstacles
from reconciler.kinds.pg_setting.changes.planned_values import beside
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.observing import libraries, unloaded
from reconciler.kinds.pg_setting.observing.opinion import by_server
from reconciler.kinds.pg_setting.observing.reading import Reading, read
from reconciler.kinds.pg_setting.values import declared_value, lists, names
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.model import Address, SecretRef
from reconciler.targets.postgres.session import PostgresSession, Row

_SHOWN_BY_THE_SYSTEM = frozenset(
    {"tcp_keepalives_count", "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_user_timeout"}
)
"""pg_settings shows what the operating system says of this very connection: nothing at all over a Unix socket, and its
own default for 0."""


def observe(session: PostgresSession, resources: Sequence[PgSetting]) -> Mapping[Address, SettingObserved]:
    """What the server shows of the wanted settings. Raises TargetError; DesiredError without the secret."""
    reading = read(session, resources)
    declared = frozenset(resource.own_name for resource in resources)
    return {
        resource.address: _observed(session, reading, resource).model_copy(update={"declared": declared})
        for resource in resources
    }


def _observed(session: PostgresSession, reading: Reading, resource: PgSetting) -> SettingObserved:
    name = resource.setting
    row = reading.answers.rows.get(name)
    definition = reading.answers.definition(name)
    if unloaded.known(name) or (definition is None and resource.of_instance):
        definition = unloaded.definition(name, reading.server) or definition
    found = SettingObserved(
        server=reading.server,
        definition=definition,
        entries=tuple(reading.files.entries.get(name, ())),
        beside=beside(resource, reading.instance.declared),
    )
    if row is None and definition is not None:
        overrides = [override for _, _, override in reading.answers.overrides(name)]
        seen = unloaded.seen(session, definition, reading.server, found.entries, overrides)
        found = found.model_copy(update=seen or {"definition": None, **_absence(reading, name)})
        definition = found.definition
    elif definition is None or row is None:
        found = found.model_copy(update=_absence(reading, name))
    else:
        found = found.model_copy(
            update={
                "source": row["source"],
                "running": row["setting"],
                "pending_restart": row["pending_restart"],
                "may_set": reading.server.acts_as_superuser or row["may_alter_system"],
                "sourcefile": _source_line(row, reading),
            }
        )
        found = _unmasked(found, definition)
    found = found.model_copy(update=_scope(reading, resource, row))
    if not resource.of_instance:
        found = found.model_copy(update={"inherited": _inherited(reading, resource, found)})
    if name == "role":
        found = found.model_copy(update=_no_such_role(reading, resource))
    if definition is not None and not definition.unloaded and isinstance(resource.value, str):
        found = found.model_copy(update=_opinion(session, definition, resource, found))
    found = found.model_copy(update={"missing": _missing(session, reading, resource, definition, found)})
    if isinstance(resource.value, SecretRef):
        found = found.model_copy(update=_secret(session, resource, resource.value, definition, found))
    return found


def _absence(reading: Reading, name: str) -> Mapping[str, object]:
    row = reading.answers.absent[name]
    if reading.instance.is_unlisted(name):
        return {"absence": "unlisted" if row["reads_all"] else "hidden"}
    return {"absence": "unknown", "nearest": names.nearest(name, row["names"])}


def _source_line(row: Row, reading: Reading) -> str:
    if not row["sourcefile"]:
        return ""
    return provenance.line(provenance.file_name(row["sourcefile"], reading.server.data_directory), row["sourceline"])


def _unmasked(found: SettingObserved, definition: Definition) -> SettingObserved:
    """The instance's value, where this session sees another: as the files have it, if they may be read."""
    mask = provenance.session_override(found.source)
    if definition.name == "archive_command" and found.running == "(disabled)":
        mask = "archive_mode being off"
    if definition.name in _SHOWN_BY_THE_SYSTEM and found.source == "configuration file" and found.server.files_visible:
        mask = "the operating system"
    if not mask:
        return found
    entry = found.last_entry
    if not found.server.files_visible:
        return found.model_copy(update={"running": None, "masked_by": mask})
    boot = definition.boot_val or ("" if definition.vartype == "string" else None)
    return found.model_copy(
        update={
            "running": entry.setting if entry else boot,
            "source": "configuration file" if entry else "default",
            "sourcefile": provenance.line(entry.file, entry.line) if entry else "",
            "masked_by": mask,
        }
    )


def _scope(reading: Reading, resource: PgSetting, row: Row | None) -> Mapping[str, object]:
    """The value and the rights of the declared database or role; for the instance, who has values of their own."""
    overrides = reading.answers.overrides(resource.setting)
    if resource.of_instance:
        return {"overrides": tuple(override for _, _, override in overrides)}
    stronger = tuple(override for database, role, override in overrides if _counts_before(resource, database, role))
    own = [value.value for database, role, value in overrides if (database, role) == (resource.database, resource.role)]
    subjects, lacks = [], ""
    for kind, name, known in (
        ("role", resource.role, reading.answers.roles),
        ("database", resource.database, reading.answers.databases),
    ):
        if name is None:
            continue
        if name not in known:
            near = get_close_matches(name, known, n=1)
            message = f"there is no {kind} {name}" + (f"; did you mean {near[0]}?" if near else "")
            return {"scope_missing": message}
        subjects.append(f"{kind} {known[name]['quoted']}")
        # For a role in a database only the rights on the role count.
        if not (known[name]["may_alter"] or (kind == "database" and resource.role is not None)):
            lacks = obstacles.to_alter(kind, known[name], reading.server)
    server = reading.server
    if not (lacks or row is None or row["context"] == "user" or row["may_set"]):
        grants = server.version_num >= obstacles.GRANTS_SINCE
        lacks = f"grant set on parameter {resource.setting} to {server.acting}" if grants else obstacles.SUPERUSER
    return {
        "own": own[0] if own else None,
        "overrides": stronger,
        "scope_sql": " in ".join(subjects),
        "may_set": server.acts_as_superuser or not lacks,
        "lacks": lacks,
    }


def _inherited(reading: Reading, resource: PgSetting, found: SettingObserved) -> tuple[str, ...]:
    """What sessions of the declared scope get where it has no value of its own, strongest first.

    A role's sessions may get what their database has, each another. The instance's stands behind all of them.
    """
    given = {
        (database, role): override.value for database, role, override in reading.answers.overrides(resource.setting)
    }
    instance = found.running
    if instance is None and found.definition is not None:
        instance = found.definition.boot_val
    behind = given.get((None, None), instance or "")
    if resource.role is None:
        return (behind,)
    if resource.database is not None:
        return (given.get((None, resource.role), given.get((resource.database, None), behind)),)
    of_databases = sorted(value for (database, role), value in given.items() if database and role is None)
    return (behind, *of_databases)


def _counts_before(resource: PgSetting, database: str | None, role: str | None) -> bool:
    """Whether a value of `role` in `database` (None: of any) takes the place of the declared one in some sessions.

    A role in a database counts before a role, a role before a database (PostgreSQL's manual of ALTER ROLE).
    """
    if resource.role is None:
        return role is not None and database in (None, resource.database)
    return resource.database is None and role == resource.role and database is not None


def _opinion(
    session: PostgresSession, definition: Definition, resource: PgSetting, found: SettingObserved
) -> Mapping[str, object]:
    """How the server reads a text that differs, for a setting that a session may SET: its spelling, or its refusal."""
    text = resource.value
    assert isinstance(text, str)  # noqa: S101 - the caller asked
    probe = "timezone" if definition.name == "log_timezone" else definition.name
    askable = definition.vartype == "string" and (definition.context in ("user", "superuser") or probe == "timezone")
    askable = askable or definition.name == "max_stack_depth"  # how much there is, only the server's shell knows
    askable = askable or (definition.name == "recovery_target_time" and bool(text))
    if not askable or text.lower() == "default" or definition.name in names.NOT_IN_FILES:
        return {}
    entry = found.last_entry
    there = (found.running, entry.setting if entry else None) if resource.of_instance else (found.own,)
    wanted_value = values.read(definition, text)
    others = {other for other in there if other is not None and values.read(definition, other) != wanted_value}
    if wanted_value is not None and not others and there[0] is not None:
        return {}
    if definition.vartype != "string":
        with suppress(InvalidValue):  # a formula is ours, and only what it comes to is the server's
            text = declared_value.evaluated(definition, found.server.operand, text)[1]
    # A quoted list of several items is no text that set_config could take as a whole without changing its meaning.
    value, refused = by_server(session, probe, text)
    if value is None:
        return {"refused": refused}
    same = tuple(sorted(other for other in others if by_server(session, probe, other)[0] == value))
    return {"by_server": value, "same": same}


def _no_such_role(reading: Reading, resource: PgSetting) -> Mapping[str, object]:
    """What is said of a role that the sessions of another are to act as, and that is not there: the server takes it."""
    wanted_role = resource.value
    if not isinstance(wanted_role, str) or wanted_role in ("none", "default") or wanted_role in reading.answers.roles:
        return {}
    return {"refused": f"there is no role {wanted_role}"}


def _missing(
    session: PostgresSession,
    reading: Reading,
    resource: PgSetting,
    definition: Definition | None,
    found: SettingObserved,
) -> tuple[str, ...] | None:
    """Libraries that would have to be loaded, and could not be; None where this role cannot look."""
    if definition is None:
        return ()
    named = {definition.name: _new_libraries(resource, definition, found)}
    folders = reading.server.coming.get("dynamic_library_path")
    if definition.name == "dynamic_library_path" and resource.of_instance:
        named = {
            name: items for name in lists.PRELOADED if isinstance(items := reading.instance.preloaded(name), tuple)
        }
    if not any(named.values()):
        return ()
    if not reading.server.superuser or not isinstance(folders, str):
        return None
    missing = [libraries.missing(session, name, items, folders) for name, items in named.items()]
    return None if None in missing else tuple(item for items in missing for item in items or ())


def _new_libraries(resource: PgSetting, definition: Definition, found: SettingObserved) -> tuple[str, ...]:
    running = values.read(definition, found.running)
    loaded = running if isinstance(running, tuple) else ()
    named = obstacles.named_libraries(resource)
    if resource.of_instance and definition.name in lists.PRELOADED and declared_value.is_reset(resource, definition):
        below = values.read(definition, found.below_auto.setting) if found.below_auto else ()
        named = below if isinstance(below, tuple) else ()
    return tuple(name for name in named if name not in loaded)


def _secret(
    session: PostgresSession,
    resource: PgSetting,
    reference: SecretRef,
    definition: Definition | None,
    found: SettingObserved,
) -> Mapping[str, object]:
    secret = session.secrets.resolve(reference, resource)
    seen = found.running if resource.of_instance else found.own
    if resource.of_instance and seen is None:
        return {"secret_matches": None}
    if definition is None or seen is None:
        return {"secret_matches": seen == secret}
    return {"secret_matches": values.read(definition, seen) == values.read(definition, secret)}
