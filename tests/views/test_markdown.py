"""Markdown: every text reads as itself, nothing is cut in silence, and GitHub takes it."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from views.arbitrary import NASTY
from views.sample import CHANGES, PLAN, index

from reconciler import views
from reconciler.model import Action
from reconciler.reports.characters import visible
from reconciler.views import markdown

ANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

MARKUP = ["**a**", "_a_", "[a](http://b)", "![a](b)", "<b>", "&lt;", "a\\|b", "~~a~~", "@team", "#12", "$x$", "`a"]


@ANY
@given(texts=st.lists(st.text(max_size=8) | st.sampled_from(NASTY + MARKUP), max_size=4))
def test_in_a_table_every_text_reads_as_itself(texts: list[str]):
    text = "".join(texts)
    page = f"| a | b |\n|---|---|\n| x{markdown.prose(text)}x | {markdown.code(f'x{text}x')} |\n"
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(page).replace("<!-- -->", "")
    first, second = re.findall("<td>(.*?)</td>", html)
    assert unescape(first) == f"x{visible(text)}x"
    assert unescape(second) == f"<code>x{visible(text)}x</code>"


@ANY
@given(texts=st.lists(st.text() | st.sampled_from(NASTY), min_size=1, max_size=4))
def test_a_fence_is_longer_than_any_inside(texts: list[str]):
    first, *body, last = markdown.fenced(texts, "sql").split("\n")
    fence = first.removesuffix("sql")
    assert last == fence
    assert not any(fence in line for line in body)


def test_a_comment_too_long_for_github_is_cut_and_says_so():
    many = tuple(index(f"tasks_{n}_idx", Action.DELETE, *CHANGES[1].steps) for n in range(3000))
    plan = PLAN.model_copy(update={"changes": many})
    for text in (views.render(plan, "markdown"), views.render_drift(plan, "markdown")):
        assert len(text) <= markdown.LARGEST
        assert re.search(r"Too long for a comment: [\d]+ .*left out\. See the plan file\.", text)
        assert text.count("<details>") == text.count("</details>")
    shown = views.render(plan, "markdown").count("| `-` |")
    assert f"{3000 - shown} changes" in views.render(plan, "markdown")


def test_a_table_has_as_many_cells_in_every_row_whatever_is_in_them():
    evil = "a | b \\| c `|` <b>\n| x |"
    plan = PLAN.model_copy(update={"changes": (index(evil, Action.CREATE, why=evil, notes=(evil,)),)})
    table = [line for line in views.render(plan, "markdown").split("\n") if line.startswith("| `+`")]
    assert [line.count("|") for line in table] == [4]
