"""Texts that raise an error as the server folds them, read without running what users have made.

A function may do its work only where CREATE INDEX runs it: as the table's owner, on a search_path of its own. Folding
a call of constants runs it for whoever asks. So in the place of each call there is a mark that names what is called and
what it is given, and has its type.

Decided: docs/decisions.md#what-raises-as-it-is-folded
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.kinds.pg_index.comparison.compare import Unread
from reconciler.kinds.pg_index.comparison.equal_trees import equal_trees
from reconciler.kinds.pg_index.comparison.expression_types import types_of
from reconciler.kinds.pg_index.comparison.folding_markers import Expression, expression
from reconciler.kinds.pg_index.comparison.hidden_casts import hidden_casts
from reconciler.kinds.pg_index.comparison.resolved_names import Named, are_certain
from reconciler.kinds.pg_index.comparison.server_readings import Readings, Text


def read(readings: Readings, texts: Iterable[Text]) -> None:
    """Has the server read those that it has not read yet, and those that raise with marks. One round trip where none
    does, and five more where some do. What a call means may not be certain: then its text stays one that raises."""
    every = list(dict.fromkeys(texts))
    readings.read(every)
    raising: dict[Text, Expression] = {}
    for text in filter(readings.raises, every):
        if isinstance(readings.of(text), Unread) and (found := expression(text.sql, readings.made)) and found.leanings:
            raising[text] = found
    if raising:
        _read(readings, raising)


def _read(readings: Readings, raising: dict[Text, Expression]) -> None:
    parts = {
        (text.table, part): None
        for text, each in raising.items()
        for leaning in each.leanings
        for part in (*leaning.given, leaning.text)
        if part
    }
    parts |= {(text.table, value.text): None for text, each in raising.items() for value in each.values if value.text}
    types = types_of(readings, parts)
    named = Named(readings.session, ((text.table, each) for text, each in raising.items()), types)
    tests = [
        (text.table, pair)
        for text, each in raising.items()
        for pair in named.tests(text.table, each.leanings)
        if all(pair)
    ]
    equal = equal_trees(readings, (), tests)
    marked: dict[Text, str] = {}
    for text, each in raising.items():
        here = {pair for table, pair in equal if table == text.table}
        meant = [named.meant(text.table, leaning, here) for leaning in each.leanings]
        casts = hidden_casts(readings.made, types, text.table, each)
        # Where a cast may hide is told beside what it is compared with.
        if casts is None or any(casts) or not are_certain(meant):
            continue
        if written := each.marked(meant, casts, instead=named.results(text.table, each.leanings)):
            marked[text] = written
    outputs = readings.explained([(text.table, [written]) for text, written in marked.items()], readings.foreign)
    for text, output in zip(marked, outputs, strict=True):
        if not isinstance(output, Unread):
            readings.take(text, output[0])
