"""What is no desired state, and the very words that say so."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from reading import refused


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
        "the star of select *",
        "a: *\n",
        "x.yaml:1:5: * begins an alias and & an anchor, and no name follows\n"
        '  put text that holds one of , [ ] { } : # & * ! | > % @ ` into quotes: "…"',
    ),
    Case(
        "an alias before its anchor",
        "a: *b\n",
        'x.yaml:1:4: unknown alias "*b"\n  name a value before it is used: &b; text that begins with * needs quotes',
    ),
    Case(
        "an alias whose name is mistyped",
        "a: &name 1\nb: *nane\n",
        'x.yaml:2:4: unknown alias "*nane"; did you mean "*name"? (valid: *name)\n'
        "  name a value before it is used: &nane; text that begins with * needs quotes",
    ),
    Case(
        "two anchors of one name",
        "a: &x 1\nb: &x 2\n",
        "x.yaml:2:4: the anchor &x is there twice; the first one is on line 1\n  rename one of them",
    ),
    Case(
        "a list inside itself",
        "a: &x [*x]\n",
        "x.yaml:1:8: the alias *x stands inside the value that it names\n  remove the cycle",
    ),
    Case(
        "a mapping inside itself",
        "a: &x {b: {c: *x}}\n",
        "x.yaml:1:15: the alias *x stands inside the value that it names\n  remove the cycle",
    ),
    Case(
        "a mapping merged into itself",
        "a: &x\n  <<: *x\n",
        "x.yaml:2:7: the alias *x stands inside the value that it names\n  remove the cycle",
    ),
    Case(
        "tags that construct objects",
        "a: !!python/object/apply:os.system [ls]\n",
        'x.yaml:1:4: the tag "!!python/object/apply:os.system" is not allowed\n'
        "  remove it: every value is read as it is written",
    ),
    Case(
        "tags that give a type",
        "a: !!int 5\n",
        'x.yaml:1:4: the tag "!!int" is not allowed\n  remove it: every value is read as it is written',
    ),
    Case(
        "tags of one's own",
        "a: !secret b\n",
        'x.yaml:1:4: the tag "!secret" is not allowed\n  remove it: every value is read as it is written',
    ),
    Case(
        "a tag that contradicts the value",
        "a: !!seq b\n",
        'x.yaml:1:4: the tag "!!seq" is not allowed\n  remove it: every value is read as it is written',
    ),
    Case(
        "merging what is no mapping",
        "<<: 1\n",
        "x.yaml:1:5: << merges mappings, and this is text\n  <<: *name, or <<: [*one, *two]",
    ),
    Case(
        "merging a list of what is no mapping",
        "<<: [a]\n",
        "x.yaml:1:6: << merges mappings, and this is text\n  <<: *name, or <<: [*one, *two]",
    ),
    Case(
        "two merge keys",
        "a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x\n",
        'x.yaml:4:3: the key "<<" is there twice; the first one is on line 3\n  merge: <<: [*first, *second]',
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
    Case(
        "NUL: a file that is no text",
        "a: \x00\n",
        "x.yaml:1:4: the character U+0000 cannot be in YAML\n"
        "  remove it; if this is not a text file, it does not belong here",
    ),
    Case(
        "NUL as an escape: libpq would end the text there",
        'a: "x\\0y"\n',
        "x.yaml:1:4: the text holds a NUL (\\0)\n  no server takes one: remove it",
    ),
    Case(
        "a line break to YAML 1.1 and to no editor",
        "a: b\u2028c\n",
        "x.yaml:1:5: the character U+2028 cannot be in YAML\n"
        '  remove it, or write it as an escape in double quotes: "\\u2028"',
    ),
    Case(
        "Latin-1",
        b"a: caf\xe9\n",
        "x.yaml:1:7: the file is not UTF-8 text: byte 0xe9\n"
        "  save it as UTF-8; if it is not text at all, it does not belong here",
    ),
    Case(
        "UTF-16, as some editors save",
        b"\xff\xfea\x00:\x00 \x001\x00\n\x00",
        "x.yaml:1:1: the file is UTF-16 or UTF-32\n  save it as UTF-8",
    ),
    Case(
        "a picture",
        b"\x89PNG\r\n\x1a\n\x00\x00",
        "x.yaml:1:1: the file is not UTF-8 text: byte 0x89\n"
        "  save it as UTF-8; if it is not text at all, it does not belong here",
    ),
    Case(
        "a program",
        b"\x7fELF\x02\x01\x01\x00",
        "x.yaml:1:1: the character U+007F cannot be in YAML\n"
        "  remove it; if this is not a text file, it does not belong here",
    ),
    Case(
        "everything that reading can go on after, at once",
        "a: 1\na: 2\nb: !x 1\nc: [\n",
        'x.yaml:2:1: the key "a" is there twice; the first one is on line 1\n'
        "  remove or rename one of them\n"
        'x.yaml:3:4: the tag "!x" is not allowed\n'
        "  remove it: every value is read as it is written\n"
        "x.yaml:5:1: a value is expected here\n"
        '  put text that holds one of , [ ] { } : # & * ! | > % @ ` into quotes: "…"',
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_bad_yaml_is_refused_in_plain_words(case):
    assert refused(case.yaml) == case.error
