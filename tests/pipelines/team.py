"""A team that works with a forge by the workflow of the README."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from approvals.people import People
from pipelines.forge import Forge, PullRequest
from pipelines.workflow import README, Ran, Runner, opened

TARGETS = 'targets: {main: {postgres: "${DATABASE_URL}"}}\n'
DESIRED = "target: main\ntables:\n  public.tasks:\n    indexes:\n      tasks_status_idx: {columns: [status]}\n"
PULL = PullRequest(7, "queue", "carol")
NAMES = "select indexname from pg_indexes where tablename = 'tasks' order by 1"

CommandLine = Callable[..., str]
"""The program with these arguments, where it ends with 0 or with the given `code`; what it says."""


class Team:
    """Who works with the forge: `carol` opens pull requests, others approve."""

    def __init__(self, forge: Forge, people: People, runner: Runner) -> None:
        self.forge = forge
        self.people = people
        self.runner = runner
        self.workflow = deepcopy(README)

    def push(self, name: str, text: str, pull: PullRequest = PULL) -> str:
        (self.forge.clone / name).write_text(text)
        return self.forge.commit(f"Change {name}", branch=pull.branch)

    def open(self, text: str = DESIRED, pull: PullRequest = PULL, *, name: str = "desired/tasks.yaml") -> Ran:
        self.forge.git("checkout", "--quiet", "-b", pull.branch)
        return self.pushed(self.push(name, text, pull), pull)

    def pushed(self, head: str, pull: PullRequest = PULL) -> Ran:
        return self.event("pull_request", opened(pull.number, head, base=self.forge.head("main")), head)["plan"]

    def event(self, name: str, event: dict[str, Any], sha: str) -> dict[str, Ran]:
        return self.runner.run(self.workflow, name, event, sha)

    def merge(self, pull: PullRequest = PULL) -> Ran:
        event = self.forge.merge(pull)
        return self.event("push", event, event["after"])["apply"]

    def sign(self, plan: Path, name: str, *options: str, command_line: CommandLine, pull: PullRequest = PULL) -> str:
        """Somebody approves a plan that is in the clone, and pushes that; the head of the branch."""
        command_line("approve", plan, "--key", self.people.key(name), *options)
        return self.forge.commit(f"Approve {plan.name}", branch=pull.branch)


def approve(team: Team, ran: Ran, name: str, *options: str, command_line: CommandLine) -> str:
    """What the lines at the end of the comment do, but for the download."""
    [artifact] = ran.uploaded.values()
    plans = team.forge.clone / "plans"
    plans.mkdir(exist_ok=True)
    shutil.copy(artifact / "7.json", plans)
    return team.sign(plans / "7.json", name, *options, command_line=command_line)
