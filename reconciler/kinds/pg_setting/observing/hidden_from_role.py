"""Settings that are there though pg_settings does not list them.

From a role that is not a member of pg_read_all_settings the view keeps some, without a trace. Whether one of a given
name is there can be asked; which ones there are cannot, and so those that were seen are known here by name.

Decided: docs/decisions.md#settings-that-are-hidden-from-a-role
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_setting.values import names
from reconciler.targets.postgres.server_messages import UNPRIVILEGED
from reconciler.targets.postgres.session import PostgresSession


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CANDIDATES = _names(
    """
    config_file data_directory dynamic_library_path extension_control_path extension_destdir external_pid_file hba_file
    ident_file jit_provider krb_server_keyfile log_directory log_filename oauth_validator_libraries
    output_plugin_libraries primary_conninfo session_preload_libraries shared_preload_libraries ssl_ciphers
    ssl_dh_params_file ssl_ecdh_curve ssl_groups ssl_max_protocol_version ssl_min_protocol_version
    ssl_passphrase_command ssl_tls13_ciphers stats_temp_directory unix_socket_directories
    """
)
"""Read off live servers, 13 to 18, by comparing what a superuser and a plain role see; extension_destdir is Debian's.
No server has all of them, extensions and later releases may bring more."""

_FLAGGED = """
    select name from pg_catalog.unnest(%(names)s::pg_catalog.text[]) as name
    where pg_catalog.pg_settings_get_flags(name) is not null
"""
"""Of every setting that the server knows, whoever asks; 15 and later."""

_TRY = """
declare
    wanted pg_catalog.text;
    there pg_catalog.text[] := array[]::pg_catalog.text[];
begin
    foreach wanted in array %s::pg_catalog.text[] loop
        begin
            if pg_catalog.current_setting(wanted, true) is not null then
                there := pg_catalog.array_append(there, wanted);
            end if;
        exception when insufficient_privilege then
            there := pg_catalog.array_append(there, wanted);
        end;
    end loop;
    perform pg_catalog.set_config('reconciler.there', there::pg_catalog.text, true);
end
"""
"""Before 15, only its refusal tells a setting that may not be seen. Caught where it is raised, it fails no query and
is not in the server's log; what is found is set until the end of this transaction, since DO answers nothing. Nothing in
here is looked for by the search_path, be it a type, a function or an operator."""

_SOUND = """
    select true as sound from pg_catalog.pg_language l
    join pg_catalog.pg_proc p on p.oid in (l.lanplcallfoid, l.laninline)
    join pg_catalog.pg_roles r on r.oid in (l.lanowner, p.proowner)
    where l.lanname = 'plpgsql' and p.prolang = (select oid from pg_catalog.pg_language where lanname = 'c')
    having pg_catalog.bool_and(r.rolsuper) and pg_catalog.count(distinct p.oid) = 2
"""
"""Whether PL/pgSQL, and what runs it, belong to superusers: else their owner may have put his own code there."""

_NO_LANGUAGE = (UNPRIVILEGED, "42704")
"""The role may not use PL/pgSQL, or somebody has dropped it."""

_TRIED = "select pg_catalog.unnest(pg_catalog.current_setting('reconciler.there')::pg_catalog.text[]) as name"


def existing(session: PostgresSession, asked: Iterable[str]) -> frozenset[str]:
    """Those of `asked` that are settings of this server, whether the role may see them or not. One round trip.

    Before 15 two; and where the role may not use PL/pgSQL, or its owner is no superuser, one for each name, and an
    error in the server's log for each that is hidden. Raises ObservationFailed, ConnectionFailed.
    """
    wanted = sorted(set(asked))
    if not wanted:
        return frozenset()
    if session.version_num >= 150000:
        return frozenset(row["name"] for row in session.fetch(_FLAGGED, {"names": wanted}))
    if not session.fetch(_SOUND):
        return frozenset(name for name in wanted if _is_there(session, name))
    block = sql.SQL("do {}").format(sql.Literal(_TRY % sql.Literal(wanted).as_string()))
    try:
        return frozenset(row["name"] for row in session.fetch_all([(block, None), (_TRIED, None)])[1])
    except ObservationFailed as error:
        if error.sqlstate not in _NO_LANGUAGE:
            raise
        return frozenset(name for name in wanted if _is_there(session, name))


def unlisted(session: PostgresSession, listed: Collection[str]) -> frozenset[str]:
    """The settings, in lower case, that are known to be kept from some roles, are there, and are not among `listed`.

    There may be more. Raises ObservationFailed, ConnectionFailed.
    """
    found = existing(session, CANDIDATES.difference(listed))
    # A server still answers to some names that a setting had before: that is no further setting.
    return found.difference(old for new, old in names.BEFORE.items() if new in found)


def _is_there(session: PostgresSession, name: str) -> bool:
    try:
        rows = session.fetch("select pg_catalog.current_setting(%(name)s, true) is not null as there", {"name": name})
    except ObservationFailed as error:
        if error.sqlstate == UNPRIVILEGED:
            return True
        raise
    return bool(rows[0]["there"])
