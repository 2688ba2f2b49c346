"""What is wrong with a text that is no YAML, in plain words.

The parser's own problems are those of libyaml 0.2.5 (`scanner.c`, `parser.c`); each is known by its exact wording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from yaml.error import MarkedYAMLError

from reconciler.errors import DesiredError
from reconciler.yaml.suggestions import quoted

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML does not allow, and beside it U+0085, U+2028 and U+2029: YAML 1.1 takes these three for line breaks,
editors do not, so that text would change silently and line numbers would be wrong."""

_BREAKS = "\x85\u2028\u2029"

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

_TABS = "a tab is used to indent; YAML indents with spaces only"
_TABS_HINT = "replace the tab with spaces, as many as the lines around it have"
_QUOTES_HINT = 'put text that holds one of , [ ] { } : # & * ! | > % @ ` into quotes: "…"'

_VARIABLE_HINT = 'inside [ ] and { } put a variable into quotes: "${NAME}"'

MOST_DEPTH = 50
"""Levels of nesting. The deepest declaration has about ten; pydantic and we may then use recursion safely."""

TOO_DEEP = f"nested deeper than {MOST_DEPTH} levels"
TOO_DEEP_HINT = "nothing that can be declared is; is a bracket or an alias wrong?"

_PROBLEMS: dict[str, tuple[str, str]] = {
    # The parser has a limit of its own, far beyond ours, which it may meet before it has said anything.
    "exceeded maximum nesting depth": (TOO_DEEP, TOO_DEEP_HINT),
    "found a tab character that violates indentation": (_TABS, _TABS_HINT),
    "found a tab character where an indentation space is expected": (_TABS, _TABS_HINT),
    "mapping values are not allowed in this context": (
        "a colon is not expected here",
        "text that holds a colon needs quotes; keys of one mapping need the same indentation, and each its colon",
    ),
    "could not find expected ':'": ("this line is not a key: there is no colon after it", _QUOTES_HINT),
    "did not find expected ',' or ']'": ("the list [ … ] is not closed, or a comma is missing", _QUOTES_HINT),
    "did not find expected ',' or '}'": ("the mapping { … } is not closed, or a comma is missing", _QUOTES_HINT),
    "did not find expected key": (
        "a key is expected here, with the same indentation as the keys above",
        "indent by the same number of spaces as the lines beside it; do not mix keys and a list",
    ),
    "did not find expected '-' indicator": (
        'an item of the list is expected here: a line that begins with "- "',
        "indent by the same number of spaces as the items above",
    ),
    "did not find expected node content": ("a value is expected here", _QUOTES_HINT),
    "did not find expected <document start>": (
        "the document has ended before this",
        "indent by the same number of spaces as the lines above, or begin another document with ---",
    ),
    "found unexpected end of stream": ("a quoted text is not closed before the end of the file", "close the quote"),
    "found unexpected document indicator": (
        "a quoted text is not closed before the end of the document",
        "close the quote",
    ),
    "found unknown escape character": (
        "an unknown escape after a backslash in double quotes",
        r"write \\ for a backslash, or use single quotes",
    ),
    "did not find expected alphabetic or numeric character": (
        "* begins an alias and & an anchor, and no name follows",
        _QUOTES_HINT,
    ),
    "block sequence entries are not allowed in this context": (
        "an item of a list is not expected here",
        'put it on a line of its own; text that begins with "- " needs quotes',
    ),
}

_AT_THE_OPENING = frozenset(
    {"could not find expected ':'", "found unexpected end of stream", "found unexpected document indicator"}
)
"""Problems that are noticed far behind the place that a person has to mend."""


def text_of(data: bytes, file: str) -> str:
    """The text of a YAML file, without a byte order mark.

    Raises DesiredError where it is not UTF-8, or holds characters that cannot be in YAML.
    """
    if data.startswith(_UTF16_MARKS):
        raise DesiredError("the file is UTF-16 or UTF-32", at=f"{file}:1:1", hint="save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        raise DesiredError(
            f"the file is not UTF-8 text: byte 0x{data[error.start]:02x}",
            at=f"{file}:{position(before)}",
            hint="save it as UTF-8; if it is not text at all, it does not belong here",
        ) from None
    found = _UNPRINTABLE.search(text)
    if found:
        code = ord(found[0])
        raise DesiredError(
            f"the character U+{code:04X} cannot be in YAML",
            at=f"{file}:{position(text[: found.start()])}",
            hint=f'remove it, or write it as an escape in double quotes: "\\u{code:04x}"'
            if found[0] in _BREAKS
            else "remove it; if this is not a text file, it does not belong here",
        )
    return text


def position(before: str) -> str:
    """`line:column`, from 1, of what follows the text `before`."""
    lines = re.split(r"\r\n|\r|\n", before)
    return f"{len(lines)}:{len(lines[-1]) + 1}"


def explained(error: MarkedYAMLError, text: str, file: str) -> DesiredError:
    """The parser's `error` about `text`, in plain words, at the place that has to be mended."""
    problem = error.problem or ""
    mark: Any = error.problem_mark or error.context_mark
    if problem in _AT_THE_OPENING and error.context_mark:
        mark = error.context_mark
    line, column = mark.line, mark.column
    message, hint = _PROBLEMS.get(problem, (f"this is not YAML: {problem}", ""))
    written = next(_lines_from(text, line), "")
    if problem == "found character that cannot start any token":
        sign = written[column : column + 1]
        message, hint = f"a value cannot begin with {quoted(sign)}", "put it into quotes"
    if problem == "did not find expected key" and written[:column].strip():
        message, hint = "the value has ended before this", "put all of it into quotes; inside '…' write '' for a quote"
    indentation = written[: len(written) - len(written.lstrip(" \t"))]
    if "\t" in indentation and column <= len(indentation):
        message, hint = _TABS, _TABS_HINT
        column = indentation.index("\t")
    elif problem in ("did not find expected ',' or ']'", "did not find expected ',' or '}'") and error.context_mark:
        opening: Any = error.context_mark
        hint = _VARIABLE_HINT if written[column - 1 : column + 1] == "${" else hint
        message = f"{message}; it opens at {opening.line + 1}:{opening.column + 1}"
    return DesiredError(message, at=f"{file}:{line + 1}:{column + 1}", hint=hint)


def _lines_from(text: str, number: int) -> Iterator[str]:
    yield from re.split(r"\r\n|\r|\n", text)[number : number + 1]
