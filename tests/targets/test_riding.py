"""Questions that are sent with others, and sessions that are used again."""

from __future__ import annotations

from contextlib import closing

import pytest

from reconciler.errors import ObservationFailed
from reconciler.secrets import Secrets
from reconciler.targets.open_sessions import open_sessions
from reconciler.targets.postgres.session import connect


def test_a_question_beside_others_is_answered_with_them(pg_target):
    with closing(connect(pg_target, Secrets({}))) as session:
        riding = session.beside("select 1 as one")
        assert session.fetch("select 2 as two") == [{"two": 2}]
        assert riding.rows == [{"one": 1}]
        assert session.answer(session.beside("select 3 as three")) == [{"three": 3}]


def test_a_question_that_is_refused_spoils_no_other(pg_target):
    with closing(connect(pg_target, Secrets({}))) as session:
        wrong, right = session.beside("select nowhere"), session.beside("select 1 as one")
        assert session.fetch("select 2 as two") == [{"two": 2}]
        assert session.answer(right) == [{"one": 1}]
        with pytest.raises(ObservationFailed, match="nowhere"):
            session.answer(wrong)


def test_an_open_session_is_used_again_until_a_new_one_is_asked_for(pg_target):
    with open_sessions(Secrets({})) as sessions:
        pids = [sessions.ask(pg_target, lambda session: session.pid) for _ in range(2)]
        sessions.renew(pg_target)
        pids.append(sessions.ask(pg_target, lambda session: session.pid))
        with sessions.lent(pg_target) as one, sessions.lent(pg_target) as other:
            assert one.pid == pids[2] != other.pid
            sessions.renew(pg_target)
        assert sessions.ask(pg_target, lambda session: session.pid) not in (one.pid, other.pid)
    assert pids[0] == pids[1] != pids[2]


def test_a_session_in_which_something_failed_is_not_used_again(pg_target):
    with open_sessions(Secrets({})) as sessions:
        with pytest.raises(ObservationFailed), sessions.lent(pg_target) as failed:
            failed.fetch("select nowhere")
        assert sessions.ask(pg_target, lambda session: session.pid) != failed.pid
