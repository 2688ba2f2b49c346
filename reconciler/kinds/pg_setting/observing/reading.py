"""All that is read for the settings of a target: a chain, in which each link receives what is ready.

Question ── ask ──▶ Answers ── read ──▶ Files ──▶ Instance ──▶ Server
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.observed import Server
from reconciler.kinds.pg_setting.observing import files, instance_values
from reconciler.kinds.pg_setting.observing.files import Files
from reconciler.kinds.pg_setting.observing.first_round_trip import Answers, Question, ask
from reconciler.kinds.pg_setting.observing.instance_values import Instance
from reconciler.kinds.pg_setting.observing.server import server
from reconciler.targets.postgres.session import PostgresSession


class Reading(NamedTuple):
    """The links of which what a server shows of one setting is made."""

    answers: Answers
    files: Files
    instance: Instance
    server: Server


def read(session: PostgresSession, wanted: Sequence[PgSetting]) -> Reading:
    """For all resources at once. Raises TargetError."""
    question = Question.of(session, wanted)
    asked = files.ask(session, question)
    answers = ask(session, question)
    lines = files.read(session, question, asked, answers)
    found = instance_values.of(session, answers, lines, question.declared)
    return Reading(answers, lines, found, server(question, found))
