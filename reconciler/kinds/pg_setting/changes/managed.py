"""Who keeps a server's settings, where that is not its administrator, and how they are changed there.

Each mark is documented, or read in the owner's source, and no server of one's own meets it to which a role of such a
host came with a dump: names of roles alone are no mark. On Amazon's, Google's and Microsoft's hosts no customer is a
superuser, so that a session that is one is not there (AlloyDB Omni, which one runs oneself, has alloydb.* as well).

Decided: docs/decisions.md#marks-of-an-owner, docs/decisions.md#commands-of-an-owner
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping

from psycopg import sql

from reconciler.kinds.pg_setting import values
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.observed import Owner, SettingObserved
from reconciler.kinds.pg_setting.values import Canonical, names
from reconciler.targets.postgres.session import Row

PATRONI_PASSES = (
    "cluster_name", "hot_standby", "max_connections", "max_locks_per_transaction", "max_prepared_transactions",
    "max_replication_slots", "max_wal_senders", "max_worker_processes", "track_commit_timestamp", "wal_level",
    "wal_log_hints",
)  # fmt: skip
"""What Patroni gives PostgreSQL on the command line, all of it and always, beside port and listen_addresses, which
others give as well: CMDLINE_OPTIONS in patroni/postgresql/config.py (wal_keep_size, too, is written to a file)."""

PATRONI_FROM_THE_NODE: Mapping[str, str] = {
    "cluster_name": "it is the cluster's scope",
    "hot_standby": "it is always on",
    "listen_addresses": "it is postgresql.listen in each node's own file",
    "port": "it is postgresql.listen in each node's own file",
}
"""What Patroni takes from no configuration of the cluster."""

PATRONI_OF_REPLICAS = frozenset(
    {
        *("archive_cleanup_command", "primary_conninfo", "primary_slot_name", "promote_trigger_file"),
        *("recovery_end_command", "recovery_min_apply_delay", "recovery_target", "recovery_target_action"),
        *("recovery_target_inclusive", "recovery_target_lsn", "recovery_target_name", "recovery_target_time"),
        *("recovery_target_timeline", "recovery_target_xid", "restore_command"),
    }
)
"""Recovery settings, which Patroni keeps apart for each PostgreSQL (_RECOVERY_PARAMETERS in its
patroni/postgresql/config.py)."""

PATRONI_LEAST: Mapping[str, int] = {
    "max_connections": 25,
    "max_locks_per_transaction": 32,
    "max_replication_slots": 4,
    "max_wal_senders": 3,
    "max_worker_processes": 2,
    "wal_keep_size": 16,
}
"""Below these (wal_keep_size in MB) Patroni uses a default of its own, and only its log says so."""

_HOSTS: Mapping[str, tuple[str, str]] = {
    "Amazon RDS": ("rds", "rdsadmin"),
    "AlloyDB": ("alloydb", "alloydbsuperuser"),
    "Cloud SQL": ("cloudsql", "cloudsqladmin"),
    "Azure Database for PostgreSQL": ("azure", "azure_pg_admin"),
}
"""The prefix of settings that only this host's PostgreSQL has, and a role that each of its servers has."""

_PLACEHOLDERS = (
    "alloydb.iam_authentication",
    "azure.extensions",
    "cloudsql.iam_authentication",
    "cnpg.config_sha256",
    "neon.timeline_id",
    "rds.extensions",
)
"""Settings that may stand in a file without a library that defines them; pg_settings does not list such. The one of
CloudNativePG always does."""

_CNPG_ARCHIVES = "/controller/manager wal-archive"
"""What archive_command begins with under CloudNativePG; nobody can change it there."""

QUERY = sql.SQL("""
    with known as materialized (select name, setting, source from pg_catalog.pg_settings)
    select (select pg_catalog.count(*) from known
            where source = 'command line' and name = any(%(patroni_passes)s)) as passed,
           array(select distinct pg_catalog.split_part(name, '.', 1) from known
                 where pg_catalog.strpos(name, '.') > 0) as prefixes,
           -- of a setting that only superusers may see this would be an error, not null
           case when pg_catalog.pg_has_role('pg_read_all_settings', 'usage')
                then array(select name from pg_catalog.unnest(%(placeholders)s::pg_catalog.text[]) as name
                           where pg_catalog.current_setting(name, true) is not null) end as placeholders,
           array(select rolname::pg_catalog.text from pg_catalog.pg_roles
                 where rolname = any(%(owners_roles)s)) as roles,
           (select setting from known where name = 'archive_command') as archive_command,
           (select setting from known where name = 'cluster_name') as cluster_name,
           exists (select from pg_catalog.pg_proc where proname = 'aurora_version') as aurora,
           (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser
""")

PARAMS = {
    "patroni_passes": list(PATRONI_PASSES),
    "placeholders": list(_PLACEHOLDERS),
    "owners_roles": [role for _, role in _HOSTS.values()],
}
"""Of QUERY."""


def recognise(row: Row) -> Owner | None:
    """The owner, by the answer to QUERY; None for a server whose administrator keeps its settings."""
    there = set(row["placeholders"] or ())
    if row["passed"] == len(PATRONI_PASSES):
        return Owner(name="Patroni", cluster=row["cluster_name"])
    if (row["archive_command"] or "").startswith(_CNPG_ARCHIVES) or "cnpg.config_sha256" in there:
        return Owner(name="CloudNativePG", cluster=row["cluster_name"])
    if row["superuser"]:
        return None
    prefixes = {*row["prefixes"], *(name.partition(".")[0] for name in there)}
    if "neon" in prefixes:
        return Owner(name="Neon")
    for name, (prefix, role) in _HOSTS.items():
        if prefix in prefixes and role in row["roles"]:
            return Owner(name="Amazon Aurora" if name == "Amazon RDS" and row["aurora"] else name)
    return None


def way(definition: Definition, observed: SettingObserved, value: Canonical | None) -> str:
    """Why ALTER SYSTEM is not the way here, and what is, ready to paste; empty where the server is nobody else's.

    `value` None: the setting is to be left to its default. What a sensitive setting is to hold is not written out.
    """
    owner = observed.server.owner
    if owner is None:
        return ""
    instead = _WAYS[owner.name](owner, definition, observed, value)
    return f"{owner.name} keeps this server's settings: {instead}"


def _patroni(owner: Owner, definition: Definition, observed: SettingObserved, value: Canonical | None) -> str:
    name = definition.name
    if name in PATRONI_FROM_THE_NODE:
        return f"{PATRONI_FROM_THE_NODE[name]}, and cannot be set otherwise"
    if value is None and name in PATRONI_PASSES:
        # Without a value of the cluster's, Patroni passes a default of its own, which is not always PostgreSQL's.
        value = values.read(definition, definition.boot_val)
    least = PATRONI_LEAST.get(name)
    if least is not None and isinstance(value, int) and value < least:
        return f"it takes {values.shown(definition, least)} or more, and would use its own default"
    text = "null" if value is None else spelled(definition, value)
    if value is not None and not _PLAIN_YAML.fullmatch(text):
        text = json.dumps(text, ensure_ascii=False)
    cluster = shlex.quote(owner.cluster)
    first = ""
    if observed.in_auto is not None and observed.source != "command line":
        first = f"first alter system reset {name} on this node, which masks what Patroni writes; "
    then = f"; then patronictl restart --pending {cluster}" if definition.context == "postmaster" else ""
    return (
        f"declare patroni: {{url: …}} for this target, or {first}run "
        f"patronictl edit-config {cluster} -p {shlex.quote(f'{name}={text}')}{then}"
    )


def _cloudnativepg(owner: Owner, definition: Definition, observed: SettingObserved, value: Canonical | None) -> str:
    if definition.name == "shared_preload_libraries":
        patch: dict[str, object] = {definition.name: None if value is None else list(_items(value))}
    else:
        patch = {"parameters": {definition.name: None if value is None else spelled(definition, value)}}
    written = json.dumps({"spec": {"postgresql": patch}}, separators=(",", ":"), ensure_ascii=False)
    cluster = shlex.quote(owner.cluster) if owner.cluster else "NAME"
    restarts = ", which restarts PostgreSQL on all instances" if definition.context == "postmaster" else ""
    return f"run kubectl patch clusters.postgresql.cnpg.io {cluster} --type merge -p {shlex.quote(written)}{restarts}"


def _rds(owner: Owner, definition: Definition, observed: SettingObserved, value: Canonical | None) -> str:
    part = "db-cluster" if owner.name == "Amazon Aurora" else "db"
    static = definition.context in ("postmaster", "internal")
    method = "pending-reboot" if static else "immediate"
    parameter = {"ParameterName": definition.name}
    if value is not None:
        parameter["ParameterValue"] = _own_unit(definition, value, ("1", "0"))
    parameter["ApplyMethod"] = method
    if all(re.fullmatch(r"[\w.:%+-]+", text) for text in parameter.values()):
        written = '"' + ",".join(f"{key}={text}" for key, text in parameter.items()) + '"'
    else:
        written = shlex.quote(json.dumps([parameter], separators=(",", ":"), ensure_ascii=False))
    verb = "reset" if value is None else "modify"
    reboot = "; then aws rds reboot-db-instance --db-instance-identifier INSTANCE" if static else ""
    return (
        f"run aws rds {verb}-{part}-parameter-group --{part}-parameter-group-name NAME --parameters {written}{reboot}"
    )


def _google(owner: Owner, definition: Definition, observed: SettingObserved, value: Canonical | None) -> str:
    if owner.name == "AlloyDB":
        place = "--cluster=CLUSTER --region=REGION"
        patch, show = f"alloydb instances update INSTANCE {place}", f"alloydb instances describe INSTANCE {place}"
        shown = "databaseFlags"
    else:
        patch, show, shown = "sql instances patch INSTANCE", "sql instances describe INSTANCE", "settings.databaseFlags"
    listed = f"gcloud {show} --format={shlex.quote(f'value({shown})')}"
    restart = ", and restarts the instance" if definition.context == "postmaster" else ""
    if value is None:
        return (
            f"run gcloud {patch} --database-flags=… with all the flags that are set but {definition.name}, since it "
            f"replaces all of them{restart}; {listed} shows them"
        )
    flag = f"{definition.name}={_own_unit(definition, value, ('on', 'off'))}"
    # gcloud takes another separator than the comma between two carets.
    flags = f"^:^{flag}" if "," in flag else flag
    return (
        f"run gcloud {patch} --database-flags={shlex.quote(flags)} and add the flags that are set already, since it "
        f"replaces all of them{restart}; {listed} shows them"
    )


def _azure(owner: Owner, definition: Definition, observed: SettingObserved, value: Canonical | None) -> str:
    where = f"--resource-group GROUP --server-name SERVER --name {definition.name}"
    if value is None:
        default = f'"$(az postgres flexible-server parameter show {where} --query defaultValue --output tsv)"'
    else:
        default = shlex.quote(_own_unit(definition, value, ("on", "off")))
    restart = ""
    if definition.context == "postmaster":
        restart = "; then az postgres flexible-server restart --resource-group GROUP --name SERVER"
    return f"run az postgres flexible-server parameter set {where} --value {default}{restart}"


def _neon(owner: Owner, definition: Definition, observed: SettingObserved, value: Canonical | None) -> str:
    if definition.context in ("user", "superuser"):
        return "it can be declared for a database or a role (databases:, roles:), or has to be asked of its support"
    return "only its support can change this one"


_WAYS: Mapping[str, Callable[[Owner, Definition, SettingObserved, Canonical | None], str]] = {
    "Patroni": _patroni,
    "CloudNativePG": _cloudnativepg,
    "Amazon RDS": _rds,
    "Amazon Aurora": _rds,
    "AlloyDB": _google,
    "Cloud SQL": _google,
    "Azure Database for PostgreSQL": _azure,
    "Neon": _neon,
}

_PLAIN_YAML = re.compile(r"-?[0-9]+(\.[0-9]+)?(B|kB|MB|GB|TB|us|ms|s|min|h|d)?")
"""Texts that YAML reads as the number or the string that they are."""


def _items(value: Canonical) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)


def spelled(definition: Definition, value: Canonical) -> str:
    """As a configuration file has it, with a unit."""
    if definition.name in names.SENSITIVE:
        return "…"
    if isinstance(value, tuple):
        return ", ".join(item if re.fullmatch(r"[\w.$/-]+", item) else f'"{_doubled(item)}"' for item in value)
    return values.shown(definition, value)


def _doubled(item: str) -> str:
    return item.replace('"', '""')


def _own_unit(definition: Definition, value: Canonical, booleans: tuple[str, str]) -> str:
    """A number of the setting's own unit, as these hosts take it; a boolean as `booleans` has it."""
    if definition.vartype == "bool":
        return booleans[value != "on"]
    if isinstance(value, tuple):
        return ",".join(spelled(definition, (item,)) for item in value)
    if isinstance(value, int | float) and definition.unit:
        return f"{value:g}" if isinstance(value, float) else str(value)
    return spelled(definition, value)
