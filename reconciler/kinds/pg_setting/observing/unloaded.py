"""Settings that no library defines which the server has loaded: what can be known of them all the same.

The server keeps any name with a dot as text, for whoever asks (current_setting): programs and policies of row security
go by such settings. pg_settings never lists them. From 17 on ALTER SYSTEM takes any such name, before only one that the
session knows already: so it is set in the session first. What PL/pgSQL and pg_trgm define is known here, since they are
loaded with their first function, and by no list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_setting import provenance
from reconciler.kinds.pg_setting.changes import after_preload
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.observed import FileEntry, Override, Server
from reconciler.targets.postgres.session import PostgresSession


def _bool(name: str, boot: str) -> Definition:
    return Definition(name=name, vartype="bool", context="user", boot_val=boot)


def _share(name: str, boot: str) -> Definition:
    return Definition(name=name, vartype="real", min_val="0", max_val="1", context="user", boot_val=boot)


def _text(name: str, boot: str) -> Definition:
    return Definition(name=name, vartype="string", context="user", boot_val=boot)


_KNOWN: Mapping[str, Definition] = {
    each.name: each.model_copy(update={"unloaded": True})
    for each in (
        _bool("plpgsql.check_asserts", "on"),
        _bool("plpgsql.print_strict_params", "off"),
        _text("plpgsql.extra_errors", "none"),
        _text("plpgsql.extra_warnings", "none"),
        Definition(
            name="plpgsql.variable_conflict", vartype="enum", context="superuser", boot_val="error",
            enumvals=("error", "use_variable", "use_column"),
        ),
        _share("pg_trgm.similarity_threshold", "0.3"),
        _share("pg_trgm.strict_word_similarity_threshold", "0.5"),
        _share("pg_trgm.word_similarity_threshold", "0.6"),
    )
}  # fmt: skip
"""The same in all versions, 13 to 18."""


def definition(name: str, server: Server) -> Definition | None:
    """How the setting is read where pg_settings does not list it; None where it is none of these settings.

    A library that is known to be preloaded, or that is, or will be, says itself what it takes.
    """
    if server.patroni is not None:
        return None
    if name in _KNOWN:
        return _KNOWN[name]
    library = after_preload.library(name)
    loading = (*(server.loaded or ()), *server.preloading, *server.to_preload)
    if not library or library in after_preload.PRELOADED or library in loading:
        return None
    return Definition(name=name, vartype="string", context="user", unloaded=True)


def known(name: str) -> Definition | None:
    """One of PL/pgSQL's or pg_trgm's, which a session may have loaded, or not, at any moment; None for any other."""
    return _KNOWN.get(name)


def seen(
    session: PostgresSession,
    definition: Definition,
    server: Server,
    entries: Sequence[FileEntry],
    overrides: Sequence[Override],
) -> Mapping[str, object]:
    """What SettingObserved has of the value that runs; empty where it may not be seen. Raises ConnectionFailed.

    Where roles or databases have values of their own, this session may have one of them: what the files have counts.
    """
    grants = session.version_num >= 150000
    query = sql.SQL("select pg_catalog.current_setting(%(name)s, true) as value, {may} as may_set").format(
        may=sql.SQL(
            "pg_catalog.has_parameter_privilege(%(acting)s::pg_catalog.oid, %(name)s, 'alter system')"
            if grants
            else "false"
        )
    )
    try:
        [row] = session.fetch(query, {"name": definition.name, "acting": session.acting_oid})
    except ObservationFailed:
        return {}
    last = entries[-1] if entries else None
    value, masked = row["value"], ""
    if overrides:
        value, masked = None if last is None else last.setting, "ALTER ROLE or ALTER DATABASE"
    hidden = masked and not server.files_visible
    # What was set once is nothing, and what a library has defined meanwhile is at its default, though no file sets it.
    is_set = value not in (None, "", definition.boot_val) or (value is not None and last is not None)
    return {
        "running": None if hidden else value or definition.boot_val or "",
        "source": "configuration file" if is_set else "default",
        "sourcefile": provenance.line(last.file, last.line) if last and is_set else "",
        "masked_by": masked,
        "may_set": server.acts_as_superuser or row["may_set"],
    }
