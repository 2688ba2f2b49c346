from __future__ import annotations

from pathlib import Path

import pytest
from approvals.people import People
from pipelines.forge import Forge
from pipelines.team import TARGETS, CommandLine, Team
from pipelines.workflow import Runner
from waiting import reload


@pytest.fixture
def forge(tmp_path) -> Forge:
    made = Forge(tmp_path / "forge")
    (made.clone / "desired").mkdir()
    (made.clone / "desired" / "targets.yaml").write_text(TARGETS)
    made.commit("Targets")
    return made


@pytest.fixture
def people(tmp_path) -> People:
    return People(tmp_path)


@pytest.fixture
def table(sql, postgres):
    """A table without an index of ours."""
    sql.execute("create table tasks (id bigint primary key, status text)")
    yield sql
    sql.execute("alter system reset all")
    reload(sql)


@pytest.fixture
def team(forge, people, database, table, tmp_path) -> Team:
    people.listed("alice", "bob", "carol")
    variables = {"ALLOWED_SIGNERS": people.signers.read_text()}
    return Team(forge, people, Runner(forge, tmp_path / "runner", {"DATABASE_URL": database}, variables))


@pytest.fixture
def command_line(capsys) -> CommandLine:
    from reconciler.cli.app import run

    def call(*arguments: str | Path, code: int = 0) -> str:
        capsys.readouterr()
        ended = run([*map(str, arguments)])
        captured = capsys.readouterr()
        assert ended == code, captured.out + captured.err
        return captured.out + captured.err

    return call
