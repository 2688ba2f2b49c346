"""What was tried and what came of it: facts as lines of JSON, counted in a table, and the faults among them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Result(StrEnum):
    """What came of a trial."""

    BUILT = "built by psql"
    NOT_DECLARED = "not declared"
    DECLARED = "declared"
    IN_SYNC = "in sync"
    MADE_THE_SAME = "applied the same"
    SEEN = "pairs that differ: seen"
    NOT_DIFFERENT = "pairs that are the same: in sync"
    REFUSED = "pairs that the server refuses: told"
    CUT_SHORT = "scripts that were cut short"
    TOLD = "not compared or not built, and the plan says why"
    FALSELY_DIFFERENT = "falsely different"
    MADE_DIFFERENT = "made different"
    MISSED = "missed"
    FAILED = "failed"
    """The tool, or the trial itself: it is told where."""


BEGINNING = (Result.BUILT, Result.DECLARED)
BY_FORM = (Result.IN_SYNC, Result.MADE_THE_SAME)
FORMS = ("sql", "columns", "bare columns", "import")
FAULTS = (Result.FALSELY_DIFFERENT, Result.MADE_DIFFERENT, Result.MISSED, Result.FAILED)


@dataclass(frozen=True)
class Fact:
    """One trial. `form`: how the index was declared, or what was changed in that; `message`: what was said."""

    server: str
    script: str
    result: Result
    index: str
    form: str = ""
    message: str = ""

    def line(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @property
    def row(self) -> str:
        """The row of the table that it is counted in."""
        match self.result:
            case Result.NOT_DECLARED:
                return f"{self.result}: {self.message}"
            case result if result in BY_FORM:
                return f"{self.result}, {self.form}"
            case _:
                return self.result


def rows(facts: Iterable[Fact]) -> list[str]:
    """The rows of a table, in order: all that there can be, zeros too, and why something is not declared."""
    not_declared = {fact.row for fact in facts if fact.result is Result.NOT_DECLARED}
    by_form = [f"{result}, {form}" for result in BY_FORM for form in FORMS]
    others = [result for result in Result if result not in (*BEGINNING, Result.NOT_DECLARED, *BY_FORM)]
    return [Result.BUILT, *sorted(not_declared), Result.DECLARED, *by_form, *others]


def table(facts: Sequence[Fact]) -> Iterator[str]:
    """As Markdown, a column for each server."""
    servers = list(dict.fromkeys(fact.server for fact in facts))
    counted = Counter((fact.row, fact.server) for fact in facts)
    yield f"| | {' | '.join(servers)} |"
    yield "|---|" + "---:|" * len(servers)
    for row in rows(facts):
        yield f"| {row} | {' | '.join(f'{counted[row, server]:,}' for server in servers)} |"


def faults(facts: Iterable[Fact]) -> Iterator[str]:
    """Each with its index and what was said."""
    return (_said(fact, f", {fact.form}") for fact in facts if fact.result in FAULTS)


def told(facts: Iterable[Fact]) -> Iterator[str]:
    """What a plan said of indexes that it did not compare or make, once for all forms."""
    return iter(dict.fromkeys(_said(fact, "") for fact in facts if fact.result is Result.TOLD))


def _said(fact: Fact, form: str) -> str:
    return f"- {fact.result}: {fact.server}, {fact.script}, {fact.index}{form}: {fact.message}"
