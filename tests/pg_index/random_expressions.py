"""Random expressions of all constructs, with blanks, comments, parentheses and capitals as nobody would write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import Any

from pg_index.beside_psql import Written
from pg_index.constructs import COLUMNS, Construct

CONSTANTS: Mapping[str, Sequence[str]] = {
    "bool": ("true", "false", "'t'::bool", "null::boolean", "bool 'off'"),
    "int": ("0", "-1", "+7", "(-3)", "'42'::int", "cast('5' as integer)", "2147483647", "int4 '3'", "-(2)"),
    "num": ("1.50", "-0.5", ".5", "1e3", "numeric(6, 2) '1.5'", "'1'::numeric"),
    "text": ("'x'", "''", "'it''s'", "E'a\\tb\\'c'", "U&'d\\0061t\\+000061'", "U&'d!0061t' uescape '!'", "$$a 'b' $$",
             "$q$--no$q$", "'/* no */'", "'x'::text", "text 'y'", "'two\nlines'", "'a'\n  'b'", "'Ünï'::varchar(3)",
             "'a'::char(5)::text", "null::text", "N'n'", "'%' || '_'"),
    "ts": ("timestamp '2020-01-01'", "'2020-01-01 12:00'::timestamp without time zone", "timestamp(0) '2020-01-01'"),
    "date": ("date '2020-01-01'", "'2020-02-03'::date"),
    "span": ("interval '1' day", "interval '1-2' year to month", "interval '90' minute", "'1 day'::interval",
             "interval(3) '1.23456 s'", "interval '1 2:03:04' day to second(2)", "- interval '1 hour'"),
    "ints": ("'{1,2}'::int[]", "array[3, 4]", "array[]::int[]", "'{}'::integer[]", "array[1, null]"),
    "texts": ("'{a,\"b c\"}'::text[]", "array['x', 'y']", "array['x']::text[]"),
    "jsonb": ("'{\"a\": 1}'::jsonb", "jsonb '[1, 2]'", "'null'::jsonb"),
    "bits": ("B'10101010'", "X'ff'::bit(8)", "1::bit(8)"),
    "range": ("'[1,5)'::int4range", "int4range(1, null)"),
}  # fmt: skip
"""By type, in all spellings."""

BLANKS = (" ", "  ", "\n", " \n\t ", " /* a 'comment' */ ", " -- one; more\n", "/**/")
Form = Callable[[Written, str, str], dict[str, Any]]

_PIECES = re.compile(r"""('[^']*'|"[^"]*"|\{\w+\}|\s+)""")
_HOLE = re.compile(r"\{(\w+)\}\Z")


class Writer:
    """Writes expressions, always the same for one seed. `known`: the constructs that they are made of."""

    def __init__(self, seed: int, known: Collection[Construct]) -> None:
        self._random = Random(seed)  # noqa: S311 - repeatable
        self._known: dict[str, list[Construct]] = {}
        for construct in known:
            self._known.setdefault(construct.result, []).append(construct)

    def index(self, deepest: int = 5) -> Written:
        """An index of one to three keys; every other one has a condition."""
        types = ("bool", "int", "text", "num", "ts", "date", "span", "ints", "jsonb", "bits", "comp")
        keys = [self.expression(self._one_of(types), self._up_to(deepest)) for _ in range(self._up_to(3))]
        where = self.expression("bool", self._up_to(deepest)) if self._in(2) else ""
        # Of one that is always met, PostgreSQL keeps nothing.
        return Written(keys, f"{where} and p" if where in CONSTANTS["bool"] else where)

    def expression(self, result: str, depth: int) -> str:
        """One of this type, of constructs in constructs."""
        fitting = self._known.get(result, [])
        if depth <= 0 or not fitting or self._in(10):
            names = COLUMNS[result]
            return self._one_of((*names, *names, *CONSTANTS.get(result, ())))
        loud = self._in(4)
        parts: list[str] = []
        for piece in _PIECES.split(self._one_of(fitting).text):
            if found := _HOLE.match(piece):
                parts.append(self._in_parentheses(self.expression(found[1], depth - self._up_to(2))))
            elif piece.isspace():
                parts.append(self._blank())
            else:
                # A name in quotes and a constant are as they are; in all else PostgreSQL sees no capitals.
                parts.append(piece.upper() if loud and piece[:1] not in "'\"" else piece)
        return "".join(parts)

    def form(self, forms: Sequence[Form]) -> Form:
        """One of them."""
        return self._one_of(forms)

    def _blank(self) -> str:
        return self._one_of(BLANKS) if self._in(5) else " "

    def _in_parentheses(self, text: str) -> str:
        """Mostly in a pair of them; sometimes in two, or in none, which may then mean something else."""
        if re.fullmatch(r"\w+", text) and not self._in(5):
            return text
        if self._in(10):
            return text
        return f"({self._blank()}({text}\n))" if self._in(8) else f"({text}\n)" if "--" in text else f"({text})"

    def _in(self, many: int) -> bool:
        """True once in so many times."""
        return self._random.randrange(many) == 0

    def _up_to(self, most: int) -> int:
        return self._random.randint(1, most)

    def _one_of(self, all_of_them: Sequence[Any]) -> Any:
        return self._random.choice(all_of_them)
