"""Whether expressions that come down to the same also lean on the same: asked where users have made something that
folding hides, or where collations are named, which it forgets.

Two ways, the more certain one first. PostgreSQL reads both as the same tree: it looks for each ORDER BY among the
columns of its SELECT, as trees and before anything is folded, and sorts by one column more where it finds none. Else
both are read once more with marks around what can be hidden (`folding_markers.py`). Where that is not possible either,
it cannot be told, and that is said. Likewise for texts that raise an error as they are folded (`raising.py`), of which
it is not known what they come down to: there the marks replace what they stand for.

Decided: docs/decisions.md#what-folding-hides
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.kinds.pg_index.comparison.compare import Unread
from reconciler.kinds.pg_index.comparison.equal_trees import Test, equal_trees
from reconciler.kinds.pg_index.comparison.expression_types import types_of
from reconciler.kinds.pg_index.comparison.folding_markers import Expression, expression
from reconciler.kinds.pg_index.comparison.hidden_casts import hidden_casts
from reconciler.kinds.pg_index.comparison.marks import Meant
from reconciler.kinds.pg_index.comparison.resolved_names import Named, are_certain
from reconciler.kinds.pg_index.comparison.server_readings import Readings, Text


class Pair(NamedTuple):
    """What is declared, and what is there in its place."""

    declared: Text
    live: Text


class _Side(NamedTuple):
    """`is_less`: folding leaves parts of it out, and their types with them; `raises`: it, or the other side, raises an
    error as it is folded."""

    text: Text
    expression: Expression
    is_less: bool
    raises: bool

    @property
    def is_plain(self) -> bool:
        return not (self.is_less or self.raises or self.expression.leanings or self.expression.has_collations)


def settle(readings: Readings, questions: Sequence[Sequence[Pair]]) -> list[bool | Unread]:
    """Whether the two sides of all pairs of each question, which come down to the same, lean on the same."""
    pairs = list(dict.fromkeys(pair for question in questions for pair in question if _may_hide(readings, pair)))
    answers = dict(zip(pairs, _settled(readings, pairs), strict=True))
    found: list[bool | Unread] = []
    for question in questions:
        given = [answers.get(pair, True) for pair in question]
        unread = next((answer for answer in given if isinstance(answer, Unread)), None)
        found.append(False if False in given else unread or True)
    return found


def _may_hide(readings: Readings, pair: Pair) -> bool:
    return any(readings.made.may_be_in(text.sql) or readings.leaves_out(text) or readings.raises(text) for text in pair)


def _settled(readings: Readings, pairs: Sequence[Pair]) -> list[bool | Unread]:
    found: dict[Pair, bool | Unread] = {}
    sides: dict[Pair, tuple[_Side, _Side]] = {}
    for pair in pairs:
        one, other = (expression(text.sql, readings.made) for text in pair)
        if one is None or other is None:
            found[pair] = _undecided("our parser does not know its syntax, and functions of users may hide in it")
            continue
        raises = any(map(readings.raises, pair))
        both = (
            _Side(pair.declared, one, readings.leaves_out(pair.declared), raises),
            _Side(pair.live, other, readings.leaves_out(pair.live), raises),
        )
        if not all(side.is_plain and not side.expression.values for side in both):
            sides[pair] = both
    if sides:
        _compare(readings, sides, found)
    return [found.get(pair, True) for pair in pairs]


def _compare(readings: Readings, sides: dict[Pair, tuple[_Side, _Side]], found: dict[Pair, bool | Unread]) -> None:
    every = [side for both in sides.values() for side in both]
    types = types_of(readings, {(side.text.table, text): None for side in every for text in _parts(side)})
    named = Named(readings.session, ((side.text.table, side.expression) for side in every), types)
    tests: list[Test] = []
    raising: list[Test] = []
    for pair, both in sides.items():
        found_in_both = [(pair.declared.asked, pair.live.asked), *_facing(both), *_tests(named, both)]
        of_them = raising if both[0].raises else tests
        of_them += [(pair.declared.table, texts) for texts in found_in_both if all(texts)]
    equal = equal_trees(readings, tests, raising)
    marked: dict[Pair, list[str]] = {}
    for pair, (one, other) in sides.items():
        table = pair.declared.table
        if (table, (pair.declared.asked, pair.live.asked)) in equal:
            continue
        casts = [hidden_casts(readings.made, types, side.text.table, side.expression) for side in (one, other)]
        if None in casts:
            found[pair] = _undecided("a cast that users made may hide in it, which nothing names")
            continue
        if not (one.is_less or other.is_less):
            for side in (one, other):
                side.expression.forget_collations(named.columns.get(table, {}))
        if all(side.is_plain and not any(cast or ()) for side, cast in zip((one, other), casts, strict=True)):
            continue
        here = {texts for of, texts in equal if of == table}
        whole = one.is_less or other.is_less
        meanings = _meanings(named, here, one, other)
        if one.raises and not all(map(are_certain, meanings)):
            found[pair] = _undecided(
                "it cannot be compared without running its functions, one of which raises an error"
            )
            continue
        texts = [
            side.expression.marked(
                meant,
                cast or (),
                whole=whole,
                instead=named.results(table, side.expression.leanings) if side.raises else (),
            )
            for side, meant, cast in zip((one, other), meanings, casts, strict=True)
        ]
        if all(texts):
            marked[pair] = texts
        else:
            found[pair] = _undecided("it cannot be compared part by part, and something is hidden in it")
    _compare_marked(readings, marked, found)


def _parts(side: _Side) -> Iterator[str]:
    """What of it has to be known by its type."""
    for leaning in side.expression.leanings:
        yield from filter(None, (*leaning.given, leaning.text if side.raises else ""))
    yield from (value.text for value in side.expression.values if value.text)


def _undecided(why: str) -> Unread:
    return Unread(why, not_compared=True)


def _compare_marked(readings: Readings, marked: Mapping[Pair, list[str]], found: dict[Pair, bool | Unread]) -> None:
    asked = [(pair.declared.table, texts) for pair, texts in marked.items()]
    for pair, output in zip(marked, readings.explained(asked, readings.foreign), strict=True):
        if isinstance(output, Unread):
            # Where both were read before, what it cannot read is what folding drops, as a division by zero.
            found[pair] = output._replace(not_compared=not any(map(readings.raises, pair)))
        else:
            one, other = (readings.means(text, is_predicate=pair.declared.is_predicate) for text in output)
            found[pair] = one == other


def _tests(named: Named, both: Iterable[_Side]) -> Iterator[tuple[str, str]]:
    for side in both:
        yield from named.tests(side.text.table, side.expression.leanings)


def _meanings(
    named: Named, equal: Collection[tuple[str, str]], one: _Side, other: _Side
) -> tuple[list[Meant | None], list[Meant | None]]:
    """What the leanings of both sides mean: the same, where one that faces another is the same tree."""
    mine, theirs = (
        [named.meant(side.text.table, leaning, equal) for leaning in side.expression.leanings] for side in (one, other)
    )
    for number, texts in enumerate(_facing((one, other))):
        if texts in equal:
            certain = [meant for meant in (mine[number], theirs[number]) if meant is None or meant.is_certain]
            mine[number] = theirs[number] = certain[0] if certain else Meant(f"the same as the other's {number}")
    return mine, theirs


def _facing(both: tuple[_Side, _Side]) -> list[tuple[str, str]]:
    """The texts of the leanings of both sides, each with the one that stands in its place; none where one side has more
    than the other."""
    one, other = (side.expression.leanings for side in both)
    return [(a.text, b.text) for a, b in zip(one, other, strict=True)] if len(one) == len(other) else []
