"""What an instance, its databases and its roles have set, as the YAML that declares it.

Only what differs from the default. Every value is declared again from what was written and planned against the server
it came from, in one go for all of them: only what the plan finds to be as declared is kept, with a comment that says
where it comes from. The rest is left out and says why, behind all others what belongs to one machine.

Decided: docs/decisions.md#settings-that-are-imported, docs/decisions.md#values-that-may-hold-a-password
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from reconciler.errors import DesiredError, ObservationFailed
from reconciler.kind import Declaration, Kind
from reconciler.kinds.as_yaml import fitting, objection
from reconciler.kinds.pg_setting import provenance
from reconciler.kinds.pg_setting.changes.planned_outcomes import NeverStarts
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.observed import Server
from reconciler.kinds.pg_setting.observing import hidden_from_role
from reconciler.kinds.pg_setting.observing.observe import observe
from reconciler.kinds.pg_setting.unlisted import Declared
from reconciler.kinds.pg_setting.values import unmanaged
from reconciler.kinds.pg_setting.yaml_entries import Entry, Form, Found, Path, kept_elsewhere, of_instance, of_scope
from reconciler.model import Address, Verdict
from reconciler.targets.postgres.session import PostgresSession
from reconciler.verdicts import of_outcome, worst
from reconciler.yaml.writing import LeftOut, Noted, gathered

_NAMES = "select name from pg_catalog.pg_settings order by pg_catalog.lower(name)"

_READS_ALL = """
    select rolsuper or pg_catalog.pg_has_role('pg_read_all_settings', 'usage') as reads_all
    from pg_catalog.pg_roles where rolname = current_user
"""

_SCOPED = """
    select d.datname as database, r.rolname as role, pg_catalog.split_part(entry, '=', 1) as name
    from pg_catalog.pg_db_role_setting s
    cross join pg_catalog.unnest(s.setconfig) as entry
    left join pg_catalog.pg_database d on d.oid = s.setdatabase
    left join pg_catalog.pg_roles r on r.oid = s.setrole
    where (s.setdatabase = 0) = (d.datname is null) and (s.setrole = 0) = (r.rolname is null)
    order by r.rolname, d.datname, pg_catalog.lower(pg_catalog.split_part(entry, '=', 1))
"""

_UNKNOWN_LINES = """
    select f.name, f.sourcefile, f.sourceline from pg_catalog.pg_file_settings f
    where f.name is not null and f.error is null
      and not exists (select from pg_catalog.pg_settings s where pg_catalog.lower(s.name) = pg_catalog.lower(f.name))
    order by pg_catalog.lower(f.name), f.seqno
"""


def written(kind: Kind[PostgresSession, Declared, Any], session: PostgresSession) -> dict[str, Any]:
    """The sections `settings`, `databases` and `roles`, those without any entry left out. Raises TargetError."""
    listed = [row["name"] for row in session.fetch(_NAMES)]
    spelled = [*listed, *_custom(session, listed)]
    scopes = session.fetch(_SCOPED)
    seen = [
        *((("settings", name), _placeholder(session, name)) for name in spelled),
        *(
            (_path(row), _placeholder(session, row["name"], row["database"], row["role"]))
            for row in scopes
            if row["database"] is not None or row["role"] is not None
        ),
    ]
    observed = observe(session, [resource for _, resource in seen])
    entries: dict[Path, Entry] = {}
    for path, resource in seen:
        found = observed[resource.address]
        entry = of_instance(resource, found) if resource.of_instance else of_scope(resource, found)
        if entry is not None:
            entries[path] = entry
    for row in scopes:
        if row["database"] is None and row["role"] is None:
            entries["roles", f"ALTER ROLE ALL SET {row['name']}"] = LeftOut("has no declaration")
    entries |= {path: LeftOut(why, is_expected=True) for path, why in _unmanaged(entries)}
    server = next(iter(observed.values())).server
    if server.owner is not None or server.patroni is not None:
        entries = {path: entry for path, entry in entries.items() if path[0] != "settings"} | kept_elsewhere(server)
        return _sections(_tried(kind, session, entries))
    unseen = _unseen(session, server, listed)
    entries |= {path: LeftOut(reason) for name, reason in unseen if (path := ("settings", name)) not in entries}
    return _sections(_tried(kind, session, entries))


def _unmanaged(entries: Mapping[Path, Entry]) -> Iterator[tuple[Path, str]]:
    """The instance's settings among `entries` that would be written, and are not managed as code, and why not."""
    for path, entry in entries.items():
        if path[0] == "settings" and isinstance(entry, Found) and (why := unmanaged.reason(path[1])):
            yield path, why


def _placeholder(
    session: PostgresSession, name: str, database: str | None = None, role: str | None = None
) -> PgSetting:
    """Asks for all there is to see of a setting: `default` is the declaration that needs no opinion of the server."""
    resource = PgSetting(
        address=Address(session.target.name, "pg_setting", name.lower()),
        setting=name.lower(),
        database=database,
        role=role,
        value="default",
    )
    if resource.of_instance:
        return resource
    return resource.model_copy(update={"address": resource.address._replace(name=f"{resource.scope}/{name.lower()}")})


def _path(row: Mapping[str, Any]) -> Path:
    database, role, name = row["database"], row["role"], row["name"]
    if role is None:
        return ("databases", database, "settings", name)
    within = () if database is None else ("databases", database)
    return ("roles", role, *within, "settings", name)


def _custom(session: PostgresSession, listed: Collection[str]) -> list[str]:
    """Names in files that no library has defined; none where this role may not read the files."""
    try:
        rows = session.fetch(_UNKNOWN_LINES)
    except ObservationFailed:
        return []
    known = {name.lower() for name in listed}
    return sorted({row["name"].lower() for row in rows if "." in row["name"]} - known)


def _unseen(session: PostgresSession, server: Server, listed: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What cannot be written because this role does not see it, or nobody knows it, and why."""
    if server.files_visible:
        for row in session.fetch(_UNKNOWN_LINES):
            file = provenance.file_name(row["sourcefile"], server.data_directory)
            prefix = row["name"].partition(".")[0]
            at = provenance.line(file, row["sourceline"])
            yield row["name"], f"in {at}, unknown until the library that defines {prefix}.* is loaded"
    elif server.blocking:
        yield (
            "configuration files",
            f"the server ignores all of them until this is mended: {'; '.join(server.blocking)}",
        )
    else:
        yield (
            "lines of configuration files",
            f"not visible to role {server.role}, so that neither what they mask nor what a restart brings is said: "
            f"grant select on pg_catalog.pg_file_settings and execute on function "
            f"pg_catalog.pg_show_all_file_settings() to {server.role}",
        )
    if not session.fetch(_READS_ALL)[0]["reads_all"]:
        missing = hidden_from_role.unlisted(session, {name.lower() for name in listed})
        yield (
            f"at least {len(missing)} settings",
            f"not visible to role {server.role}, shared_preload_libraries among them: "
            f"grant pg_read_all_settings to {server.role}",
        )


def _tried(
    kind: Kind[PostgresSession, Declared, Any], session: PostgresSession, entries: Mapping[Path, Entry]
) -> dict[Path, Any]:
    """Every `Found` in the first of its forms of which a plan is empty; LeftOut without one."""
    candidates = {path: entry for path, entry in entries.items() if isinstance(entry, Found)}
    waiting: set[Path] = set()
    fatal: dict[Path, str] = {}
    fit, unfit = fitting(
        {path: entry.forms for path, entry in candidates.items()}, partial(_objections, kind, session, waiting, fatal)
    )
    result: dict[Path, Any] = dict(entries)
    for path, form in fit.items():
        comment = candidates[path].comment(path in waiting)
        result[path] = Noted(form, comment) if comment else form
    for path, said in unfit.items():
        result[path] = LeftOut(fatal.get(path) or candidates[path].otherwise or f"cannot be declared as it is: {said}")
    return result


def _objections(
    kind: Kind[PostgresSession, Declared, Any],
    session: PostgresSession,
    waiting: set[Path],
    fatal: dict[Path, str],
    chosen: Mapping[Path, Form],
) -> dict[Path, str]:
    """What a plan has to say against each entry. Those that it finds to wait for a restart are added to
    `waiting`, those with which the server would not start again to `fatal`."""
    said: dict[Path, str] = {}
    resources: dict[Path, PgSetting] = {}
    for path, form in chosen.items():
        try:
            [resources[path]] = _declared(kind, session, path, form)
        except (DesiredError, ValueError) as error:
            said[path] = str(error)
    observed = observe(session, list(resources.values()))
    for path, resource in resources.items():
        outcomes = kind.plan(resource, observed[resource.address])
        said[path] = objection(outcomes)
        if any(isinstance(each, NeverStarts) for each in outcomes):
            fatal[path] = said[path]
        if not said[path] and worst(map(of_outcome, outcomes)) is Verdict.WAITS:
            waiting.add(path)
    return said


def _declared(
    kind: Kind[PostgresSession, Declared, Any], session: PostgresSession, path: Path, form: Form
) -> Iterable[PgSetting]:
    value: Any = form
    for key in reversed(path[1:]):
        value = {key: value}
    validated = TypeAdapter(kind.sections[path[0]]).validate_python(value)
    found = kind.declare(Declaration(session.target, path[0], validated, "", lambda at: ""))
    return [each for each in found if isinstance(each, PgSetting)]


def _sections(entries: Mapping[Path, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {"settings": {}, "databases": {}, "roles": {}}
    for path, entry in entries.items():
        place = tree
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = entry
    return {section: _gathered(inside) for section, inside in tree.items() if inside or section == "settings"}


def _gathered(tree: Mapping[str, Any]) -> dict[str, Any]:
    return gathered({key: _gathered(value) if isinstance(value, dict) else value for key, value in tree.items()})
