"""Systems read side by side: within two bounds, and none held up by what waits for another's server."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial

import pytest
from pydantic import SecretStr

from reconciler.model import HttpTarget, PostgresTarget, RedisTarget
from reconciler.targets.servers_in_urls import places, sessions_to
from reconciler.targets.thread_pool import MOST_SESSIONS_ON_A_SERVER, Pool


class Counting:
    """Work that notes how much of it is at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def work(self, server: str, sessions: int = 1, until: threading.Event | None = None) -> str:
        with self._lock:
            for name, count in ((server, sessions), ("all", 1)):
                self._now[name] += count
                self.most[name] = max(self.most[name], self._now[name])
        if until is not None:
            assert until.wait(30)
        with self._lock:
            self._now.subtract({server: sessions, "all": 1})
        return server


def test_never_more_than_four_sessions_on_a_server_nor_more_than_asked_in_all():
    counting = Counting()
    with Pool[str](6) as pool:
        for number in range(60):
            server = f"db{number % 2}"
            pool.add(partial(counting.work, server), {server: 1})
        assert Counter(pool.answers()) == {"db0": 30, "db1": 30}
    assert counting.most["db0"] <= MOST_SESSIONS_ON_A_SERVER
    assert counting.most["db1"] <= MOST_SESSIONS_ON_A_SERVER
    assert counting.most["all"] <= 6


def test_a_server_that_is_full_holds_up_no_other():
    counting, over = Counting(), threading.Event()
    with Pool[str](16) as pool:
        for _ in range(50):
            pool.add(partial(counting.work, "slow", until=over), {"slow": 1})
        pool.add(partial(counting.work, "quick"), {"quick": 1})
        answers = pool.answers()
        assert next(answers) == "quick"  # while four wait, and 46 wait for those
        assert counting.most["slow"] <= MOST_SESSIONS_ON_A_SERVER
        over.set()
        assert Counter(answers) == {"slow": 50}


def test_what_holds_two_sessions_counts_twice_and_what_wants_more_than_there_are_is_alone():
    counting = Counting()
    with Pool[str](16) as pool:
        for _ in range(20):
            pool.add(partial(counting.work, "db", 2), {"db": 2})
        pool.add(partial(counting.work, "db", 9), {"db": 9})
        assert len(list(pool.answers())) == 21
    assert counting.most["db"] == 9
    assert counting.most["all"] <= 2


def test_work_may_be_added_while_answers_are_taken():
    counting, seen = Counting(), []
    with Pool[str](2) as pool:
        pool.add(partial(counting.work, "first"), {"first": 1})
        for answer in pool.answers():
            seen.append(answer)
            if answer == "first":
                pool.add(partial(counting.work, "second"), {"second": 1})
    assert seen == ["first", "second"]


def test_an_error_of_a_piece_of_work_is_raised():
    def fails() -> str:
        raise ZeroDivisionError

    with Pool[str](2) as pool:
        pool.add(fails, {})
        with pytest.raises(ZeroDivisionError):
            next(pool.answers())


CASES = {
    "a server": (PostgresTarget(name="a", url=SecretStr("postgresql://u:p@DB1/x")), {"db1:5432": 1}),
    "several hosts": (
        PostgresTarget(name="a", url=SecretStr("postgresql://db1:1,db2:2/x")), {"db1:1": 1, "db2:2": 1},
    ),
    "an address beside a host": (
        PostgresTarget(name="a", url=SecretStr("postgresql://db1/x?hostaddr=10.0.0.1")), {"10.0.0.1:5432": 1},
    ),
    "checks by a role of their own": (
        PostgresTarget(
            name="a", url=SecretStr("postgresql://db1/x"), checks_as=SecretStr("postgresql://v@db1/x"),
            replicas=(SecretStr("postgresql://db2/x"), SecretStr("postgresql://db3/x")),
        ),
        {"db1:5432": 2, "db2:5432": 1, "db3:5432": 1},
    ),
    "a Redis with replicas": (
        RedisTarget(name="a", url=SecretStr("redis://c1"), replicas=(SecretStr("redis://c2:1"),)),
        {"c1:6379": 1, "c2:1": 1},
    ),
    "a socket": (RedisTarget(name="a", url=SecretStr("unix:///run/redis.sock")), {"/run/redis.sock": 1}),
    "an application": (HttpTarget(name="a", url=SecretStr("http://app:8080")), {"app:8080": 1}),
    "none": (HttpTarget(name="a", url=SecretStr("")), {}),
    "what cannot be read": (PostgresTarget(name="a", url=SecretStr("postgresql://u:p@[::/x")), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_servers_of_a_target_are_those_that_its_urls_name(case: str):
    target, sessions = CASES[case]
    assert sessions_to(target) == sessions
    assert places(target) <= set(sessions)


SPELLINGS = [
    ("postgresql://db1/x", "postgresql://DB1.:05432/x"),
    ("postgresql://[::1]/x", "postgresql://[0:0:0:0:0:0:0:1]:5432/x"),
    ("postgresql://10.0.0.1/x", "postgresql://[::ffff:10.0.0.1]/x"),
    ("postgresql:///x?host=/run/A", "postgresql:///x?host=/run/A&port=5432"),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_a_server_is_one_however_it_is_spelled(one: str, other: str):
    """Before, they were of two shards, and their databases were applied to at the same time."""
    first, second = (places(PostgresTarget(name="a", url=SecretStr(url))) for url in (one, other))
    assert first == second
    assert len(first) == 1


def test_a_socket_is_another_by_the_case_of_its_folder():
    first, second = (
        places(PostgresTarget(name="a", url=SecretStr(f"postgresql:///x?host=/run/{folder}"))) for folder in "Aa"
    )
    assert first != second
