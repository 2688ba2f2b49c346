"""What is true of every input."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from desired.reading import ENV, TARGETS, plain
from desired.standin_kinds import KINDS
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.desired.load import load
from reconciler.errors import DesiredError, UsageError
from reconciler.secrets import Secrets
from reconciler.yaml.document import parse

untimed = settings(deadline=None)  # a busy machine is no defect

SIGNS = st.text(alphabet="ab:-?,[]{}&*#|>'\"%@`!<~$= \n\t\\0é\u2028\x00\x85", max_size=60)
WORDS = st.lists(
    st.sampled_from(
        [
            *(
                "target: ",
                "targets: ",
                "main",
                "cache",
                "tables: ",
                "settings: ",
                "checklist: ",
                "users: ",
                "indexes: ",
            ),
            *("public.t: ", "columns: ", "check: ", "redis_setting: ", "where: ", "postgres: ", "memory: ", "16GB"),
            *("\n", "\n  ", "\n    ", "- ", "{", "}", "[", "]", ", ", "&a ", "*a", "<<: ", "${X}", "${DATABASE_URL}"),
            *("---\n", "null", '"', "'", "a", "5", "absent", "env: ", "!!str "),
        ]
    ),
    max_size=30,
).map("".join)
PRINTABLE = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufeff\u2028\u2029\ufffe\uffff")
)


def load_or_refuse(content: bytes) -> None:
    """Loads one file beside the usual targets; nothing but our own errors may come out."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "targets.yaml").write_text(TARGETS)
        Path(folder, "x.yaml").write_bytes(content)
        try:
            load(Path(folder), KINDS, ENV, Secrets(ENV))
        except (DesiredError, UsageError) as error:
            text = str(error)
            assert "hunter2" not in text
            assert "s3same" not in text


@untimed
@given(st.one_of(st.text(), SIGNS, WORDS))
@example("target: main\nsettings: {a: {env: ${DATABASE_URL}}}")
@example("targets: {m: '${DATABASE_URL}'}")
@example("targets: {m: {postgres: 'x${DATABASE_URL}', memory: '${DATABASE_URL}'}}")
@example("target: ${DATABASE_URL}\nsettings: {}")
@example("target: main\nsettings: {a: {otherwise: '${DATABASE_URL}'}}")
@example("target: cache\nchecklist: [{id: a, waiver: {until: '${DATABASE_URL}', by: a, reason: b}}]")
def test_any_text_is_loaded_or_refused_and_no_secret_is_shown(text):
    load_or_refuse(text.encode("utf-8", "surrogatepass"))


@untimed
@given(st.binary())
def test_any_bytes_are_loaded_or_refused(content):
    load_or_refuse(content)


@untimed
@given(st.binary(), st.integers(0, 200))
def test_a_file_that_is_cut_or_spoilt_is_loaded_or_refused(rubbish, place):
    content = (TARGETS + "---\ntarget: main\ntables: {public.t: {indexes: {a: {columns: [b]}}}}\n").encode()
    load_or_refuse(content[:place] + rubbish)


def tree_of(leaves):
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE.filter(bool), inner, max_size=4)
    )


@untimed
@given(tree_of(PRINTABLE | st.none()), st.booleans())
def test_what_another_program_writes_reads_back(value, flow):
    written = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True, width=10**6)
    (document,) = parse(written.encode(), "x.yaml")
    assert plain(document) == value


@untimed
@given(st.from_regex(r"[A-Za-z0-9.+_-][A-Za-z0-9 .:+_%'\"/()=<>-]*", fullmatch=True))
def test_a_plain_scalar_keeps_every_letter(text):
    text = text.strip()
    if text.startswith("- ") or ": " in text or text.endswith(":") or text in ("-", "---", "null", "Null", "NULL"):
        return
    (document,) = parse(f"key: {text}\n".encode(), "x.yaml")
    assert document.child("key").value == text


@untimed
@given(tree_of(st.from_regex(r"[a-z]{1,8}", fullmatch=True)), st.booleans())
def test_every_key_and_value_is_where_its_mark_says(value, flow):
    written = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True, width=10**6)
    (document,) = parse(written.encode(), "x.yaml")
    lines = written.split("\n")

    def check(node):
        if isinstance(node.value, dict):
            for key, (line, column) in node.keys.items():
                shown = yaml.safe_dump(key, allow_unicode=True, width=10**6).split("\n")[0]
                there = lines[line - 1][column - 1 :].removeprefix("? ")
                assert there.startswith((shown, key, "'", '"'))
                check(node.value[key])
        elif isinstance(node.value, list):
            for child in node.value:
                check(child)
        elif node.value is not None:
            assert lines[node.line - 1][node.column - 1 :].lstrip("'\"").startswith(node.value)

    check(document)


@pytest.mark.parametrize("spoilt", range(0, 200, 7))
def test_an_error_is_at_a_place_that_exists(spoilt):
    lines = (TARGETS + "---\n" + "target: main\nsettings:\n  a: 'b'\n  c: [d, e]\n").split("\n")
    text = "\n".join(lines)
    broken = text[:spoilt] + "\x00" + text[spoilt:]
    with pytest.raises(DesiredError) as caught:
        parse(broken.encode(), "x.yaml")
    _, line, column = caught.value.at.rsplit(":", 2)
    assert broken.split("\n")[int(line) - 1][int(column) - 1] == "\x00"
