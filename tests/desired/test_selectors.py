"""`where`: what it selects, and what it refuses."""

from __future__ import annotations

import pytest
from desired.reading import load_files, load_refused
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.selectors import SelectorError, parse

FLEET = """\
targets:
  eu-1: {postgres: host=a, labels: {env: prod, tier: gold}}
  eu-2: {postgres: host=b, labels: {env: prod, tier: trial}}
  us-1: {postgres: host=c, labels: {env: prod}}
  test: {postgres: host=d, labels: {env: test, note: "a 'b' c"}}
  cache: {redis: "redis://e", labels: {env: prod}}
"""
SETTINGS = "settings: {work_mem: 64MB}\n"

SELECTS = [
    ("env = test", {"test"}),
    ("env=prod and system=postgres", {"eu-1", "eu-2", "us-1"}),
    ("env != prod", {"test"}),
    ("tier = gold", {"eu-1"}),
    ("tier != 'trial' and system = postgres", {"eu-1", "us-1", "test"}),
    ("not tier = trial and system = postgres", {"eu-1", "us-1", "test"}),
    ("tier in (gold, trial)", {"eu-1", "eu-2"}),
    ("tier not in (gold, 'trial') and system = postgres", {"us-1", "test"}),
    ("name = eu-1", {"eu-1"}),
    ("name ~ eu-*", {"eu-1", "eu-2"}),
    ("name ~ '*-1'", {"eu-1", "us-1"}),
    ("name ~ eu", None),
    ("tier ~ *", {"eu-1", "eu-2"}),
    ("env = test or env = prod and tier = gold", {"test", "eu-1"}),
    ("(env = test or env = prod) and tier = gold", {"eu-1"}),
    ("not (env = prod)", {"test"}),
    ("not not env = test", {"test"}),
    ("note = \"a 'b' c\"", {"test"}),
    ("  env\n  =\n  test ", {"test"}),
]


@pytest.mark.parametrize(("where", "names"), SELECTS, ids=lambda value: value if isinstance(value, str) else "")
def test_it_selects(tmp_path, where, names):
    files = {"targets.yaml": FLEET, "x.yaml": f"target: {{where: {where!r}}}\n{SETTINGS}".replace("\\n", " ")}
    if "\"a 'b' c\"" in where:
        files["x.yaml"] = f"target:\n  where: |\n    {where}\n{SETTINGS}"
    if names is None:
        assert "where: no target is selected" in load_refused(tmp_path, files)
        return
    found = load_files(tmp_path, files)
    assert {each.address.target for each in found.resources} == names


WRONG = [
    ("", "the name of a label is missing at the beginning"),
    ("env", "one of = != ~, `in` or `not in` is missing behind 'env'"),
    ("env = ", "a value is missing behind 'env ='"),
    ("env == prod", "a value is missing behind 'env =', where '=' stands"),
    ("env = prod tier = gold", "`and`, `or`, or the end, is missing behind 'env = prod', where 'tier' stands"),
    ("env = prod and", "the name of a label is missing behind 'env = prod and'"),
    ("and = prod", "the name of a label is missing at the beginning, where 'and' stands"),
    ("env in prod", "a list like (one, two) is missing behind 'env in', where 'prod' stands"),
    ("env in ()", "a value is missing behind 'env in (', where ')' stands"),
    ("env not = prod", "`in` is missing behind 'env not', where '=' stands"),
    ("(env = prod", "the closing ) is missing behind '(env = prod'"),
    ("env = 'prod", '"\'" has no meaning here; what begins with a quote ends with one'),
    ("env = prod; drop", "';' has no meaning here; put such a value in quotes"),
    ("env > prod", "'>' has no meaning here; put such a value in quotes"),
    ("(" * 40 + "env = a" + ")" * 40, "it has more than 30 levels"),
    ("not " * 40 + "env = a", "it has more than 30 levels"),
    (" or ".join(["env = a"] * 200), "it is longer than 500 words and signs: select by a label"),
]


@pytest.mark.parametrize(("where", "said"), WRONG, ids=lambda value: value[:30])
def test_what_is_no_expression_is_refused_in_plain_words(where, said):
    with pytest.raises(SelectorError) as refused:
        parse(where)
    assert str(refused.value) == said


@given(st.text(alphabet="abn dornt()=!~,'\"*-", max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        selector = parse(text)
    except SelectorError:
        return
    assert selector.test({}) in (True, False)


NO_WHERE = (
    "x.yaml:1:9: target: a mapping holds `where`, with text, and nothing else\n"
    '  the expression stands between quotes: {where: "env in (prod, test)"}'
)

REFUSED = [
    (
        "{where: 'tir = gold'}",
        'x.yaml:1:17: where: unknown label "tir"; did you mean "tier"? (valid: name, system, env, tier, note)',
    ),
    (
        "{where: 'env = prdo'}",
        "x.yaml:1:17: where: no target is selected\n"
        '  of the targets that are declared, env is "prod", "test"',
    ),
    ("{where: [a]}", NO_WHERE),
    ("{wher: 'a = b'}", NO_WHERE),
    ("[]", "x.yaml:1:1: target: the list names no target"),
    ("[eu-1, eu-1]", 'x.yaml:1:16: target: "eu-1" is named twice\n  remove one of them'),
    ("[eu-1, eu-3]", 'x.yaml:1:16: unknown target "eu-3"; did you mean "eu-2"? (valid: eu-1, eu-2, us-1, test, cache)'),
    ("[eu-1, [a]]", "x.yaml:1:16: target: expected the name of a target in the list, not a list"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "error"), REFUSED)
def test_a_document_that_is_for_no_target_is_refused_at_its_place(tmp_path, target, error):
    assert load_refused(tmp_path, {"targets.yaml": FLEET, "x.yaml": f"target: {target}\n{SETTINGS}"}) == error


def test_a_document_for_a_list_is_one_for_each(tmp_path):
    files = {"targets.yaml": FLEET, "x.yaml": f"target: [us-1, eu-2]\n{SETTINGS}"}
    assert [each.address.target for each in load_files(tmp_path, files).resources] == ["us-1", "eu-2"]


def test_a_section_that_one_of_the_selected_has_not_is_an_error_that_says_what_to_add(tmp_path):
    tables = "tables: {public.t: {indexes: {t_idx: {columns: [a]}}}}\n"
    error = load_refused(tmp_path, {"targets.yaml": FLEET, "x.yaml": f"target: {{where: env = prod}}\n{tables}"})
    assert error == (
        'x.yaml:2:1: the section "tables" is for targets of postgres, and this one is of redis\n'
        "  select less: … and system = postgres"
    )


def test_a_wrong_target_does_not_make_what_selects_it_wrong(tmp_path):
    wrong = "targets: {a: {postgres: host=a, labels: {tier: [x]}}}\n"
    error = load_refused(tmp_path, {"targets.yaml": wrong, "x.yaml": f"target: {{where: tier = x}}\n{SETTINGS}"})
    assert error.count("\n") == 0
    assert error.startswith("targets.yaml:1:42: tier: ")


LABELS = [
    ("{name: x}", "name is known of every target: call the label otherwise"),
    ("{system: x}", "system is known of every target: call the label otherwise"),
    ("{in: x}", "in is a word of `where`: call the label otherwise"),
    ("{a.b: x}", "a label is called by at most 63 letters, digits, _ and -, and begins with a letter"),
    ('{a: "x\\ny"}', "the label a is more than 200 letters, or not one line of text"),
]


@pytest.mark.parametrize(("labels", "said"), LABELS)
def test_labels_that_nothing_could_select_are_refused(tmp_path, labels, said):
    error = load_refused(tmp_path, {"t.yaml": f"targets: {{a: {{postgres: host=a, labels: {labels}}}}}\n"})
    assert error == f"t.yaml:1:33: labels: {said}"
