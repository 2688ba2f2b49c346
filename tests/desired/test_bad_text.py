"""Text, tags and aliases that are not read, and the very words that say so."""

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
def test_what_yaml_would_allow_or_cannot_hold_is_refused_in_plain_words(case):
    assert refused(case.yaml) == case.error
