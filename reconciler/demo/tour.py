"""The whole road on servers of its own: plan, review, apply, an empty second plan, changes behind its back, drift."""

from __future__ import annotations

import os
import secrets as randomness
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import redis

from reconciler.applying.apply import apply_plan
from reconciler.applying.events import Subscriber
from reconciler.applying.gates.gate import Options
from reconciler.applying.interruption import Interruption
from reconciler.demo import data, tampering
from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.redis_server import RedisServer
from reconciler.demo.server_binaries import embedded_postgres, embedded_redis
from reconciler.desired.load import Desired, load
from reconciler.documents import plan as plan_file
from reconciler.errors import ReconcilerError
from reconciler.kinds.registry import KINDS
from reconciler.model import HazardType, Plan, Receipt
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets

DATABASE = "app"

_INSTALLED, _IN_THE_REPOSITORY = Path(__file__).with_name("desired"), Path(__file__).parents[2] / "desired"

SEED = _INSTALLED if _INSTALLED.exists() else _IN_THE_REPOSITORY
"""The desired state of the sample application; the wheel carries a copy of the repository's folder."""


@dataclass(frozen=True, slots=True)
class Screen:
    """How the tour shows itself: `say` prints text, `plan`, `drift` and `receipt` lay models out as text, `live` gives
    who is told of an apply."""

    say: Callable[[str], None]
    plan: Callable[[Plan], str]
    drift: Callable[[Plan], str]
    receipt: Callable[[Receipt], str]
    live: Callable[[Plan], AbstractContextManager[Subscriber]]


@dataclass(frozen=True, slots=True)
class Servers:
    """The two servers, their folder, and the environment in which the YAML finds them."""

    folder: Path
    postgres: PostgresServer
    redis: RedisServer
    environment: Mapping[str, str]


class Surprise(ReconcilerError):
    """The tour saw something else than it promises to show."""


def tour(
    plan_path: Path,
    *,
    rows: int,
    keep: bool,
    screen: Screen,
    now: Callable[[], datetime],
    interruption: Interruption,
) -> None:
    """Shows everything.

    `plan_path` is where the plan is saved, `rows` the number of tasks. Stops and removes what it started, but for
    `keep`. Raises Surprise where reality differs from the story.
    """
    with servers(keep) as running:
        _load_data(running, rows, screen)
        secrets = Secrets(running.environment)
        desired = load(_shown(SEED), KINDS, running.environment, secrets)

        def plan_now(*, advised: bool = False) -> Plan:
            created_at = now().replace(microsecond=0)
            plan = make_plan(
                desired.targets, desired.resources, secrets,
                created_at=created_at, advised=advised, ignore=desired.ignore,
            )  # fmt: skip
            if plan.unreachable:
                raise Surprise(f"{plan.unreachable[0].node} could not be read: {plan.unreachable[0].message}")
            return plan

        def apply_now(plan: Plan) -> None:
            receipt = _apply(plan, desired, secrets, screen, now, interruption)
            if not receipt.succeeded:
                raise Surprise("the apply did not succeed")

        _heading(screen, "1. The plan: what would change, with every statement, for review in a pull request")
        plan = plan_now(advised=True)
        screen.say(screen.plan(plan))
        plan_path.parent.mkdir(parents=True, exist_ok=True)
        plan_file.write(plan, plan_path)
        screen.say(f"\nSaved as {plan_path}. Nothing has been changed so far.")

        _heading(screen, "2. Apply: exactly that plan, and nothing else, with --allow runs-programs")
        apply_now(plan_file.read(plan_path))

        _heading(screen, "3. A second plan: nothing is left to do")
        second = plan_now()
        screen.say(screen.plan(second))
        if not second.is_empty:
            raise Surprise("the second plan is not empty")

        _heading(screen, "4. Behind its back: changes that nobody declared")
        expected = set()
        for what, address in tampering.tamper(running.postgres.url(DATABASE), _client(running)):
            screen.say(f"  {what}")
            expected.add(address)

        _heading(screen, "5. Drift: finds exactly those")
        drifted = plan_now()
        screen.say(screen.drift(drifted))
        found = {str(change.address) for change in drifted.changes}
        if found != expected:
            raise Surprise(f"drift found {sorted(found)}, and not {sorted(expected)}")

        _heading(screen, "6. And back: the drift, applied like any other plan")
        apply_now(drifted)
        if not plan_now().is_empty:
            raise Surprise("the last plan is not empty")
        screen.say("\nAll as declared again.")
        if keep:
            _say_how_to_connect(running, screen)


@contextmanager
def servers(keep: bool) -> Iterator[Servers]:
    """PostgreSQL and Redis on loopback; stopped and removed afterwards, however it ends, but for `keep`."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-demo-"))
    started: list[PostgresServer | RedisServer] = []
    finished = False
    try:
        folder.chmod(0o755)  # as root, PostgreSQL runs as another user, who has to get in
        postgres = PostgresServer(folder / "postgres", embedded_postgres())
        redis_server = RedisServer(folder / "redis", embedded_redis())
        for server in (postgres, redis_server):
            started.append(server)
            server.start()
        password = randomness.token_urlsafe(12)
        environment = {
            **os.environ,
            "DATABASE_URL": postgres.url(DATABASE),
            "REDIS_URL": redis_server.url(password=password),
            "REDIS_PASSWORD": password,
            "APP_REDIS_PASSWORD": randomness.token_urlsafe(12),
            "APP_URL": "",
        }
        yield Servers(folder, postgres, redis_server, environment)
        finished = True
    finally:
        if not (keep and finished):
            for server in reversed(started):
                server.stop()
            _remove(folder)


def _remove(folder: Path) -> None:
    """Removes `folder`; again, while an initdb that was interrupted has children that still write into it."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _load_data(running: Servers, rows: int, screen: Screen) -> None:
    with psycopg.connect(running.postgres.url(), autocommit=True) as connection:
        connection.execute("create database app")
        [version] = connection.execute("show server_version").fetchone() or [""]
    started = time.monotonic()
    with psycopg.connect(running.postgres.url(DATABASE), autocommit=True) as connection:
        data.load(connection, rows)
    product = _client(running).info("server")
    redis_version = product.get("valkey_version") or product.get("redis_version")
    name = "Valkey" if "valkey_version" in product else "Redis"
    screen.say(
        f"PostgreSQL {version} at 127.0.0.1:{running.postgres.port} and {name} {redis_version} at "
        f"127.0.0.1:{running.redis.port}, started for this tour only.\n"
        f"Loaded {sum(data.sizes(rows).values()):,} rows of sample data in {time.monotonic() - started:.1f} s.\n"
    )


HAZARDS = (HazardType.RUNS_PROGRAMS,)
"""What the tour allows by name: the library of pg_stat_statements is loaded into its server."""


def _apply(
    plan: Plan,
    desired: Desired,
    secrets: Secrets,
    screen: Screen,
    now: Callable[[], datetime],
    interruption: Interruption,
) -> Receipt:
    with screen.live(plan) as display:
        receipt = apply_plan(
            plan, desired.targets, secrets,
            options=Options(allowed=HAZARDS), parallel=2, now=now, subscribers=[display], interruption=interruption,
        )  # fmt: skip
    screen.say(screen.receipt(receipt))
    return receipt


def _client(running: Servers) -> redis.Redis:
    """A connection of the story's own, with the password if there is one by now."""
    password = running.environment["REDIS_PASSWORD"]
    client = redis.Redis(port=running.redis.port, password=password, decode_responses=True)
    try:
        client.ping()
    except redis.AuthenticationError:
        client = redis.Redis(port=running.redis.port, decode_responses=True)
    return client


def _heading(screen: Screen, text: str) -> None:
    screen.say(f"\n── {text} " + "─" * max(0, 96 - len(text)) + "\n")


def _shown(path: Path) -> Path:
    """`path` from here, if it is below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _say_how_to_connect(running: Servers, screen: Screen) -> None:
    names = ("DATABASE_URL", "REDIS_URL", "REDIS_PASSWORD", "APP_REDIS_PASSWORD")
    exports = "\n".join(f"  export {name}='{running.environment[name]}'" for name in names)
    pid = running.redis.process.pid if running.redis.process else ""
    program = Path(sys.executable).with_name("reconciler")
    screen.say(
        f"\nThe servers go on. To use them from this shell:\n{exports}\n"
        f"  {_shown(program)} --desired {_shown(SEED)} plan\n"
        f"\nTo stop and remove them:\n"
        f"  kill {pid} $(head -1 {running.postgres.data}/postmaster.pid) && sleep 1 && rm -r {running.folder}"
    )
