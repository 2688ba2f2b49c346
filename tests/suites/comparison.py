"""One suite: what psql has built, beside what the tool sees of its declarations and makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pg_index.corpus.world import beside, desired_state

from reconciler.planning.importing import write_target
from reconciler.secrets import Secrets
from reconciler.yaml.writing import document
from suites import plans
from suites.built import Built, Suite, read_notes, take_notes, trust_all_roles
from suites.databases import Databases, Index, Name
from suites.facts import Result
from suites.pairs import pairs
from suites.plans import Declared, Judgement, Verdict
from suites.scripts import Psql

Apply = Callable[..., dict[Name, Judgement]]
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
    ended = [psql.run(databases.url(name), script) for script in scripts]
    databases.end_sessions(name)
    with databases.connection(name) as connection:
        trust_all_roles(connection)
        suite = read_notes(connection)
    suite.cut_short = [script for script, end in zip(scripts, ended, strict=True) if not end]
    return name, suite


def examine(databases: Databases, name: str, suite: Suite, forms: Mapping[str, Form] = FORMS) -> Iterator[Found]:
    """All that there is to be said of what was built in the database `name`."""
    yield from _counted(suite)
    if not suite.declared:
        return
    by_hand = databases.indexes(name)
    imported = _imported(databases, name)
    judgements = {"import": plans.judge_text(databases, name, imported)}
    applied: dict[str, Apply] = {"import": partial(plans.apply_text, databases, text=imported)}
    for form, section in forms.items():
        declared = [Declared(built, {**section(built), **beside(by_hand[built.key].live)}) for built in suite.declared]
        found = plans.judge(databases, name, declared)
        judgements[form] = {each.built.key: judgement for each, judgement in zip(declared, found, strict=True)}
        # What is falsely different would be no news a second time.
        there = [each for each in declared if judgements[form][each.built.key].verdict in _AS_BUILT]
        applied[form] = partial(plans.apply, databases, declared=there)
    for built in suite.declared:
        judgements["import"].setdefault(built.key, Judgement(Verdict.LEFT_OUT, "left out of the import"))
    for form, of_form in judgements.items():
        yield from _in_sync(form, of_form)
    with databases.copied(name) as dropped:
        databases.drop_indexes(dropped)
        for form, apply in applied.items():
            wanted = {key: by_hand[key] for key, found in judgements[form].items() if found.verdict in _AS_BUILT}
            with databases.copied(dropped) as copy:
                said = apply(name=copy)
                if form == "import":  # whose text is the server's own
                    wanted = {key: databases.reread(copy, key, index) for key, index in wanted.items()}
                made = databases.indexes(copy)
            for key, index in wanted.items():
                yield _made(form, key, index, made.get(key), said.get(key, Judgement(Verdict.IN_SYNC)))
    yield from pairs(databases, name, suite.declared)


_AS_BUILT = (Verdict.IN_SYNC, Verdict.NOT_COMPARED)


def _counted(suite: Suite) -> Iterator[Found]:
    for script in suite.cut_short:
        yield Result.CUT_SHORT, "", "", script.name
    for index, why in suite.others:
        yield Result.BUILT, index, "", ""
        yield Result.NOT_DECLARED, index, "", why
    for built in suite.declared:
        yield Result.BUILT, ".".join(built.key), "", ""
        yield Result.DECLARED, ".".join(built.key), "", ""


def _imported(databases: Databases, name: str) -> str:
    target = desired_state(databases.folder, databases.url(name), "").targets["main"]
    return document({"target": "main", "tables": write_target(target, Secrets({})).sections["tables"]})


def _in_sync(form: str, judgements: Mapping[Name, Judgement]) -> Iterator[Found]:
    for index, (verdict, message) in judgements.items():
        yield _BY_VERDICT.get(verdict, Result.FALSELY_DIFFERENT), ".".join(index), form, message


_BY_VERDICT = {
    Verdict.IN_SYNC: Result.IN_SYNC,
    Verdict.NOT_COMPARED: Result.TOLD,
    Verdict.LEFT_OUT: Result.TOLD,
}
"""Of what was built exactly so."""


def _made(form: str, name: Name, wanted: Index, made: Index | None, said: Judgement) -> Found:
    told = {Verdict.BLOCKED: made is None, Verdict.NOT_COMPARED: made in (None, wanted)}.get(said.verdict, False)
    if told:
        result = Result.TOLD
    elif said.verdict is Verdict.IN_SYNC and made == wanted:
        result = Result.MADE_THE_SAME
    else:
        result = Result.MADE_DIFFERENT
    message = said.message
    if result is Result.MADE_DIFFERENT and not message:
        message = _difference(wanted, made)
    return result, ".".join(name), form, message


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
