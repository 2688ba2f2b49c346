"""The short YAML form of a CREATE INDEX, cut out of its text as it stands: nothing is re-spelt on the way."""

from __future__ import annotations

from typing import Any

import postgast

OPEN, _CLOSE, _COMMA = "ASCII_40", "ASCII_41", "ASCII_44"
_SECTIONS = {"INCLUDE", "WITH", "TABLESPACE", "WHERE", "NULLS_P"}


class StatementText:
    """A statement as its tokens; comments are none."""

    def __init__(self, statement: str) -> None:
        self.bytes = statement.encode()
        names = [
            (postgast.pg_query_pb2.Token.Name(token.token), token.start, token.end)
            for token in postgast.scan(statement).tokens
        ]
        self.tokens = [each for each in names if each[0] not in ("SQL_COMMENT", "C_COMMENT")]

    def cut(self, first: int, last: int) -> str:
        """The text from one token to before another one."""
        return self.bytes[self.tokens[first][1] : self.tokens[last - 1][2]].decode()

    def name(self, at: int) -> str:
        return self.tokens[at][0]

    def closing(self, at: int) -> int:
        """Where the parenthesis that opens `at` closes."""
        depth = 0
        for n in range(at, len(self.tokens)):
            depth += (self.name(n) == OPEN) - (self.name(n) == _CLOSE)
            if not depth:
                return n
        raise AssertionError("unbalanced")

    def items(self, at: int) -> list[tuple[int, int]]:
        """Begin and end of what stands between the commas inside the parenthesis that opens `at`."""
        end, begin, depth = self.closing(at), at + 1, 0
        found = []
        for n in range(at + 1, end + 1):
            depth += self.name(n) in (OPEN, "ASCII_91")
            depth -= self.name(n) in (_CLOSE, "ASCII_93") and n != end
            if n == end or (self.name(n) == _COMMA and not depth):
                found.append((begin, n))
                begin = n + 1
        return found


def short_form(statement: str, *, bare: bool = False) -> dict[str, Any]:
    """`columns` and all that refines them. `bare`: an expression in parentheses goes without them."""
    text = StatementText(statement)
    at = next(n for n in range(len(text.tokens)) if text.name(n) == OPEN)
    entry: dict[str, Any] = {}
    heads = [text.name(n) for n in range(at)]
    if "USING" in heads:
        entry["using"] = text.cut(heads.index("USING") + 1, heads.index("USING") + 2)
    if "UNIQUE" in heads[:2]:
        entry["unique"] = "true"
    entry["columns"] = [_key(text, *item, bare=bare) for item in text.items(at)]
    at = text.closing(at) + 1
    while at < len(text.tokens) and text.name(at) in _SECTIONS:
        section = text.name(at)
        if section == "NULLS_P":
            negated = text.name(at + 1) == "NOT"
            entry |= {"nulls_not_distinct": "true"} if negated else {}
            at += 3 if negated else 2
        elif section == "INCLUDE":
            entry["include"] = [text.cut(*item) for item in text.items(at + 1)]
            at = text.closing(at + 1) + 1
        elif section == "WITH":
            entry["with"] = dict(_option(text, *item) for item in text.items(at + 1))
            at = text.closing(at + 1) + 1
        elif section == "TABLESPACE":
            entry["tablespace"] = text.cut(at + 1, at + 2).strip('"')
            at += 2
        else:
            entry["where"] = text.cut(at + 1, len(text.tokens)).rstrip(";")
            at = len(text.tokens)
    return entry


def _key(text: StatementText, begin: int, end: int, *, bare: bool) -> str:
    whole = text.name(begin) == OPEN and text.closing(begin) == end - 1
    # A bare word is a column; constants keep their parentheses.
    is_word = end - begin == 3
    return text.cut(begin + 1, end - 1) if bare and whole and not is_word else text.cut(begin, end)


def _option(text: StatementText, begin: int, end: int) -> tuple[str, str]:
    """A parameter; SQL folds words and numbers that are not quoted, YAML has no such difference."""
    value = text.cut(begin + 2, end) if end - begin > 1 else "true"
    if value.isdigit():
        value = str(int(value))
    return text.cut(begin, begin + 1), value.strip("'") if value[0] == "'" else value.lower()
