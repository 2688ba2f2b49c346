"""A text of SQL as PostgreSQL's scanner sees it, and pieces of it in the words of whoever wrote it.

What is cut is in one line and without comments, so that it can stand in the middle of a statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from reconciler.targets.sql_tree import SyntaxProblem

OPEN, CLOSE, COMMA, DOT, SEMICOLON = map(ord, "(),.;")
"""Kinds of tokens; those of one character are that character."""
_OPENING, _CLOSING = frozenset(map(ord, "([")), frozenset(map(ord, ")]"))
_TEARS = ("\n", "\r", "--", "/*")
"""What may tear a line of SQL apart: line breaks and comments; in a string they do not, and are looked at twice."""


class Source:
    """A text as its tokens, by number; blanks and comments are none. Raises SyntaxProblem.

    `kinds`: what they are to PostgreSQL's grammar.
    """

    def __init__(self, text: str) -> None:
        import postgast

        self._bytes = text.encode()
        try:
            found: Any = postgast.scan(text).tokens
        except postgast.PgQueryError as error:
            raise SyntaxProblem(str(error)) from None
        if "--" in text or "/*" in text:
            comments = (kind("SQL_COMMENT"), kind("C_COMMENT"))
            found = [token for token in found if token.token not in comments]
        self._tokens = found
        self.kinds: list[int] = [token.token for token in found]

    @cached_property
    def starts(self) -> list[int]:
        """Where they begin, in bytes."""
        return [token.start for token in self._tokens]

    def cut(self, begin: int = 0, end: int | None = None, instead: Mapping[int, str] | None = None) -> str:
        """The tokens from `begin` to before `end`.

        `instead`: other texts for some of them, by number; an empty one goes with the blank behind it.
        """
        end = len(self.kinds) if end is None else end
        if begin == end:
            return ""
        whole = self._bytes[self._tokens[begin].start : self._tokens[end - 1].end].decode()
        if not instead and not any(sign in whole for sign in _TEARS):
            return whole
        parts: list[str] = []
        for number in range(begin, end):
            if parts and parts[-1] and self._tokens[number - 1].end < self._tokens[number].start:
                strings = {self.kinds[number - 1], self.kinds[number]} <= {kind("SCONST")}
                # One string goes on in the next where a line break is between them, and only there.
                parts.append("\n" if strings else " ")
            changed = instead.get(number) if instead else None
            parts.append(self.text(number) if changed is None else changed)
        return "".join(parts)

    def text(self, number: int) -> str:
        """A token as it is written."""
        return self._bytes[self._tokens[number].start : self._tokens[number].end].decode()

    def is_name(self, number: int) -> bool:
        """Whether a token may be the name of something that is called."""
        if self._tokens[number].keyword_kind:
            return bool(self._tokens[number].keyword_kind != 4)  # libpg_query's KeywordKind RESERVED_KEYWORD
        return self.kinds[number] in (kind("IDENT"), kind("UIDENT"))

    def closing(self, opening: int) -> int:
        """The number of the token that closes the parenthesis or bracket `opening`. Raises SyntaxProblem."""
        found = self._facing.get(opening, -1)
        if found < opening:
            raise SyntaxProblem("a parenthesis is not closed")
        return found

    def opening(self, closing: int) -> int:
        """The reverse of `closing`. Raises SyntaxProblem."""
        if closing not in self._facing:
            raise SyntaxProblem("a parenthesis is not opened")
        return self._facing[closing]

    @cached_property
    def _facing(self) -> dict[int, int]:
        """By number of each parenthesis and bracket that of the other one."""
        facing: dict[int, int] = {}
        open_ones: list[int] = []
        for number, kind in enumerate(self.kinds):
            if kind in _OPENING:
                open_ones.append(number)
            elif kind in _CLOSING and open_ones:
                facing[number] = open_ones.pop()
                facing[facing[number]] = number
        return facing

    def outside(self, begin: int, end: int) -> Iterator[int]:
        """The numbers of the tokens in between that are in no parentheses; of those, the opening ones."""
        number = begin
        while number < end:
            yield number
            number = self.closing(number) + 1 if self.kinds[number] in _OPENING else number + 1

    def items(self, opening: int) -> list[tuple[int, int]]:
        """Begin and end of what stands between the commas inside the parenthesis `opening`."""
        end = self.closing(opening)
        commas = [number for number in self.outside(opening + 1, end) if self.kinds[number] == COMMA]
        return list(zip([opening + 1, *(number + 1 for number in commas)], [*commas, end], strict=True))

    def bare(self, begin: int, end: int) -> tuple[int, int]:
        """Begin and end of an expression without superfluous parentheses around it; those of a row are not."""
        while self.kinds[begin] == OPEN and self.closing(begin) == end - 1 and len(self.items(begin)) == 1:
            begin, end = begin + 1, end - 1
        return begin, end


@cache
def kind(name: str) -> int:
    """The number of a kind of token by its name in PostgreSQL's grammar: `WHERE`, `PARAM`."""
    from postgast.pg_query_pb2 import Token

    return int(Token.Value(name))
