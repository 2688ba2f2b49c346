"""Ctrl-C of what only reads."""

from __future__ import annotations

import signal

import pytest
from applying.acting import Command
from waiting import PATIENCE, until

SLOW = """
target: main
checklist:
  - id: slow
    title: It takes long
    severity: low
    why: to be interrupted
    check: {sql: "select count(*) as n from generate_series(1, 300000) a, generate_series(1, 300000) b", equals: 1}
"""


@pytest.mark.parametrize("verb", ["check", "plan"])
def test_it_ends_at_once_and_so_does_the_question_on_the_server(world, desired, database, verb):
    """Seen before: the process waited for its threads, and went on to ask each check by itself."""
    (desired / "slow.yaml").write_text(SLOW)
    process = Command(desired, {"DATABASE_URL": database}).start(verb)
    asking = (
        "select count(*) from pg_stat_activity where query like %s and state = 'active' and pid <> pg_backend_pid()"
    )

    def asked() -> int:
        return world.execute(asking, ("%generate_series(1, 300000) a%",)).fetchone()[0]

    until(asked, "it asks")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert "interrupted" in out + err
    assert process.returncode != 0
    until(lambda: not asked(), "it was cancelled")
