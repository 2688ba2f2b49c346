"""What the tool itself says: plans of declared indexes, and the apply of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from live import run
from pg_index.corpus.world import desired_state, planned

from reconciler.desired.load import Desired
from reconciler.kinds.pg_index.as_yaml import index_name, table_name
from reconciler.kinds.pg_index.model import PgIndex
from reconciler.model import Address, Change, Notice, NoticeType, Plan
from reconciler.yaml.writing import document
from suites.built import Built
from suites.databases import Databases, Name


class Declared(NamedTuple):
    """An index with what the YAML says of it."""

    built: Built
    section: Mapping[str, Any]


class Verdict(StrEnum):
    """What a plan makes of a declaration."""

    IN_SYNC = "in sync"
    DIFFERENT = "different"
    BLOCKED = "blocked"
    NOT_COMPARED = "not compared"
    LEFT_OUT = "left out"
    """By an import, with a reason in its YAML."""
    REFUSED = "refused"
    """By the loader, before any server is asked; or planning failed."""


class Judgement(NamedTuple):
    """A verdict with its message."""

    verdict: Verdict
    message: str = ""


_BY_NOTICE = {NoticeType.BLOCKED: Verdict.BLOCKED, NoticeType.NOT_VISIBLE: Verdict.NOT_COMPARED}
"""All other notices say something beside, as that indexes are unused."""


def text_of(declared: Iterable[Declared]) -> str:
    """The YAML of them."""
    tables: dict[str, Any] = {}
    for built, section in declared:
        table = tables.setdefault(table_name(built.schema, built.table), {"indexes": {}})
        table["indexes"][index_name(built.name)] = section
    return document({"target": "main", "tables": tables})


def names(desired: Desired) -> dict[Address, Name]:
    """The declared indexes by address."""
    indexes = (resource for resource in desired.resources if isinstance(resource, PgIndex))
    return {index.address: (index.schema_name, index.name) for index in indexes if index.definition}


def judged(desired: Desired, plan: Plan) -> dict[Name, Judgement]:
    """What the plan says of each."""
    by_address = names(desired)
    found = dict.fromkeys(by_address.values(), Judgement(Verdict.IN_SYNC))
    outcomes: tuple[Change | Notice, ...] = (*plan.notices, *plan.changes)
    for outcome in outcomes:
        name, judgement = by_address.get(outcome.address), _judgement(outcome)
        if name and judgement:
            found[name] = judgement
    return found


def _judgement(outcome: Change | Notice) -> Judgement | None:
    if isinstance(outcome, Change):
        return Judgement(Verdict.DIFFERENT, f"{outcome.action}: {outcome.reason}; {outcome.summary}")
    verdict = _BY_NOTICE.get(outcome.type)
    return Judgement(verdict, outcome.message) if verdict else None


def judge_text(databases: Databases, name: str, text: str) -> dict[Name, Judgement]:
    """What a plan of this YAML says of each index in it."""
    desired = desired_state(databases.folder, databases.url(name), text)
    return judged(desired, planned(desired))


def judge(databases: Databases, name: str, declared: Sequence[Declared]) -> list[Judgement]:
    """What a plan says of each, under the search_path that it was built with."""
    found: dict[int, Judgement] = {}
    for path in sorted({each.built.path for each in declared}):
        places = [place for place, each in enumerate(declared) if each.built.path == path]
        databases.search_in(name, path)
        judgements = _judge_group(databases, name, [declared[place] for place in places])
        found |= zip(places, judgements, strict=True)
    databases.search_in(name, None)
    return [found[place] for place in range(len(declared))]


def _judge_group(databases: Databases, name: str, declared: Sequence[Declared]) -> list[Judgement]:
    """One plan of all, and where that fails, of each half: by that it is found which of them it is."""
    try:
        found = judge_text(databases, name, text_of(declared))
        return [found[each.built.key] for each in declared]
    except Exception as error:  # whatever it is, it is reported
        if len(declared) == 1:
            return [Judgement(Verdict.REFUSED, f"{type(error).__name__}: {error}")]
        half = len(declared) // 2
        return [
            judgement
            for part in (declared[:half], declared[half:])
            for judgement in _judge_group(databases, name, part)
        ]


def apply_text(databases: Databases, name: str, text: str) -> dict[Name, Judgement]:
    """Runs the steps of a plan, and plans once more: what was told of what was not made, and what is planned again."""
    desired = desired_state(databases.folder, databases.url(name), text)
    plan = planned(desired)
    first = judged(desired, plan)
    failed: dict[Name, Judgement] = {}
    for change in plan.changes:
        try:
            run(desired.targets["main"], [change])
        except Exception as error:  # the others are tried, too
            failed[names(desired)[change.address]] = Judgement(Verdict.DIFFERENT, f"{type(error).__name__}: {error}")
    made = {index for index, judgement in first.items() if judgement.verdict in (Verdict.IN_SYNC, Verdict.DIFFERENT)}
    second = {
        index: Judgement(judgement.verdict, f"second plan: {judgement.message}")
        for index, judgement in judge_text(databases, name, text).items()
        if index in made and judgement.verdict is not Verdict.IN_SYNC
    }
    told = {index: judgement for index, judgement in first.items() if index not in made}
    return told | second | failed


def apply(databases: Databases, name: str, declared: Sequence[Declared]) -> dict[Name, Judgement]:
    """As `apply_text`, those of each search_path under it."""
    found: dict[Name, Judgement] = {}
    for path in sorted({each.built.path for each in declared}):
        databases.search_in(name, path)
        found |= apply_text(databases, name, text_of(each for each in declared if each.built.path == path))
    databases.search_in(name, None)
    return found
