"""What is no YAML, and the very words that say so."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from desired.reading import refused


class Case(NamedTuple):
    reason: str
    yaml: str | bytes
    error: str


CASES = [
    Case(
        "PyYAML keeps the second of two keys and says nothing",
        "a: 1\nb: 2\na: 3\n",
        'x.yaml:3:1: the key "a" is there twice; the first one is on line 1\n  remove or rename one of them',
    ),
    Case(
        "the same in flow style",
        "a: {x: 1, x: 2}\n",
        'x.yaml:1:11: the key "x" is there twice; the first one is on line 1\n  remove or rename one of them',
    ),
    Case(
        "quotes do not make another key",
        "a: 1\n'a': 2\n",
        'x.yaml:2:1: the key "a" is there twice; the first one is on line 1\n  remove or rename one of them',
    ),
    Case(
        "a list has no name",
        "? [a, b]\n: c\n",
        "x.yaml:1:3: a list is used as a key\n  a key is a name; text that begins with { or [ needs quotes",
    ),
    Case(
        "what templates of other tools look like",
        "{{ x }}: 1\n",
        "x.yaml:1:1: a mapping is used as a key\n  a key is a name; text that begins with { or [ needs quotes",
    ),
    Case(
        "nothing is no name",
        "~: a\n",
        "x.yaml:1:1: a key is empty\n  write a name before the colon; a name that is null or ~ needs quotes",
    ),
    Case(
        "nor is no text",
        '"": a\n',
        "x.yaml:1:1: a key is empty\n  write a name before the colon; a name that is null or ~ needs quotes",
    ),
    Case(
        "editors insert tabs",
        "a:\n\tb: 1\n",
        "x.yaml:2:1: a tab is used to indent; YAML indents with spaces only\n"
        "  replace the tab with spaces, as many as the lines around it have",
    ),
    Case(
        "a tab among spaces looks right on a screen",
        "a:\n  b: 1\n\tc: 2\n",
        "x.yaml:3:1: a tab is used to indent; YAML indents with spaces only\n"
        "  replace the tab with spaces, as many as the lines around it have",
    ),
    Case(
        "a reserved sign",
        "a: @b\n",
        'x.yaml:1:4: a value cannot begin with "@"\n  put it into quotes',
    ),
    Case(
        "another one",
        "a: `b`\n",
        'x.yaml:1:4: a value cannot begin with "`"\n  put it into quotes',
    ),
    Case(
        "a directive's sign",
        "a: %m [%p]\n",
        'x.yaml:1:4: a value cannot begin with "%"\n  put it into quotes',
    ),
    Case(
        "a second colon",
        "a: b: c\n",
        "x.yaml:1:5: a colon is not expected here\n"
        "  text that holds a colon needs quotes; keys of one mapping need the same indentation, and each its colon",
    ),
    Case(
        "a key without its colon",
        "a\nb: c\n",
        "x.yaml:2:2: a colon is not expected here\n"
        "  text that holds a colon needs quotes; keys of one mapping need the same indentation, and each its colon",
    ),
    Case(
        "a colon without its space",
        "a:b\nc: d\n",
        "x.yaml:2:2: a colon is not expected here\n"
        "  text that holds a colon needs quotes; keys of one mapping need the same indentation, and each its colon",
    ),
    Case(
        "an open list",
        "a: [b, c\n",
        "x.yaml:2:1: the list [ … ] is not closed, or a comma is missing; it opens at 1:4\n"
        '  put text that holds one of , [ ] { } : # & * ! | > % @ ` into quotes: "…"',
    ),
    Case(
        "an open mapping",
        "a: {b: 1\n",
        "x.yaml:2:1: the mapping { … } is not closed, or a comma is missing; it opens at 1:4\n"
        '  put text that holds one of , [ ] { } : # & * ! | > % @ ` into quotes: "…"',
    ),
    Case(
        "SQL in a flow mapping: the comma of its list ends the value",
        "t: {where: x in ('a', 'b')}\n",
        "x.yaml:1:26: the mapping { … } is not closed, or a comma is missing; it opens at 1:4\n"
        '  put text that holds one of , [ ] { } : # & * ! | > % @ ` into quotes: "…"',
    ),
    Case(
        "an open quote is noticed at the end and made at the beginning",
        "a: 'b\nc: d\n",
        "x.yaml:1:4: a quoted text is not closed before the end of the file\n  close the quote",
    ),
    Case(
        "the next document ends it as well",
        "a: '\n---\n",
        "x.yaml:1:4: a quoted text is not closed before the end of the document\n  close the quote",
    ),
    Case(
        "a regular expression in double quotes",
        'a: "\\d"\n',
        "x.yaml:1:5: an unknown escape after a backslash in double quotes\n"
        "  write \\\\ for a backslash, or use single quotes",
    ),
    Case(
        "an apostrophe in single quotes",
        "a: 'it's'\n",
        "x.yaml:1:8: the value has ended before this\n  put all of it into quotes; inside '…' write '' for a quote",
    ),
    Case(
        "a list among keys",
        "a: 1\n- b\n",
        "x.yaml:2:1: a key is expected here, with the same indentation as the keys above\n"
        "  indent by the same number of spaces as the lines beside it; do not mix keys and a list",
    ),
    Case(
        "keys among a list",
        "- a\nb: 1\n",
        'x.yaml:2:1: an item of the list is expected here: a line that begins with "- "\n'
        "  indent by the same number of spaces as the items above",
    ),
    Case(
        "an indentation that no line above has",
        "a:\n  b: 1\n c: 2\n",
        "x.yaml:3:2: a key is expected here, with the same indentation as the keys above\n"
        "  indent by the same number of spaces as the lines beside it; do not mix keys and a list",
    ),
    Case(
        "less indentation than the first line",
        "  a: 1\n b: 2\n",
        "x.yaml:2:2: the document has ended before this\n"
        "  indent by the same number of spaces as the lines above, or begin another document with ---",
    ),
    Case(
        "a value where its key already has one",
        "a: 5\n   b: c\n",
        "x.yaml:2:5: a colon is not expected here\n"
        "  text that holds a colon needs quotes; keys of one mapping need the same indentation, and each its colon",
    ),
    Case(
        "an item beside its key",
        "a: - b\n",
        "x.yaml:1:4: an item of a list is not expected here\n"
        '  put it on a line of its own; text that begins with "- " needs quotes',
    ),
    Case(
        "another version of YAML",
        "%YAML 3.0\n---\na: 1\n",
        "x.yaml:1:1: this is not YAML: found incompatible YAML document",
    ),
    Case(
        "text after the end of a document",
        "a: 1\n...\nb\n",
        "x.yaml:3:1: the document has ended before this\n"
        "  indent by the same number of spaces as the lines above, or begin another document with ---",
    ),
    Case(
        "a closing bracket too many",
        "a: [b]]\n",
        "x.yaml:1:7: the value has ended before this\n  put all of it into quotes; inside '…' write '' for a quote",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_bad_yaml_is_refused_in_plain_words(case):
    assert refused(case.yaml) == case.error
