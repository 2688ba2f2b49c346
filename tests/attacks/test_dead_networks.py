"""A network that dies: every verb ends by itself, says what it waited for, and the next run converges.

Before there was a bound of ours, every verb on PostgreSQL was still waiting after 95 s, where this was tried last: the
proxy acknowledges everything, so that no keepalive of TCP's finds out. Redis had bounds, whose sum was too long.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import tiers
from applying.acting import Applying, Command, apply, message, pg_settings, plan_for, results
from applying.conftest import TARGETS, holder, locks, unhurried, waiting
from faults.scenes import at_work
from forked import Forked
from freezing import FreezingProxy
from pg_index.declared import declared
from redis_setting.declared import declared as redis_settings
from restarting import restart_command
from waiting import PATIENCE, given_time, reload, until

from reconciler.applying.executing.step import executor
from reconciler.applying.lock import locked
from reconciler.documents import plan as plan_file
from reconciler.errors import ApplyError, ConnectionFailed, ObservationFailed, StepFailed
from reconciler.model import Applied, HttpTarget, SqlStep, Target
from reconciler.targets import bounds, name_resolution
from reconciler.targets.http import HttpSession
from reconciler.targets.patroni import api as patroni
from reconciler.targets.patroni.api import Member
from reconciler.targets.patroni.writing import PatroniWriter
from reconciler.targets.postgres import opening
from reconciler.targets.postgres.session import connect

__all__ = ["holder", "unhurried"]

pytestmark = pytest.mark.rotated

SOON: Mapping[str, Any] = {
    "reconciler.targets.bounds.CONNECT_SECONDS": 3,
    "reconciler.targets.bounds.SILENCE_SECONDS": 5.0,
    "reconciler.targets.bounds.ASKING_SECONDS": 1.0,
    "reconciler.targets.bounds.RESTARTING_SECONDS": 5.0,
    "reconciler.targets.redis.opening.ANSWER_TIMEOUT": 3,
}
"""Bounds for which no test has to wait long."""

WAITED = re.compile(
    r"(nothing was heard|no answer|timeout expired|the lock was lost|nothing is heard|was lost|closed the connection)"
)
"""What every error says in its way."""

ALL = 90
"""Seconds within which a verb ends on a dead network."""

MOMENTS = [0, 60, 700, 3000]
"""Bytes: before anything, in the log-in, in the first answers, in the midst."""

RANDOM = random.Random(tiers.seed())  # noqa: S311 - repeatable on purpose

POSTGRES_DECLARED = """
target: main
tables:
  public.tasks:
    indexes:
      tasks_status_idx: {columns: [status, lower(title)], where: priority > 3}
checklist:
  - id: rows
    title: There are rows
    severity: low
    why: to have asked something
    check: {sql: "select id from public.tasks where id < 0", is_empty: yes}
"""
REDIS_TARGETS = 'targets: {cache: {redis: "${REDIS_URL}", memory: 8GB}}'
REDIS_DECLARED = """
target: cache
settings: {hz: 20}
checklist:
  - id: alive
    title: It answers
    severity: low
    why: to have asked something
    check: {redis_info: loading, section: persistence, equals: 0}
"""


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, value in SOON.items():
        monkeypatch.setattr(path, value)


@contextmanager
def silence(seconds: float) -> Iterator[None]:
    """While the body runs, an answer is waited for so long, unless somebody sees it being worked at."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bounds, "SILENCE_SECONDS", seconds)
        patched.setattr(bounds, "ASKING_SECONDS", seconds / 4)
        yield


@pytest.fixture
def proxy(request: pytest.FixtureRequest) -> Iterator[FreezingProxy]:
    """Before the test's PostgreSQL, or its Redis."""
    server = "redis_server" if "redis_server" in request.fixturenames else "postgres"
    with closing(FreezingProxy(request.getfixturevalue(server).port)) as made:
        yield made


@pytest.fixture
def tasks(sql: psycopg.Connection) -> psycopg.Connection:
    sql.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    sql.execute("insert into tasks select n, 's' || n % 5, n % 10, 't' || n from generate_series(1, 500) n")
    return sql


def through(target: Target, proxy: FreezingProxy) -> Target:
    """`target` by way of `proxy`."""
    url = re.sub(r":\d+/", f":{proxy.port}/", target.url.get_secret_value())
    return target.model_copy(update={"url": type(target.url)(url)})


def command(folder: Path, targets: str, declared: str, **environment: str) -> Command:
    (folder / "desired").mkdir()
    (folder / "desired/targets.yaml").write_text(targets)
    (folder / "desired/declared.yaml").write_text(declared)
    return Command(folder / "desired", environment)


def ends(run: Command, proxy: FreezingProxy, arguments: tuple[object, ...], amount: int, target: str) -> None:
    """Freezes the network after `amount` bytes of a run, which ends by itself; if too late for an error, well."""
    proxy.after(amount)
    ended(run.start(*arguments, constants=SOON), proxy, amount, target)


def ended(process: Forked, proxy: FreezingProxy, amount: int, target: str) -> None:
    """A run behind a network that freezes after `amount` bytes ends by itself."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, 1, 2), out + err
    if proxy.frozen and process.returncode == 1:
        assert target in out + err
        assert WAITED.search(out + err), out + err
        # Where all was applied before, only the last look was lost: nobody says that something is left.
        assert "A new plan still wants to change" not in out, out + err
        assert "Traceback" not in out + err
    elif amount <= MOMENTS[1]:
        pytest.fail(f"it was to freeze before the verb was through: {out}{err}")
    proxy.thaw()


def all_end(target: Target, folder: Path, texts: tuple[str, str, str], verb: str, amounts: Sequence[int]) -> None:
    """As `ends`, for a verb that only reads: all at once, each behind a network of its own, since all they do is wait.

    `texts`: the targets, what is declared, and the variable that holds the URL.
    """
    targets, declared, variable = texts
    run = command(folder, targets, declared)
    port = urlsplit(target.url.get_secret_value()).port
    with ExitStack() as stack:
        started = []
        for amount in amounts:
            proxy = stack.enter_context(closing(FreezingProxy(port)))
            proxy.after(amount)
            behind = Command(run.folder, {variable: through(target, proxy).url.get_secret_value()})
            started.append((behind.start(*verb.split(), constants=SOON), proxy, amount))
        for process, proxy, amount in started:
            ended(process, proxy, amount, target.name)
        code, out, err = behind.run(*verb.split())
    assert code in (0, 2), out + err


@pytest.mark.parametrize("verb", ["plan", "drift", "check", "import main"])
def test_what_reads_from_postgres_ends(tasks, pg_target, tmp_path, verb):
    amounts = [*MOMENTS, RANDOM.randrange(12_000)]
    all_end(pg_target, tmp_path, (TARGETS, POSTGRES_DECLARED, "DATABASE_URL"), verb, amounts)


@pytest.mark.parametrize("verb", ["plan", "drift", "check", "import cache"])
def test_what_reads_from_redis_ends(redis_target, tmp_path, verb):
    amounts = [*MOMENTS[:2], RANDOM.randrange(4000)]
    all_end(redis_target, tmp_path, (REDIS_TARGETS, REDIS_DECLARED, "REDIS_URL"), verb, amounts)


@pytest.mark.long
def test_an_apply_of_indexes_ends_and_the_next_one_finishes_it(tasks, pg_target, proxy, tmp_path):
    resources = declared(pg_target, i={"columns": ["status"]}, j={"columns": ["title"]})
    url = through(pg_target, proxy).url.get_secret_value()
    run = command(tmp_path, TARGETS, "", DATABASE_URL=url)
    for amount in [*MOMENTS, *(RANDOM.randrange(3000, 40_000) for _ in range(2))]:
        plan_file.write(plan_for(pg_target, resources), tmp_path / "plan.json")
        ends(run, proxy, ("apply", tmp_path / "plan.json"), amount, "main")
        until(lambda: not at_work(tasks), "nobody is at work any more")
        assert apply(plan_for(pg_target, resources), pg_target).succeeded
        assert plan_for(pg_target, resources).is_empty
        tasks.execute("drop index i, j")


def test_an_apply_of_settings_with_a_restart_ends_and_the_next_one_finishes_it(
    tasks, pg_target, postgres, proxy, tmp_path
):
    target = pg_target.model_copy(update={"restart": restart_command(postgres)})
    targets = TARGETS.replace("memory: 16GB", f"memory: 16GB, restart: {json.dumps(target.restart)}")
    url = through(pg_target, proxy).url.get_secret_value()
    run = command(tmp_path, targets, "", DATABASE_URL=url)
    try:
        for value, amount in (("123", 3000), ("124", RANDOM.randrange(20_000)), ("125", RANDOM.randrange(60_000))):
            resources = pg_settings(target, {"max_connections": value, "work_mem": "7MB"})
            plan_file.write(plan_for(target, resources), tmp_path / "plan.json")
            ends(run, proxy, ("apply", tmp_path / "plan.json", "--allow", "restart"), amount, "main")
            until(
                lambda: postgres.running and nobody_at_work(pg_target), "nobody is at work", ignoring=(psycopg.Error,)
            )
            assert apply(plan_for(target, resources), target, allowed=["restart"]).succeeded
            assert plan_for(target, resources).is_empty
    finally:
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("alter system reset all")
        postgres.restart()


def nobody_at_work(target: Target) -> bool:
    with psycopg.connect(target.url.get_secret_value(), autocommit=True) as connection:
        return not at_work(connection)


def test_an_apply_on_redis_ends_and_the_next_one_finishes_it(redis_target, redis_client, proxy, tmp_path):
    target = through(redis_target, proxy)
    resources = redis_settings({"hz": "20", "maxmemory-samples": "7"})
    run = command(tmp_path, REDIS_TARGETS, "", REDIS_URL=target.url.get_secret_value())
    plan_file.write(plan_for(target, resources), tmp_path / "plan.json")
    for amount in [*MOMENTS[:2], *(RANDOM.randrange(60, 20_000) for _ in range(3))]:
        ends(run, proxy, ("apply", tmp_path / "plan.json"), amount, "cache")
    until(lambda: not [one for one in redis_client.client_list() if one["name"]], "the lock is free")
    assert apply(plan_for(target, resources), target).succeeded
    assert plan_for(target, resources).is_empty


def test_a_build_that_says_nothing_for_long_goes_on_while_another_session_sees_it(tasks, pg_target, holder):
    """Its connection is silent for far longer than a silence may be, and nothing is wrong."""
    resources = declared(pg_target, i={"columns": ["status"]})

    def attempt(seconds: float) -> bool:
        tasks.execute("drop index if exists i")
        holder.execute("update tasks set priority = 0 where id = 1")
        plan = plan_for(pg_target, resources)
        with silence(seconds):
            applying = Applying(plan, pg_target)
            until(lambda: waiting(tasks, "create index%") or not applying.is_alive(), "it builds")
            time.sleep(3 * seconds)
            holder.rollback()
            return applying.ended().succeeded

    assert given_time(attempt, bool)
    assert plan_for(pg_target, resources).is_empty


def test_a_silent_build_goes_on_without_one_that_watches_too(tasks, pg_target, holder, secrets):
    """Nobody looks at its progress here: its own connection asks by a second one."""
    step = SqlStep(statements=("create index concurrently i on tasks (status)",), lock_timeout="0")

    def build(errors: list[Exception]) -> None:
        with closing(executor(pg_target, secrets)) as running:
            try:
                running.run(step)
            except StepFailed as error:
                errors.append(error)

    def attempt(seconds: float) -> list[Exception]:
        tasks.execute("drop index if exists i")
        holder.execute("update tasks set priority = 0 where id = 1")
        errors: list[Exception] = []
        with silence(seconds):
            thread = threading.Thread(target=build, args=(errors,), daemon=True)
            thread.start()
            until(lambda: waiting(tasks, "create index%") or errors, "it builds")
            time.sleep(3 * seconds)
            holder.rollback()
            thread.join(PATIENCE)
        return errors

    assert given_time(attempt, lambda errors: not errors) == []


def test_a_build_whose_network_dies_is_given_up_and_recognised_by_the_next_plan(tasks, pg_target, proxy, soon, holder):
    holder.execute("update tasks set priority = 0 where id = 1")
    resources = declared(pg_target, i={"columns": ["status"]})
    target = through(pg_target, proxy)
    applying = Applying(plan_for(target, resources), target, rehearsal=False)
    until(lambda: waiting(tasks, "create index%"), "it builds")
    proxy.after(0)
    receipt = applying.ended()
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert "main: the connection was lost: nothing was heard for 5 s" in message(receipt)
    assert "it may still be going on on the server" in message(receipt)
    [notice] = plan_for(pg_target, resources).notices
    assert notice.type == "being-built"
    holder.rollback()
    proxy.thaw()
    until(lambda: not at_work(tasks), "it has ended")
    assert apply(plan_for(pg_target, resources), pg_target).succeeded
    assert plan_for(pg_target, resources).is_empty


class Slow(BaseHTTPRequestHandler):
    """Answers drop by drop, and never to its end."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.ended.wait(0.1):
            self.wfile.write(b".")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def drops() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.ended = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.ended.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def silent() -> Iterator[str]:
    """What takes every connection, and never says anything."""
    with closing(FreezingProxy(1)) as made:
        made.after(0)
        yield f"http://127.0.0.1:{made.port}"


def http(url: str) -> Target:
    return HttpTarget(name="app", url=url)


def test_an_answer_that_comes_drop_by_drop_ends(drops, secrets, monkeypatch):
    monkeypatch.setattr("reconciler.targets.http.ANSWER_SECONDS", 0.5)
    with (
        closing(HttpSession(http(drops), secrets)) as session,
        pytest.raises(ObservationFailed, match="app: not answered within"),
    ):
        session.request("GET", "/x", {})


def test_an_answer_of_postgresql_that_comes_drop_by_drop_ends(tasks, pg_target, proxy, secrets, monkeypatch):
    """In a session that reads, in a lock's, and as one begins. Seen to fail: each byte began the wait anew."""
    target = through(pg_target, proxy)
    with closing(connect(target, secrets)) as session, locked(target, secrets, lambda: None) as lock:
        monkeypatch.setattr(bounds, "WHOLE_SECONDS", 0.5)
        proxy.drop = 0.1
        with pytest.raises(ConnectionFailed, match="no answer came to its end"):
            session.fetch("select repeat('x', 10000)")
        with pytest.raises(ApplyError, match=r"the lock was lost.*no answer came to its end"):
            lock()
    proxy.drop = 0.0
    first = opening.setting

    def then_in_drops(*arguments, **options):
        proxy.drop = 0.1
        return first(*arguments, **options)

    monkeypatch.setattr(opening, "setting", then_in_drops)
    with pytest.raises(ConnectionFailed, match="no answer came to its end"):
        opening.open_connection(target, secrets, {})


ITEMS = "".join(
    f"""
  - id: route-{number}
    title: A route answers
    severity: low
    why: to have asked something
    check: {{http: {{path: /{number}, expect: {{status: 200}}}}}}"""
    for number in range(20)
)


def test_a_check_of_twenty_routes_of_an_application_that_is_silent_ends(silent, tmp_path):
    """Each of them has its 10 s, which were 200 in all."""
    run = command(tmp_path, 'targets: {app: {http: "${APP_URL}"}}', f"target: app\nchecklist:{ITEMS}", APP_URL=silent)
    constants = {"reconciler.targets.http.REQUEST_TIMEOUT": 0.5, "reconciler.targets.bounds.SILENCE_SECONDS": 1.0}
    out, err = run.start("check", constants=constants).communicate(timeout=PATIENCE)
    said = " ".join((out + err).split())
    assert "app: no answer within 0.5 s" in said
    assert "could not be decided: app: nothing is asked any more: no request was answered for" in said


def test_an_application_that_never_answers_is_not_asked_for_ever(silent, secrets, monkeypatch):
    monkeypatch.setattr("reconciler.targets.http.REQUEST_TIMEOUT", 0.3)
    monkeypatch.setattr(bounds, "SILENCE_SECONDS", 0.5)
    with closing(HttpSession(http(silent), secrets)) as session:
        for _ in range(2):
            with pytest.raises(ObservationFailed, match=r"app: no answer within 0\.3 s"):
                session.request("GET", "/x", {})
        with pytest.raises(ConnectionFailed, match="nothing is asked any more: no request was answered for"):
            session.request("GET", "/x", {})


def test_a_member_of_patroni_that_is_not_heard_of_any_more_is_not_waited_for(silent, secrets, monkeypatch):
    """Its restart may take ten minutes; that nobody is there is known far sooner."""
    for path in ("SILENCE_SECONDS", "ASKING_SECONDS"):
        monkeypatch.setattr(bounds, path, 0.5)
    monkeypatch.setattr(patroni, "REQUEST_TIMEOUT", 0.5)
    member = Member(name="pg1", role="leader", state="running", api_url=f"{silent}/patroni")
    with closing(PatroniWriter("main", [silent], secrets)) as api:
        with pytest.raises(ObservationFailed, match=r"main: GET .*no answer"):
            api.config()
        with pytest.raises(ObservationFailed, match="nothing is heard of the member any more"):
            api._post_restart(silent, None, 600.0)
        with pytest.raises((ObservationFailed, StepFailed)):
            api.restart(member, 600.0)


def test_a_name_that_nobody_resolves_is_not_waited_for(pg_target, secrets, monkeypatch):
    monkeypatch.setattr(bounds, "CONNECT_SECONDS", 0.2)
    ended = threading.Event()
    monkeypatch.setattr(name_resolution.socket, "getaddrinfo", lambda *_, **__: ended.wait())
    url = type(pg_target.url)("postgresql://u@db.example/x")
    with pytest.raises(ConnectionFailed, match=r"the name db\.example was not resolved within") as raised:
        connect(pg_target.model_copy(update={"url": url}), secrets)
    assert raised.value.silent
    ended.set()


@pytest.mark.long
@pytest.mark.thorough
@pytest.mark.parametrize(("verb", "amount"), [("plan", 3000), ("apply", 3000), ("apply", 15_000), ("apply", 25_000)])
def test_with_the_bounds_as_they_are_a_verb_ends_within_90_s(tasks, pg_target, proxy, tmp_path, verb, amount):
    """What follows the loss is in it: cleaning up, undoing, a last look."""
    resources = [*declared(pg_target, i={"columns": ["status"]}), *pg_settings(pg_target, {"work_mem": "7MB"})]
    url = through(pg_target, proxy).url.get_secret_value()
    # What an apply is held against is declared as the plan has it, or not at all.
    run = command(tmp_path, TARGETS, "" if verb == "apply" else POSTGRES_DECLARED, DATABASE_URL=url)
    plan_file.write(plan_for(pg_target, resources), tmp_path / "plan.json")
    arguments = ("apply", tmp_path / "plan.json") if verb == "apply" else (verb,)
    proxy.after(amount)
    began = time.monotonic()
    process = run.start(*arguments)
    out, err = process.communicate(timeout=PATIENCE)
    assert proxy.frozen, proxy.taken
    assert process.returncode == 1, out + err
    assert WAITED.search(out + err)
    assert time.monotonic() - began < ALL
    proxy.thaw()
    try:
        until(lambda: not locks(tasks) and not at_work(tasks), "the server has found out", seconds=ALL)
        assert apply(plan_for(pg_target, resources), pg_target).succeeded
        assert plan_for(pg_target, resources).is_empty
    finally:
        tasks.execute("alter system reset all")
        reload(tasks)
