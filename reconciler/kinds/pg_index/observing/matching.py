"""Which live indexes are the declared ones, in the server's reading of both.

The index of the declared name is looked at first; only where that one is missing or different can it matter that
another has the definition, on the table itself or on one of its partitions. Others are found by what they come down to,
never one by one: a table with hundreds of indexes is read in one question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.kinds.pg_index.changes.statements import FRESH, temporary_name
from reconciler.kinds.pg_index.comparison.compare import Unread, same_shape
from reconciler.kinds.pg_index.comparison.hidden_by_folding import Pair, settle
from reconciler.kinds.pg_index.comparison.raising import read
from reconciler.kinds.pg_index.comparison.server_readings import Readings, Text
from reconciler.kinds.pg_index.definition.redundancy import spelled
from reconciler.kinds.pg_index.model import Definition, Element, PgIndex, TableName, table_and_name, table_of
from reconciler.kinds.pg_index.observed import LiveIndex, ObservedKey
from reconciler.kinds.pg_index.observing.catalogue import Catalogue
from reconciler.kinds.pg_index.observing.name_exchange import Same
from reconciler.model import Address
from reconciler.targets.postgres.quoting import identifier
from reconciler.targets.postgres.session import PostgresSession

Doubt = tuple[PgIndex, LiveIndex, tuple[Pair, ...]]
"""A declared index, a live one of the same shape, and the texts of both that are not written alike."""


def compared(
    session: PostgresSession, catalogue: Catalogue, indexes: Sequence[PgIndex]
) -> tuple[Same, dict[Address, Unread]]:
    """Which live indexes have a declared definition; and why the one of a declared name cannot be compared."""
    readings = Readings(session, catalogue.foreign, catalogue.made)
    same: Same = {}
    doubts: list[Doubt] = []
    for index in indexes:
        for live in _under_its_names(catalogue, index):
            if index.definition is None or not same_shape(index.definition, live):
                continue
            if pairs := _open(index.definition, live, table_of(index)):
                doubts.append((index, live, pairs))
            else:
                same[(index.address, table_of(index), live.name)] = True
    unread = {}
    for (index, live, _), answer in zip(doubts, _settled(readings, doubts), strict=True):
        if isinstance(answer, Unread):
            if live.name == index.name:
                unread[index.address] = answer
        elif answer:
            same[(index.address, table_of(index), live.name)] = True
    for index, table, live in _others(readings, catalogue, indexes, same):
        same[(index.address, table, live.name)] = True
    return same, unread


def _under_its_names(catalogue: Catalogue, index: PgIndex) -> list[LiveIndex]:
    """The index of the declared name, and the one that is to take its place: it may be the same where that one is
    INVALID, or has what only a build can change."""
    there = catalogue.indexes.get(table_of(index), {})
    return [there[name] for name in (index.name, temporary_name(index.name, FRESH)) if name in there]


def _open(declared: Definition, live: LiveIndex, table: TableName) -> tuple[Pair, ...]:
    """The expressions of two definitions of the same shape that are not written alike."""
    pairs = zip(_texts_of(declared, table), _live_texts(declared, live, table), strict=True)
    return tuple(Pair(one, other) for one, other in pairs if one.sql != other.sql)


def _texts_of(declared: Definition, table: TableName) -> list[Text]:
    texts = [Text(table, key.expression, is_predicate=False) for key in declared.keys if key.expression]
    return texts + ([Text(table, declared.predicate, is_predicate=True)] if declared.predicate else [])


def _live_texts(declared: Definition, live: LiveIndex, table: TableName) -> list[Text]:
    """What stands in a live index where the declared one has expressions: one may come down to a column, as
    `(due::date)` of a date does."""
    texts = [
        Text(
            table, other.expression or identifier(other.column).as_string(None), is_predicate=False, of_index=live.name
        )
        for key, other in zip(declared.keys, live.keys, strict=True)
        if key.expression
    ]
    return texts + ([Text(table, live.predicate, is_predicate=True, of_index=live.name)] if declared.predicate else [])


def _settled(readings: Readings, doubts: Sequence[Doubt]) -> list[bool | Unread]:
    """Whether the texts of each doubt mean the same, by the server's reading; else why it cannot read one of them."""
    read(readings, (text for _, _, pairs in doubts for pair in pairs for text in pair))
    found = _read_alike(readings, [pairs for _, _, pairs in doubts])
    # Equal trees are the same whatever the server says, or may not be asked. It reads a text in less time than we do:
    # what it finds the same is not parsed.
    left: dict[int, list[Pair]] = {}
    for number, answer in enumerate(found):
        pairs = doubts[number][2]
        if answer is not True:
            others = [pair for pair in pairs if spelled(pair.declared.sql) != spelled(pair.live.sql)]
            if len(others) < len(pairs):
                left[number] = others
    for number, answer in zip(left, _read_alike(readings, list(left.values())), strict=True):
        found[number] = answer
    return found


def _read_alike(readings: Readings, questions: Sequence[Sequence[Pair]]) -> list[bool | Unread]:
    """Whether the two sides of all pairs of each question, which were read, mean the same."""
    found = [_alike(readings, pairs) for pairs in questions]
    alike = [number for number, answer in enumerate(found) if answer is True]
    for number, answer in zip(alike, settle(readings, [questions[number] for number in alike]), strict=True):
        found[number] = answer
    return found


def _alike(readings: Readings, pairs: Sequence[Pair]) -> bool | Unread:
    """Whether all pairs come down to the same, as far as that tells: of what folding leaves out, and of what raises an
    error as it is folded, `settle` does."""
    for pair in pairs:
        answer = readings.alike(*pair)
        if (answer is False and any(map(readings.leaves_out, pair))) or (isinstance(answer, Unread) and answer.raised):
            continue
        if answer is not True:
            return answer
    return True


Form = tuple[TableName, frozenset[int], tuple[object, ...]]
"""A table, and what of the definitions of its indexes can be looked up: everything but names that may be left out. With
the numbers of the keys that are declared as expressions, which may come down to anything."""


def _others(
    readings: Readings, catalogue: Catalogue, indexes: Sequence[PgIndex], same: Same
) -> Iterator[tuple[PgIndex, TableName, LiveIndex]]:
    """Other indexes than the one of the declared name that have a declared definition. What cannot be read is nobody's
    twin."""
    there: dict[tuple[TableName, frozenset[int]], dict[Form, list[LiveIndex]]] = {}
    found: list[tuple[PgIndex, Definition, Form, list[LiveIndex]]] = []
    for index in indexes:
        if index.definition is None:
            continue
        written = frozenset(n for n, key in enumerate(index.definition.keys) if key.expression)
        for table in _places(catalogue, index, found=(index.address, *table_and_name(index)) in same):
            forms = there.get((table, written))
            if forms is None:
                forms = there[table, written] = {}
                for live in filter(_may_be_taken, catalogue.indexes.get(table, {}).values()):
                    forms.setdefault(_form(table, live, written), []).append(live)
            form = _form(table, index.definition, written)
            if alike := forms.get(form):
                found.append((index, index.definition, form, alike))
    # Of one form there may be many, with other expressions: those are looked up by what they come down to.
    groups = {form: (definition, alike) for _, definition, form, alike in found}
    texts = [text for _, definition, (table, *_), _ in found for text in _texts_of(definition, table)]
    for (table, *_), (definition, alike) in groups.items():
        texts += [text for live in alike for text in _live_texts(definition, live, table)]
    read(readings, texts)
    by_meaning = {
        form: _by_meaning(readings, definition, alike, form[0]) for form, (definition, alike) in groups.items()
    }
    doubts: list[Doubt] = []
    for index, definition, form, _ in found:
        table, meanings = form[0], by_meaning[form]
        keys = _keys(readings, _texts_of(definition, table))
        for live in {each.name: each for key in keys for each in meanings.get(key, ())}.values():
            if (table, live.name) == table_and_name(index) or not same_shape(definition, live):
                continue
            if pairs := _open(definition, live, table):
                doubts.append((index, live, pairs))
            else:
                yield index, table, live
    for (index, live, pairs), answer in zip(doubts, _settled(readings, doubts), strict=True):
        if answer is True:
            yield index, pairs[0].declared.table, live


def _may_be_taken(live: LiveIndex) -> bool:
    return (live.valid or live.partitioned) and not (live.is_of_constraint or live.parent)


def _form(table: TableName, of: Definition | LiveIndex, written: frozenset[int]) -> Form:
    keys: Sequence[Element | ObservedKey] = of.keys
    return (
        table,
        written,
        (
            of.method,
            of.unique,
            of.nulls_not_distinct,
            of.include,
            bool(of.predicate),
            *((None if n in written else key.column, key.descending, key.nulls_first) for n, key in enumerate(keys)),
        ),
    )


def _by_meaning(
    readings: Readings, definition: Definition, alike: Iterable[LiveIndex], table: TableName
) -> dict[tuple[str, ...], list[LiveIndex]]:
    found: dict[tuple[str, ...], list[LiveIndex]] = {}
    for live in alike:
        for key in _keys(readings, _live_texts(definition, live, table)):
            found.setdefault(key, []).append(live)
    return found


def _keys(readings: Readings, texts: Sequence[Text]) -> Iterator[tuple[str, ...]]:
    """What the texts of an index can be looked up by: how the parser spells them, and what they come down to."""
    yield ("", *(spelled(text.sql) for text in texts))
    read = [readings.of(text) for text in texts]
    if read and not any(isinstance(each, Unread) for each in read):
        yield tuple(map(str, read))


def _places(catalogue: Catalogue, index: PgIndex, *, found: bool) -> list[TableName]:
    """The tables on which another index of the same definition would matter."""
    below = catalogue.below(table_of(index))
    return below if found else [table_of(index), *below]
