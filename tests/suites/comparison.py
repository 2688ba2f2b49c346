"""One suite: what psql has built, beside what the tool sees of its declarations and makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pg_index.corpus.world import beside, desired_state

from reconciler.planning.importing import write_target
from reconciler.secrets import Secrets
from reconciler.yaml.writing import document
from suites import plans
from suites.built import Built, Suite, own, read_notes, take_notes
from suites.databases import Databases, Index, Name
from suites.facts import Fact, Result
from suites.pairs import pairs
from suites.plans import Declared, Judgement, Verdict
from suites.scripts import Psql

Form = Callable[[Built], Mapping[str, Any]]

FORMS: Mapping[str, Form] = {
    "sql": lambda index: {"sql": index.sql},
    "columns": lambda index: index.columns,
    "bare columns": lambda index: index.bare,
}

Found = tuple[Result, str, str, str]
"""A fact but for where it was found: the result, the index, the form and the message."""


def build(databases: Databases, template: str, psql: Psql, scripts: Sequence[Path]) -> tuple[str, Suite]:
    """A new database in which psql has run the scripts, one after the other, and what they have built."""
    name = databases.copy(template)
    with databases.connection(name) as connection:
        take_notes(connection)
    for script in scripts:
        psql.run(databases.url(name), script)
    databases.end_sessions(name)
    with databases.connection(name) as connection:
        own(connection)
        return name, read_notes(connection)


def examine(databases: Databases, name: str, suite: Suite, forms: Mapping[str, Form] = FORMS) -> Iterator[Found]:
    """All that there is to be said of what was built in the database `name`."""
    for index, why in suite.others:
        yield Result.BUILT, index, "", ""
        yield Result.NOT_DECLARED, index, "", why
    for built in suite.declared:
        yield Result.BUILT, ".".join(built.key), "", ""
        yield Result.DECLARED, ".".join(built.key), "", ""
    if not suite.declared:
        return
    by_hand = databases.indexes(name)
    imported = _imported(databases, name)
    applied: dict[str, Callable[[str], dict[Name, Judgement]]] = {}
    wanted: dict[str, list[Name]] = {}
    judgements = plans.judge_text(databases, name, imported)
    yield from _in_sync("import", judgements)
    wanted["import"] = _there(judgements)
    applied["import"] = lambda copy: plans.apply_text(databases, copy, imported)
    for form, section in forms.items():
        declared = [Declared(index, {**section(index), **beside(by_hand[index.key].live)}) for index in suite.declared]
        judgements = dict(
            zip((each.index.key for each in declared), plans.judge(databases, name, declared), strict=True)
        )
        yield from _in_sync(form, judgements)
        wanted[form] = _there(judgements)
        there = [each for each in declared if each.index.key in wanted[form]]
        applied[form] = lambda copy, there=there: plans.apply(databases, copy, there)
    with databases.copied(name) as dropped:
        databases.drop_indexes(dropped)
        for form, apply in applied.items():
            with databases.copied(dropped) as copy:
                kept = databases.indexes(copy).keys()
                said = apply(copy)
                made = databases.indexes(copy)
                yield from _made(form, [each for each in wanted[form] if each not in kept], by_hand, made, said)
    yield from pairs(databases, name, suite.declared)


def _imported(databases: Databases, name: str) -> str:
    target = desired_state(databases.folder, databases.url(name), "").targets["main"]
    return document({"target": "main", "tables": write_target(target, Secrets({})).sections["tables"]})


def _there(judgements: Mapping[Name, Judgement]) -> list[Name]:
    """Those that are applied: what is falsely different is no news a second time."""
    return [index for index, judgement in judgements.items() if judgement.verdict in _LIKE_PSQL]


_LIKE_PSQL = (Verdict.IN_SYNC, Verdict.NOT_COMPARED)


def _in_sync(form: str, judgements: Mapping[Name, Judgement]) -> Iterator[Found]:
    for index, (verdict, message) in judgements.items():
        result = {Verdict.IN_SYNC: Result.IN_SYNC, Verdict.NOT_COMPARED: Result.TOLD}.get(verdict)
        yield result or Result.FALSELY_DIFFERENT, ".".join(index), form, message


def _made(
    form: str,
    wanted: Sequence[Name],
    by_hand: Mapping[Name, Index],
    made: Mapping[Name, Index],
    said: Mapping[Name, Judgement],
) -> Iterator[Found]:
    for name in wanted:
        verdict, message = said.get(name, Judgement(Verdict.IN_SYNC))
        if name not in made and verdict in (Verdict.BLOCKED, Verdict.NOT_COMPARED):
            result = Result.TOLD
        elif verdict is Verdict.IN_SYNC and made.get(name) == by_hand[name]:
            result = Result.MADE_THE_SAME
        else:
            result = Result.MADE_DIFFERENT
            message = message or _difference(by_hand[name], made.get(name))
        yield result, ".".join(name), form, message


def _difference(wanted: Index, made: Index | None) -> str:
    if made is None:
        return f"not made, and nothing said: {wanted.live.definition}"
    return "; ".join(
        f"{name}: {there!r}, not {psql!r}"
        for name, psql, there in [
            *zip(wanted.live._fields, wanted.live, made.live, strict=True),
            *zip(wanted._fields[1:], wanted[1:], made[1:], strict=True),
        ]
        if psql != there
    )


def facts(server: str, script: str, found: Iterator[Found]) -> Iterator[Fact]:
    """What was found, with where."""
    return (Fact(server, script, *each) for each in found)
