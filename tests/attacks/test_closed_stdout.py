"""Standard streams that are closed, full or read by nobody: the work is done, the exit code tells the truth.

Before, `apply >&-` made its change and ended with an AttributeError and 1, `| head` with 1 whatever was the case, and a
full disk behind standard error with a traceback.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from itertools import compress
from typing import Any, NamedTuple

import pytest
import tiers
from tiers import Tier

from attacks.repository import Checkout

DRIFTED, IN_SYNC = 2, 0


class Way(NamedTuple):
    """What a shell puts behind the command. `lost`: somebody wants what is printed, and does not get it."""

    redirected: str
    reason: str
    lost: bool = False


WAYS = [
    Way(">&-", "closed"),
    Way("2>&-", "errors closed"),
    Way(">&- 2>&-", "both closed"),
    Way("<&- >&- 2>&-", "all closed"),
    Way("| true", "read by nobody"),
    Way("2>&1 | true", "both read by nobody"),
    Way("2>/dev/full", "errors to a full disk"),
    Way(">/dev/full", "to a full disk", lost=True),
    Way(">/dev/full 2>/dev/full", "both to a full disk", lost=True),
]
IDS = [way.reason for way in WAYS]


def of_this_run(commands: Collection[Any], way: Way) -> list[Any]:
    """A third of `commands`, as the seed chooses: each in three of the nine ways; `make test-all` tries all of them."""
    first = WAYS.index(way) + random.Random(tiers.seed()).randrange(3)  # noqa: S311 - repeatable on purpose
    chosen = [number % 3 == 0 or tiers.current() is Tier.ALL for number, _ in enumerate(commands, first)]
    return list(compress(commands, chosen))


@pytest.fixture
def declared(checkout: Checkout, database: str, sql) -> dict[str, str]:
    """One index to be built; the environment of a run."""
    sql.execute("create table tasks (id int, status text)")
    checkout.write({
        "desired/x.yaml": 'targets: {main: {postgres: "${DATABASE_URL}", memory: 1GB}}\n---\ntarget: main\n'
        "tables: {public.tasks: {indexes: {tasks_status_idx: {columns: [status]}}}}\n"
    })  # fmt: skip
    return {"DATABASE_URL": database}


def quiet(text: str) -> bool:
    return not any(word in text for word in ("Traceback", "Exception ignored", "AttributeError", "unexpected"))


@pytest.mark.parametrize("way", WAYS, ids=IDS)
def test_an_apply_makes_its_change_and_says_so(checkout: Checkout, declared, sql, way: Way):
    done = checkout.run("apply", "--yes", env=declared, redirected=way.redirected)
    assert done.code == 0, way.reason
    assert quiet(done.shown)
    assert sql.execute("select count(*) from pg_indexes where indexname = 'tasks_status_idx'").fetchone() == (1,)
    assert checkout.run("plan", "--detailed-exitcode", env=declared).code == IN_SYNC


@pytest.mark.parametrize("way", WAYS, ids=IDS)
def test_a_saved_plan_is_applied_all_the_same(checkout: Checkout, declared, sql, way: Way):
    saved = checkout.run("plan", "--out", "plan.json", env=declared, redirected=way.redirected)
    assert saved.code == (1 if way.lost else 0)
    assert checkout.run("apply", "plan.json", "--receipt", "r.json", env=declared, redirected=way.redirected).code == 0
    assert (checkout.root / "r.json").stat().st_size > 0
    assert checkout.run("drift", env=declared).code == IN_SYNC


@pytest.mark.parametrize("way", WAYS, ids=IDS)
def test_what_is_only_read_is_told_by_the_exit_code(checkout: Checkout, declared, way: Way):
    expected = {
        ("drift",): DRIFTED,
        ("plan", "--detailed-exitcode"): DRIFTED,
        ("plan",): 0,
        ("check",): 0,
        ("validate",): 0,
        ("import", "main"): 0,
        ("schema",): 0,
    }
    for arguments, code in of_this_run(expected.items(), way):
        done = checkout.run(*arguments, env=declared, redirected=way.redirected)
        # Whoever wanted the result has not got it.
        assert done.code == (1 if way.lost else code), (arguments, way.reason, done)
        assert quiet(done.shown)


@pytest.mark.parametrize("way", WAYS, ids=IDS)
def test_an_error_is_an_error(checkout: Checkout, declared, way: Way):
    wrong = (["apply"], ["show", "nothing.json"], ["nonsense"], ["plan", "nobody"])
    for arguments in of_this_run(wrong, way):
        done = checkout.run(*arguments, env=declared, redirected=way.redirected)
        assert done.code == 1, (arguments, way.reason)
        assert quiet(done.shown)
