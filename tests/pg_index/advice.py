"""Advice on declared indexes, through one session as planning makes it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from reconciler.kinds.pg_index import KIND
from reconciler.model import Change, Notice, NoticeType, Outcome, Resource, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect


def advised(target: Target, resources: Sequence[Resource]) -> list[Outcome]:
    """What a plan for people would hold, but for the word that what-if is not to be had: it has tests of its own."""
    with closing(connect(target, Secrets({}))) as session:
        observed = KIND.observe(session, resources)
        outcomes = [each for resource in resources for each in KIND.plan(resource, observed.get(resource.address))]
        found = KIND.advise(session, outcomes)
    return [each for each in found if not (isinstance(each, Notice) and each.message.startswith("what-if "))]


def said(outcomes: Sequence[Outcome], kind: NoticeType = NoticeType.PREFLIGHT) -> list[str]:
    """The notices of one type, each `name: message`."""
    return [
        f"{each.address.name}: {each.message}" for each in outcomes if isinstance(each, Notice) and each.type is kind
    ]


def facts(outcomes: Sequence[Outcome], name: str) -> dict[str, object]:
    """The evidence of the change of public.NAME."""
    [change] = [each for each in outcomes if isinstance(each, Change) and each.address.name == f"public.{name}"]
    return {fact.name: fact.value for fact in change.evidence}
