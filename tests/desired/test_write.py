"""What is written as YAML is read back by our own loader, letter by letter."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.allow_lists import Reach
from reconciler.desired.leaks import Leaks
from reconciler.desired.substituted_values import Values
from reconciler.secrets import Secrets
from reconciler.yaml.document import parse
from reconciler.yaml.writing import WIDTH, LeftOut, Noted, document, gathered

SIGNS = "'\"\\:#${}[],&*?|-<>=!%@` ~\n\t\r\x85\u2028\ufeffay01.é😀"
TRICKY = [
    "", "null", "~", "yes", "No", "on", "OFF", "y", "true", "True", "FALSE", "<<", "=", "---", "...", "- item", "? key",
    "${HOME}", "$${HOME}", "$$${HOME}", "${", "a ${x", "0", "-0", "-7", "007", "1_000", "0x1F", "1e3", ".inf", "12:30",
    "2024-01-01", "a: b", "a:", "a #b", "#", " leading", "trailing ", "two  spaces", "it's", 'a"b', "back\\slash",
    "'", '"', "line\nbreak", "\n", "tab\t", "nel\x85", "\u2028", "\ufeff", "😀", "%s", "a, b", "{x}", "[y]", "&a", "*a",
    "1.10", "-0.5", "1.", "64MB", "30s", "1gb", "08kB", "5d", "1e5s", "1E5",
    "status in ('a', 'b') and title <> '# no comment'", "(a)::text = 'x'::text", "!tag", "|", ">", "@", "`",
]  # fmt: skip

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
texts |= st.text(alphabet=SIGNS, max_size=12) | st.sampled_from(TRICKY)
keys = texts.filter(bool)
untimed = settings(deadline=None)  # a busy machine is no defect

trees = st.recursive(
    texts, lambda inside: st.lists(inside, max_size=3) | st.dictionaries(keys, inside, max_size=3), max_leaves=12
)


def read(text: str) -> object:
    errors = []
    [root] = parse(text.encode(), "x.yaml")
    found = Values({}, Reach(), Leaks({}, Secrets({})), errors).plain(root, "x.yaml")
    assert errors == []
    return found


@untimed
@given(st.dictionaries(keys, trees, min_size=1, max_size=4), texts)
@example({text or "k": [text, {text or "k": text}] for text in TRICKY}, "")
@example({text or "k": {text or "k": text} for text in TRICKY}, "")
def test_what_is_written_is_read_back(content, remark):
    assert read(document(content, [remark])) == content


@pytest.mark.parametrize("text", TRICKY)
def test_other_readers_see_the_same_text_but_for_what_is_meant_as_a_number_or_a_boolean(text):
    found = yaml.safe_load(document({"k": text, "l": [text]}))
    expected = {"0": 0, "-7": -7, "true": True, "1.10": 1.1, "-0.5": -0.5}.get(text, text.replace("${", "$${"))
    assert found == {"k": expected, "l": [expected]}


def test_short_things_stand_in_one_line_and_long_ones_in_a_block():
    long = ["a" * 40, "b" * 40, "c" * 40]
    short = {"columns": ["a", "b desc"], "unique": "true"}
    assert document({"tables": {"t": {"short": short, "long": {"columns": long}}}}) == (
        "tables:\n"
        "  t:\n"
        "    short: {columns: [a, b desc], unique: true}\n"
        "    long:\n"
        "      columns:\n" + "".join(f"        - {each}\n" for each in long)
    )


def test_what_is_left_out_is_a_comment_whatever_its_name():
    name = "x\ntables: {}\n\u2028#"
    text = document({"a": {name: LeftOut("because"), "b": "c"}, "d": {"e": LeftOut("because")}, "f": LeftOut("so")})
    assert text == ("a:\n  # x\\x0atables: {}\\x0a\\u2028#: because\n  b: c\nd:\n  # e: because\n  {}\n# f: so\n")
    assert read(text) == {"a": {"b": "c"}, "d": {}}


def test_long_comments_go_on_in_the_next_line_and_cut_no_name():
    names = [f"a_rather_long_name_of_an_index_{n}" for n in range(20)]
    text = document({"a": {", ".join(names): LeftOut("because"), "b": "c"}})
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert all(name in text for name in names)
    assert read(text) == {"a": {"b": "c"}}


@untimed
@given(st.dictionaries(keys, st.tuples(trees, texts), min_size=1, max_size=4))
@example({text or "k": (text, text) for text in TRICKY})
@example({"k": ({"l": ["a" * 70, "b" * 70]}, "long " * 50), "m": ([], "#"), "n": ("x" * 200, "y" * 200)})
def test_a_comment_beside_an_entry_changes_nothing_of_what_is_read(content):
    noted = {key: Noted(value, comment) for key, (value, comment) in content.items()}
    plain = {key: value for key, (value, _) in content.items()}
    assert read(document(noted)) == plain
    assert read(document({"section": Noted(noted, "all of it")})) == {"section": plain}


def test_a_comment_stands_behind_its_entry_and_above_it_where_the_line_is_too_long():
    text = document(
        {
            "settings": Noted(
                {
                    "work_mem": Noted("64MB", "postgresql.auto.conf"),
                    "search_path": Noted(["$user", "app"], "postgresql.conf:12"),
                    "archive_command": Noted("cp %p /" + "x" * 90, "line\nbreak # and so on"),
                },
                "here",
            )
        }
    )
    assert text == (
        "settings:  # here\n"
        "  work_mem: 64MB  # postgresql.auto.conf\n"
        '  search_path: ["$user", app]  # postgresql.conf:12\n'
        "  # line\\x0abreak # and so on\n"
        "  archive_command: cp %p /" + "x" * 90 + "\n"
    )


def test_what_is_left_out_for_one_reason_is_named_together_and_first():
    entries = {"a": "1", "b": LeftOut("so"), "c": LeftOut("thus"), "d": LeftOut("so")}
    assert list(gathered(entries).items()) == [("b, d", LeftOut("so")), ("c", LeftOut("thus")), ("a", "1")]
