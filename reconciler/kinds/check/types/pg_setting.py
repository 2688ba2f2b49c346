"""A setting of PostgreSQL, as it runs.

What
    The running value is as expected, in the setting's own units.

    A value that is configured and waits for a restart does not count; it is told.

Why
    A setting may be overruled by a command line, a role or another file, and a declared one is only part of it: what
    counts is what runs. Settings that are not declared here at all can be held to bounds.

How to write it
    id: pg-slow-log
    title: Slow statements are logged
    check: {pg_setting: log_min_duration_statement, at_most: 250ms}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from reconciler.errors import ObservationFailed
from reconciler.formulas.units import POSTGRES_MEMORY, POSTGRES_TIME
from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.expectations import (
    Expecting,
    MemoryUnknown,
    NotComparable,
    Scale,
    about,
    number,
    of_memory,
    quantity,
    shown_with_bytes,
    unmet,
)
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict, passed_if
from reconciler.model import CheckStatus, Frozen, System

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession

_READ = """
    with own as (
        select pg_catalog.lower(pg_catalog.split_part(entry, '=', 1)) as name
        from pg_catalog.pg_db_role_setting as stored
        join pg_catalog.pg_roles as role on role.oid = stored.setrole and role.rolname = session_user
        cross join lateral pg_catalog.unnest(stored.setconfig) as entry
        where stored.setdatabase in (
                  0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
    )
    select wanted.name as wanted, known.name, known.unit, known.vartype, known.pending_restart,
           case when known.source = 'session' then known.reset_val else known.setting end as value,
           known.source in ('user', 'database user', 'client')
             or known.source = 'session' and wanted.name in (select own.name from own) as masked,
           pg_catalog.pg_has_role('pg_read_all_settings', 'usage') as sees_all
    from pg_catalog.unnest(%(names)s::pg_catalog.text[]) as wanted(name)
    left join pg_catalog.pg_settings as known on pg_catalog.lower(known.name) = wanted.name
"""
"""What the server gives anyone: where our own session has set something, its reset value; where our own role or
connection has (source user, database user, client), that is masked and said to be. Names are case-insensitive."""

SENTINELS = {
    ("log_min_duration_statement", "-1"): "off",
    ("log_min_duration_sample", "-1"): "off",
    ("log_autovacuum_min_duration", "-1"): "off",
    ("log_temp_files", "-1"): "off",
    ("temp_file_limit", "-1"): "unlimited",
    ("wal_buffers", "-1"): "automatic",
    ("statement_timeout", "0"): "off",
    ("lock_timeout", "0"): "off",
    ("idle_in_transaction_session_timeout", "0"): "off",
}
"""Values that are words, as the manual explains them for these settings. Any other negative value of a setting with a
unit is no amount either, but keeps its number in messages."""


HOLDS_PASSWORDS = frozenset({"primary_conninfo", "ssl_passphrase_command"})
"""PostgreSQL settings whose value may hold one, and so must not be read into evidence either."""


def _pg_name(text: str) -> str:
    if text.lower() in HOLDS_PASSWORDS:
        raise ValueError(f"{text} may hold a password, which no check may read")
    return text


class PgSettingCheck(Expecting):
    """The running value of a PostgreSQL setting, understood in the setting's own unit."""

    pg_setting: Annotated[str, Field(min_length=1), AfterValidator(_pg_name)]


class FoundSetting(Frozen):
    """A setting as it runs: `value` in its own `unit` ("8kB", "ms", "" for none), as pg_settings has them."""

    name: str
    value: str
    unit: str
    vartype: str
    pending_restart: bool


def read(session: PostgresSession, checks: Mapping[Part, PgSettingCheck]) -> dict[Part, FoundSetting | Unavailable]:
    """All of them in one query. Raises ConnectionFailed."""
    names = sorted({check.pg_setting.lower() for check in checks.values()})
    try:
        rows = {row["wanted"]: row for row in session.fetch(_READ, {"names": names})}
    except ObservationFailed as error:
        return dict.fromkeys(checks, Unavailable(status=CheckStatus.ERROR, message=error.message))
    found: dict[str, FoundSetting | Unavailable] = {}
    for name, row in rows.items():
        if row["name"] is None and row["sees_all"]:
            found[name] = Unavailable(
                status=CheckStatus.ERROR, message=f"PostgreSQL {session.info.version} knows no setting {name}"
            )
        elif row["name"] is None:
            found[name] = Unavailable(
                status=CheckStatus.NOT_VISIBLE,
                message=f"{name} is hidden from role {session.role}, or unknown: grant pg_read_all_settings to see it",
            )
        elif row["masked"]:
            found[name] = Unavailable(
                status=CheckStatus.NOT_VISIBLE,
                message=f"{name} is set for role {session.login} or its connection, which hides what others get",
            )
        else:
            found[name] = FoundSetting(
                name=row["name"],
                value=row["value"] or "",
                unit=row["unit"] or "",
                vartype=row["vartype"],
                pending_restart=row["pending_restart"],
            )
    return {part: found[check.pg_setting.lower()] for part, check in checks.items()}


def decide(check: PgSettingCheck, found: FoundSetting, known: Circumstances) -> Verdict:
    """The running value is as expected. A configured value that waits for a restart does not count; it is said."""
    word = SENTINELS.get((found.name, found.value))
    shown = word or _shown(found)
    waits = "; another value is configured and waits for a restart" if found.pending_restart else ""
    is_amount = word is None and not (found.unit and found.value.startswith("-"))
    try:
        missing = unmet(check, found.value, _scale(found, known.memory), is_amount=is_amount)
    except MemoryUnknown as error:
        return Verdict(CheckStatus.NOT_VISIBLE, f"{found.name} is {shown}; {error}", "config")
    except NotComparable as error:
        return Verdict(CheckStatus.ERROR, f"{found.name} is {shown}, and cannot be compared: {error}", "config")
    status, message, evidence = passed_if(missing, f"{found.name} is {shown}", "config")
    return Verdict(status, message + waits, evidence)


def _scale(found: FoundSetting, memory: int | None) -> Scale:
    factor, base = _split_unit(found.unit)
    if base in POSTGRES_MEMORY:

        def amount(text: str) -> Fraction:
            part = of_memory(text, memory)
            own = factor * POSTGRES_MEMORY[base]
            return part if part is not None else quantity(text, POSTGRES_MEMORY, own, "an amount of memory")

        return Scale(amount, lambda text: shown_with_bytes(text, memory))
    if base in POSTGRES_TIME:
        return Scale(lambda text: quantity(text, POSTGRES_TIME, factor * POSTGRES_TIME[base], "a time"))
    return Scale(number)


def _split_unit(unit: str) -> tuple[int, str]:
    """ "8kB" is 8 and kB; "ms" is 1 and ms."""
    found = re.fullmatch(r"(\d*)(\w*)", unit)
    return (int(found[1] or 1), found[2]) if found else (1, unit)


def _shown(found: FoundSetting) -> str:
    """The value for people: 128MB for 16384 of 8kB, 100ms, 5min; a negative or a word as it is."""
    factor, base = _split_unit(found.unit)
    if not re.fullmatch(r"\d+(\.\d+)?", found.value):
        return found.value or "empty"
    if base in POSTGRES_MEMORY:
        return about(int(Fraction(found.value) * factor * POSTGRES_MEMORY[base]))
    if base in POSTGRES_TIME:
        amount = Fraction(found.value) * POSTGRES_TIME[base]
        unit = next((unit for unit in reversed(POSTGRES_TIME) if amount and amount % POSTGRES_TIME[unit] == 0), base)
        return f"{amount / POSTGRES_TIME[unit]}{unit}" if amount else f"0{base}"
    return found.value


TYPE = CheckType(PgSettingCheck, System.POSTGRES, read, decide)
