"""The smallest road through a kind on a live server: observe, plan, run the steps, and plan again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing

from waiting import until

from reconciler.applying.executing.step import executor
from reconciler.demo.redis_server import RedisServer
from reconciler.model import Address, Change, Notice, NoticeType, Outcome, Resource, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect


def outcomes(kind, target: Target, resources: Sequence[Resource], secrets: Secrets | None = None) -> list[Outcome]:
    """What a fresh session finds."""
    with closing(connect(target, secrets or Secrets({}))) as session:
        observed = kind.observe(session, resources)
        return [outcome for resource in resources for outcome in kind.plan(resource, observed.get(resource.address))]


def changes(kind, target: Target, resources: Sequence[Resource], secrets: Secrets | None = None) -> list[Change]:
    return [outcome for outcome in outcomes(kind, target, resources, secrets) if isinstance(outcome, Change)]


def run(target: Target, found: Sequence[Change], secrets: Secrets | None = None) -> None:
    with closing(executor(target, secrets or Secrets({}))) as runner:
        for change in found:
            for step in change.steps:
                runner.run(step)


def converge(kind, target: Target, resources: Sequence[Resource], secrets: Secrets | None = None) -> list[Change]:
    """Plans, runs, plans again: the second plan must be empty, and nothing that was changed be blocked by then. Returns
    the changes of the first."""
    found = changes(kind, target, resources, secrets)
    run(target, found, secrets)
    changed = {change.address for change in found}
    remaining: list[Outcome] = []

    def done() -> bool:
        remaining[:] = [each for each in outcomes(kind, target, resources, secrets) if _remains(each, changed)]
        return not remaining

    # A reload reaches new sessions a moment later.
    until(done, "the second plan is empty", log=lambda: "\n".join(map(str, remaining)))
    return found


def _remains(outcome: Outcome, changed: Collection[Address]) -> bool:
    if isinstance(outcome, Change):
        return True
    return isinstance(outcome, Notice) and outcome.type is NoticeType.BLOCKED and outcome.address in changed


def start_with(redis_server: RedisServer, lines: str) -> None:
    """Restarts the server with more lines in its file."""
    redis_server.stop()
    with redis_server.conf.open("a") as conf:
        conf.write(lines)
    redis_server.start()


def start_with_acl_file(redis_server: RedisServer) -> None:
    """Restarts the server with an ACL file, in which nobody is yet."""
    acl = redis_server.folder / "users.acl"
    acl.write_text("")
    start_with(redis_server, f"aclfile {acl}\n")
