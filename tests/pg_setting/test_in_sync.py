"""Every setting that a server has, declared as it is, in whatever spelling: there is nothing to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from fix_servers import postgres_binaries, version_of
from live import outcomes
from pg_setting.own_server import OwnServer
from pg_setting.setting_cases import definitions, settings
from pg_setting.spellings import NOT_DEFAULT, near_misses, spellings

from reconciler.demo.postgres_server import PostgresServer
from reconciler.kinds.pg_setting import KIND, values
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.startup.memory import PROCESSES
from reconciler.kinds.pg_setting.values import lists
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.model import PostgresTarget, Target

ELSEWHERE = {
    *((name, f"{2**18 - 1}.4") for name in PROCESSES),
    ("max_stack_depth", f"{2**31 - 1}.4"),
    ("max_stack_depth", "64MB"),
}
"""Refused by the plan, on account of other settings (see startup) or of the machine (the server is asked)."""

SHOWN_AS_WRITTEN = lists.QUOTED | lists.PLAIN | {"default_text_search_config", "log_connections"}
"""The server shows these texts as they were written, so that one cannot tell by them what it understood."""


@pytest.fixture(scope="module")
def own(postgres: PostgresServer, folder: Path) -> Iterator[OwnServer]:
    """A server in whose files a test may write, with more than defaults."""
    server = OwnServer(folder, postgres_binaries()[version_of(postgres.binaries / "postgres")])
    server._settings |= {name: f"'{value}'" for name, value in NOT_DEFAULT.items()}
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create role watcher login")
        connection.execute("grant pg_monitor to watcher")
    yield server
    server.stop("immediate")


def known(server: OwnServer) -> list[tuple[Definition, str]]:
    with closing(psycopg.connect(server.url(), autocommit=True)) as connection:
        return definitions(connection)


def target(server: OwnServer, role: str = "postgres") -> Target:
    url = server.url().replace("postgres@", f"{role}@")
    return PostgresTarget(name="main", url=url, memory=16 << 30)


def rounds(found: list[tuple[Definition, str]]) -> Iterator[dict[str, str]]:
    """Every spelling of every setting, one of each setting at a time."""
    texts = {definition.name: spellings(definition, setting) for definition, setting in found}
    for number in range(max(map(len, texts.values()))):
        yield {name: spelled[number % len(spelled)] for name, spelled in texts.items()}


@pytest.mark.long
@pytest.mark.thorough
@pytest.mark.matrix
def test_every_setting_is_in_sync_in_every_spelling_and_the_server_takes_it_so(own):
    """The server is started with each spelling in its files, and has the same values as before: they mean the same.

    While it runs with one, the next is declared: neither what runs nor what is in the files differs.
    """
    found = known(own)
    before = {definition.name: setting for definition, setting in found}
    assert sum(len(spellings(definition, setting)) for definition, setting in found) > 3000
    wrong, previous = [], None
    every = list(rounds(found))
    for texts in every:
        own.mend("".join(f"{name} = '{quoted(text)}'\n" for name, text in texts.items()))
        now = {definition.name: setting for definition, setting in known(own)}
        wrong += [(name, texts[name], now[name]) for name in before
                  if now[name] != before[name] and name not in SHOWN_AS_WRITTEN]  # fmt: skip
        for declared in (texts, previous or every[-1]):
            wrong += [
                (declared[outcome.address.name], outcome) for outcome in outcomes(KIND, target(own), settings(declared))
            ]
        previous = texts
    own.mend()
    assert wrong == [], "\n".join(map(str, wrong))


def quoted(text: str) -> str:
    return text.replace("'", "''").replace("\\", "\\\\").replace("\t", "\\t")


@pytest.mark.matrix
def test_a_role_that_only_monitors_sees_no_differences_either(own):
    """The tool gives its own sessions two of them: the instance's are only in the files, which it cannot read."""
    wrong = [
        (texts[outcome.address.name], outcome)
        for texts in rounds(known(own))
        for outcome in outcomes(KIND, target(own, "watcher"), settings(texts))
        if outcome.address.name not in ("application_name", "client_encoding")
    ]
    assert wrong == [], "\n".join(map(str, wrong))


@pytest.mark.matrix
def test_every_list_is_in_sync_as_a_list(own):
    declared = {}
    for definition, setting in known(own):
        items = lists.split(definition.name, setting) if lists.is_list(definition.name) else ()
        if items and definition.name != "log_connections":
            declared[definition.name] = list(items)
    assert len(declared) > 5
    assert outcomes(KIND, target(own), settings(declared)) == []


@pytest.mark.matrix
def test_what_the_server_refuses_is_refused_and_nothing_else(own):
    """ALTER SYSTEM is asked, and what it took is taken back at once."""
    wrong = []
    with closing(psycopg.connect(own.url(), autocommit=True)) as connection:
        for definition, _ in definitions(connection):
            for text in near_misses(definition):
                if (definition.name, text) in ELSEWHERE:
                    continue
                said = opinion(connection, definition, text)
                meant = understood(definition, text)
                if said != meant:
                    wrong.append((definition.name, text, f"the server {said}, we {meant}"))
    assert wrong == [], "\n".join(map(str, wrong))


def opinion(connection: psycopg.Connection, definition: Definition, text: str) -> str:
    try:
        connection.execute(f"alter system set {definition.name} = '{text}'")
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.FeatureNotSupported):
        return "refuses"
    connection.execute(f"alter system reset {definition.name}")
    return "takes"


def understood(definition: Definition, text: str) -> str:
    try:
        values.canonical(definition, text)
    except InvalidValue:
        return "refuses"
    return "takes"


@pytest.mark.parametrize("name", ["Work_Mem", "TimeZone", "timezone", "TIMEZONE", "datestyle"])
def test_names_are_recognised_in_any_case(pg_target, sql, name):
    [(value,)] = sql.execute("select current_setting(%s)", [name]).fetchall()
    [resource] = settings({name: value})
    assert resource.address.name == name.lower()
    assert outcomes(KIND, pg_target, [resource]) == []
