"""No declaration keeps a server from starting: whatever is planned is applied, and the server restarted."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fix_servers import postgres_binaries, version_of
from live import changes, converge, outcomes, run
from own_server import OwnServer
from packaging.specifiers import SpecifierSet
from setting_cases import declared, settings
from startup_cases import CASES, TLS_CASES, Case

from reconciler.demo.servers import PostgresServer, ServerFailed
from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.pg_setting.startup.memory import shared
from reconciler.model import NoticeType, System, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

_numbers = itertools.count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    name = next((name for name in ("case", "tls_case") if name in metafunc.fixturenames), "")
    if not name:
        return
    found = sorted(postgres_binaries(), key=lambda version: int(version.split(".")[0]))
    if name == "tls_case":
        found = [version for version in found if version.split(".")[0] in ("13", "15")]  # built with OpenSSL
    elif "RECONCILER_TEST_EVERY" not in os.environ:
        found = [found[0], found[-1]]
    fitting = [
        pytest.param(version, case, id=f"{version}-{case.reason}")
        for version in found
        for case in (TLS_CASES if name == "tls_case" else CASES)
        if SpecifierSet(case.pg).contains(version)
    ]
    metafunc.parametrize(("own", name), fitting, indirect=["own"], scope="module")


@pytest.fixture(scope="module")
def own(request: pytest.FixtureRequest, folder: Path) -> Iterator[OwnServer]:
    """One for all cases of a version; each leaves it running, with nothing of ALTER SYSTEM's."""
    server = OwnServer(folder / f"own-{next(_numbers)}", postgres_binaries()[request.param])
    server.start()
    yield server
    server.stop("immediate")


def target(server: PostgresServer, memory: int | None = None) -> Target:
    return Target(name="main", system=System.POSTGRES, url=server.url(), memory=memory)


def filled(server: PostgresServer, value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("{folder}", str(server.folder)).replace("{port}", str(server.port))
    return value


def by_hand(server: OwnServer, values: dict[str, Any]) -> None:
    for name, value in values.items():
        items = value if isinstance(value, list) else [value]
        if isinstance(value, dict):
            items = value["include"]
        literals = ", ".join("'{}'".format(filled(server, item).replace("'", "''")) for item in items)
        reset = value == "default"
        server.execute(f"alter system reset {name}" if reset else f"alter system set {name} = {literals}")


def check(server: OwnServer, case: Case) -> None:
    by_hand(server, case.there)
    there = server.auto
    if there:
        server.restart("fast")
    try:
        server.execute(*case.before)
        wanted = settings({name: filled(server, value) for name, value in case.declared.items()})
        where = target(server, case.memory)
        found = outcomes(KIND, where, wanted)
        blocked = [notice.message for notice in found if getattr(notice, "type", "") is NoticeType.BLOCKED]
        if case.refused:
            assert [message for message in blocked if filled(server, case.refused) in message], found
        else:
            assert blocked == []
        planned = changes(KIND, where, wanted)
        run(where, planned)
        if planned:
            server.restart("fast")
            assert changes(KIND, where, wanted) == []
        if case.refused and case.fails:
            by_hand(server, case.declared)
            with pytest.raises(ServerFailed):
                server.restart("fast")
    finally:
        server.mend(there)
        server.execute(*case.after)
        server.mend()


def test_whatever_is_declared_the_server_starts_again(own: OwnServer, case: Case):
    check(own, case)


def test_whatever_is_declared_of_tls_the_server_starts_again(own: OwnServer, tls_case: Case):
    certificate(own)
    check(own, tls_case)


def certificate(server: OwnServer) -> None:
    """A certificate for the server, and its key."""
    key, made = server.folder / "server.key", server.folder / "server.crt"
    if made.exists():
        return
    subprocess.run(
        ["openssl", "req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    for path in (key, made):
        path.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(path, pwd.getpwnam("nobody").pw_name)
