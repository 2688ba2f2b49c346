"""How the server reads expressions over the rows of a table: each text once, however many are compared with it.

It reads them in one EXPLAIN a table, over the table's row type, and folds constants exactly as loading an index does.
Nothing is executed and the table is not read. Like pg_get_indexdef, this takes the weakest lock, ACCESS SHARE, which no
writer ever waits for.

Decided: docs/decisions.md#indexes-that-cannot-be-read
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from reconciler.kinds.pg_index.comparison.compare import Unread, answers, ask, explain, unplanned
from reconciler.kinds.pg_index.comparison.left_out_by_folding import leaves_out
from reconciler.kinds.pg_index.comparison.normalise import is_read_otherwise, meaning
from reconciler.kinds.pg_index.comparison.user_defined import Made
from reconciler.kinds.pg_index.definition.server_printing_faults import mended
from reconciler.kinds.pg_index.model import TableName
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.question import Question
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.session import PostgresSession

AT_ONCE = 500
"""Expressions in one SELECT, or pairs of them, one to select and one to sort by: it has room for 1,664."""

Each = TypeVar("Each")


def in_batches(all_of_them: Sequence[Each]) -> list[Sequence[Each]]:
    """As many at a time as fit into one SELECT."""
    return [all_of_them[start : start + AT_ONCE] for start in range(0, len(all_of_them), AT_ONCE)]


class Text(NamedTuple):
    """An expression over the rows of a table. `of_index`: that of the index that it was read from, or nothing."""

    table: TableName
    sql: str
    is_predicate: bool
    of_index: str = ""

    @property
    def asked(self) -> str:
        """What the server is asked for: a predicate is a boolean, whatever it is written as."""
        return f"({self.sql}\n)::pg_catalog.bool" if self.is_predicate else self.sql


class Readings:
    """What the server has read so far, and what users have made that it may hide."""

    def __init__(self, session: PostgresSession, foreign: ForeignCode, made: Made) -> None:
        self.session = session
        self.foreign = foreign
        self.made = made
        self._read: dict[TableName, dict[str, str | Unread]] = {}
        self._refused: dict[Text, str] = {}
        self._raising: dict[TableName, set[str]] = {}

    def read(self, texts: Iterable[Text]) -> None:
        """Has the server read those that it has not read yet. One round trip, if it likes all of them.

        Not to be readable is not to be different: nobody's index is rebuilt because a role may not use a schema.
        """
        wanted: dict[TableName, dict[str, None]] = {}
        declared: set[str] = set()
        for text in texts:
            if text.asked not in self._read.get(text.table, ()) and not self._why_not(text):
                wanted.setdefault(text.table, {})[text.asked] = None
                declared |= set() if text.of_index else {text.sql}
        together = [(table, some) for table, all_of_it in wanted.items() for some in in_batches(list(all_of_it))]
        alone: list[tuple[TableName, str]] = []
        # Whose code these reach is asked again before them; that of all others would be, too.
        foreign = self.foreign.about(map(reached, sorted(declared)), wanted)
        for (table, some), output in zip(together, self.explained(together, foreign), strict=True):
            if isinstance(output, Unread):
                alone += [(table, text) for text in some]  # one of them spoils the others: each for itself
            else:
                self._read.setdefault(table, {}).update(zip(some, output, strict=True))
        one_by_one = self.explained([(table, [text]) for table, text in alone], foreign)
        unread: list[tuple[TableName, str, Unread]] = []
        for (table, asked), output in zip(alone, one_by_one, strict=True):
            self._read.setdefault(table, {})[asked] = output if isinstance(output, Unread) else output[0]
            if isinstance(output, Unread) and not output.not_compared:
                unread.append((table, asked, output))
        again = answers(self.session, [unplanned(*table, f"({asked}\n)") for table, asked, _ in unread], foreign)
        for (table, asked, why), found in zip(unread, again, strict=True):
            if not isinstance(found, Unread):
                self._read[table][asked] = why._replace(raised=True)
                self._raising.setdefault(table, set()).add(asked)

    def explained(
        self, asked: Sequence[tuple[TableName, Sequence[str]]], foreign: ForeignCode
    ) -> list[list[str] | Unread]:
        """What the server prints of the texts of each, or what it has against them. One round trip, if it likes all of
        them, and two more where it reads what it printed as something else: then that is what it prints.

        A definition that is there was printed before it was read, and one that is declared was not.
        """
        found = ask(self.session, [explain(*table, texts) for table, texts in asked], foreign)
        printed = dict.fromkeys(
            (table, text)
            for (table, _), output in zip(asked, found, strict=True)
            for text in (() if isinstance(output, Unread) else output)
            if is_read_otherwise(text)
        )
        if not printed:
            return found
        # It may name what was not asked about: what is in the bodies of functions.
        texts = [each for _, text in printed if (each := reached(text))]
        tables = list(dict.fromkeys(table for table, _ in printed))
        question = Question.of(self.session, texts, tables)
        theirs = ForeignCode(question, self.session.fetch_all(question.queries))
        free = [(table, text) for table, text in printed if not (theirs.in_row(table) or theirs.in_text(reached(text)))]
        outputs = ask(self.session, [explain(*table, [text]) for table, text in free], theirs)
        again = {each: output[0] for each, output in zip(free, outputs, strict=True) if not isinstance(output, Unread)}
        return [
            output if isinstance(output, Unread) else [again.get((table, text), text) for text in output]
            for (table, _), output in zip(asked, found, strict=True)
        ]

    def raises(self, text: Text) -> bool:
        """Whether something in a text that was read raises an error as it is computed beforehand."""
        return text.asked in self._raising.get(text.table, ())

    def take(self, text: Text, output: str) -> None:
        """Takes what the server prints of another text that says the same as one that raises."""
        self._read[text.table][text.asked] = output

    def of(self, text: Text) -> str | Unread:
        """What a text that was read comes down to, so that equal ones have equal texts, as far as folding tells."""
        found = self._output(text)
        return found if isinstance(found, Unread) else self.means(found, is_predicate=text.is_predicate)

    def alike(self, one: Text, other: Text) -> bool | Unread:
        """Whether two texts that were read come down to the same."""
        first, second = self._output(one), self._output(other)
        for side in (first, second):
            if isinstance(side, Unread):
                return side
        return first == second or self.of(one) == self.of(other)

    def leaves_out(self, text: Text) -> bool:
        """Whether what a text that was read comes down to lacks parts of it that decide about types."""
        found = self._output(text)
        return isinstance(found, str) and leaves_out(text.sql, mended(found))

    def _output(self, text: Text) -> str | Unread:
        if why := self._why_not(text):
            return Unread(why, not_compared=True)
        return self._read[text.table][text.asked]

    def means(self, output: str, *, is_predicate: bool) -> str:
        """The output of an EXPLAIN of ours in one spelling."""
        return meaning(output, self.made, is_predicate)

    def _why_not(self, text: Text) -> str:
        """Why the server is not asked: the planner folds constants, and would run what it finds."""
        why = self._refused.get(text)
        if why is None:
            why = self._refused[text] = self._reaches(text)
        return why

    def _reaches(self, text: Text) -> str:
        if text.of_index:
            return self.foreign.in_row(text.table) or self.foreign.in_index((text.table[0], text.of_index))
        return self.foreign.in_row(text.table) or self.foreign.in_text(reached(text.sql))
