"""What is wrong with a URL, before a driver takes it apart and prints a part of the password as a host."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from urllib.parse import parse_qs, unquote, urlsplit

from reconciler.errors import ConnectionFailed
from reconciler.model import System, Target

POSTGRES_OPTIONS = frozenset(
    {"host", "hostaddr", "port", "user", "password", "dbname", "connect_timeout", "application_name", "client_encoding"}
    | {"fallback_application_name", "sslmode", "sslnegotiation", "sslsni", "ssl_min_protocol_version"}
    | {"ssl_max_protocol_version", "channel_binding", "require_auth", "gssencmode", "target_session_attrs"}
    | {"load_balance_hosts", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"}
    | {"tcp_user_timeout"}
)
"""What a connection string may say whoever wrote it. Others read a file (`service`, `passfile`, `sslkey`), write one
(`sslkeylogfile`), decide what the session goes by (`options`) or whom else is spoken to (`oauth_issuer`)."""

REDIS_OPTIONS = frozenset(
    {"db", "username", "password", "client_name", "socket_timeout", "socket_connect_timeout", "socket_keepalive"}
    | {"health_check_interval", "ssl_cert_reqs", "ssl_check_hostname"}
)
"""The same of a Redis URL; `ssl_keyfile` and its like read files."""


def mistyped_option(url: str, known: Collection[str]) -> str:
    """What is said of an option in `url` that is none of `known`, and near to one; empty where there is none such.

    Nothing else of a URL that cannot be read is repeated: it may be a part of the password.
    """
    for name in parse_qs(url.partition("?")[2], keep_blank_values=True):
        if name not in known and (near := get_close_matches(name, known, n=1, cutoff=0.75)):
            return f"it has no option {name}; did you mean {near[0]}?"
    return ""


def options_of_drivers(url: str, system: System) -> list[str]:
    """The options in `url` that are neither POSTGRES_OPTIONS nor REDIS_OPTIONS; of HTTP there are none."""
    match system:
        case System.POSTGRES:
            import psycopg
            from psycopg.conninfo import conninfo_to_dict

            try:
                return sorted(conninfo_to_dict(url).keys() - POSTGRES_OPTIONS)
            except psycopg.ProgrammingError:
                return []  # whoever connects meets the error
        case System.REDIS:
            return sorted(parse_qs(urlsplit(url).query, keep_blank_values=True).keys() - REDIS_OPTIONS)
        case System.HTTP:
            return []


_TLS = ("", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

_STRENGTHS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "sslmode": ("PGSSLMODE", "prefer", ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")),
    "channel_binding": ("PGCHANNELBINDING", "prefer", ("disable", "prefer", "require")),
    "gssencmode": ("PGGSSENCMODE", "disable", ("disable", "prefer", "require")),
    "ssl_min_protocol_version": ("PGSSLMINPROTOCOLVERSION", "TLSv1.2", _TLS),
}
"""Options of PostgreSQL's driver that decide how well a connection is protected: the variable that decides where a URL
says nothing, what counts without that, and the values, the weaker ones first."""


def weakened(url: str, system: System, env: Mapping[str, str]) -> list[str]:
    """The options by which `url` asks for less protection than the environment, or than a part of the URL itself that
    came before: of several the last one counts. A value that is not known is taken for the weakest."""
    match system:
        case System.POSTGRES:
            return [name for name in _STRENGTHS if _is_weakened(name, url, env)]
        case System.REDIS:
            options = parse_qs(urlsplit(url).query, keep_blank_values=True)
            certificates = any(value.lower() != "required" for value in options.get("ssl_cert_reqs", ()))
            hosts = any(value.lower() not in ("true", "yes", "1") for value in options.get("ssl_check_hostname", ()))
            return [*(["ssl_cert_reqs"] if certificates else []), *(["ssl_check_hostname"] if hosts else [])]
        case System.HTTP:
            return []


def _is_weakened(name: str, url: str, env: Mapping[str, str]) -> bool:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    variable, usual, order = _STRENGTHS[name]
    try:
        stated = conninfo_to_dict(url).get(name)
    except psycopg.ProgrammingError:
        return False  # whoever connects meets the error
    if stated is None:
        return False
    before = re.findall(rf"\b{name}\s*=\s*'?([\w.-]+)", unquote(url))
    least = [env.get(variable) or usual, *before]
    strength = {value: number for number, value in enumerate(order)}
    return strength.get(str(stated), 0) < max(strength.get(each, 0) for each in least)


def refuse_unescaped(target: Target) -> None:
    """Raises ConnectionFailed where the credentials of a URL hold signs that have to be percent-encoded."""
    _, divider, rest = target.url.get_secret_value().partition("://")
    before_options = rest.partition("?")[0]
    authority = before_options.partition("/")[0]
    if divider and (before_options.count("@") > 1 or ("@" in before_options and "@" not in authority)):
        raise ConnectionFailed(
            target.name,
            "the password in its URL holds signs that divide a URL",
            hint="percent-encode them: %40 for @, %2F for /, %3A for :",
        )
