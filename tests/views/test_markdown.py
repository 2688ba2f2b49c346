"""Markdown: every text reads as itself, nothing is cut in silence, and GitHub takes it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from views.arbitrary import NASTY
from views.sample import CHANGES, PLAN, index

from reconciler import views
from reconciler.model import NEEDS_PERMISSION, Action, Hazard, HazardType, Notice, NoticeType, Plan, SqlStep
from reconciler.reports.characters import visible
from reconciler.views import markdown_text
from reconciler.views.text_layout import LIMIT

ANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

MARKUP = ["**a**", "_a_", "[a](http://b)", "![a](b)", "<b>", "&lt;", "a\\|b", "~~a~~", "@team", "#12", "$x$", "`a"]


@ANY
@given(texts=st.lists(st.text(max_size=8) | st.sampled_from(NASTY + MARKUP), max_size=4))
def test_in_a_table_every_text_reads_as_itself(texts: list[str]):
    text = "".join(texts)
    page = f"| a | b |\n|---|---|\n| x{markdown_text.prose(text)}x | {markdown_text.code(f'x{text}x')} |\n"
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(page).replace("<!-- -->", "")
    first, second = re.findall("<td>(.*?)</td>", html)
    assert unescape(first) == f"x{visible(text)}x"
    assert unescape(second) == f"<code>x{visible(text)}x</code>"


@ANY
@given(texts=st.lists(st.text() | st.sampled_from(NASTY), min_size=1, max_size=4))
def test_a_fence_is_longer_than_any_inside(texts: list[str]):
    first, *body, last = markdown_text.fenced(texts, "sql").split("\n")
    fence = first.removesuffix("sql")
    assert last == fence
    assert not any(fence in line for line in body)


def test_a_comment_too_long_for_github_is_cut_and_says_so():
    many = tuple(index(f"tasks_{n}_idx", Action.DELETE, *CHANGES[1].steps) for n in range(3000))
    plan = PLAN.model_copy(update={"changes": many})
    commands = ("reconciler show PLAN --format markdown --limit 0", "--limit 0")
    for text, whole in zip(
        (views.render(plan, "markdown"), views.render_drift(plan, "markdown")), commands, strict=True
    ):
        assert len(text.encode()) <= LIMIT
        assert re.search(rf"Too long for a comment: [\d]+ .*left out\.\*\* `{whole}` shows all of it\.\n$", text)
        assert text.count("<details>") == text.count("</details>")
    shown = views.render(plan, "markdown").count("| `-` |")
    assert f"{3000 - shown} changes" in views.render(plan, "markdown")


def test_a_table_has_as_many_cells_in_every_row_whatever_is_in_them():
    evil = "a | b \\| c `|` <b>\n| x |"
    plan = PLAN.model_copy(update={"changes": (index(evil, Action.CREATE, why=evil, notes=(evil,)),)})
    table = [line for line in views.render(plan, "markdown").split("\n") if line.startswith("| `+`")]
    assert [line.count("|") for line in table] == [5]


def test_a_comment_of_400_changes_has_every_hazard_in_it():
    def drop(number: int):
        says = f"queries that use it become slower; {number:,} scans since 3 March"
        step = SqlStep(
            statements=(f"drop index concurrently public.tasks_{number}_idx",),
            hazards=(Hazard(type=HazardType.INDEX_DROP, message=says),),
        )
        return index(f"tasks_{number}_idx", Action.DELETE, step, reason="declared absent", why="nobody asks for it")

    text = views.render(PLAN.model_copy(update={"changes": (*map(drop, range(400)), *CHANGES)}), "markdown")
    assert len(text.encode()) < 65_000
    warned = text[text.index("> [!WARNING]") : text.index("| Blocked |")]
    assert all(f"`main/pg_index/public.tasks_{number}_idx`" in warned for number in range(400))
    assert "it backs a constraint" in text
    assert "\n> - `less-safe`" in warned


def test_400_changes_of_all_sorts_are_each_named_with_their_hazards_and_the_tables_stay_whole():
    """What is said of many in the same words leaves room for rows."""
    dropping = Hazard(type=HazardType.INDEX_DROP, message="queries that use it become slower")
    needing = (HazardType.LESS_SAFE, HazardType.RUNS_PROGRAMS, HazardType.STOPS_SERVICE, HazardType.RESTART)

    def change(number: int):
        name = f"orders_by_customer_and_state_of_delivery_{number:03}_idx"
        reads = Hazard(type=HazardType.INDEX_BUILD, message=f"reads {number * 1000:,} rows twice")
        build = SqlStep(statements=(f"create index concurrently {name} on orders (a)",), hazards=(reads,))
        drop = SqlStep(statements=(f"drop index concurrently {name}",), hazards=(dropping,))
        less = Hazard(type=needing[number // 4 % 4], message=f"and that of {number} is its own")
        odd = SqlStep(statements=(f"create index concurrently {name} on orders (b)",), hazards=(less,))
        sorts = (Action.DELETE, drop), (Action.REPLACE, build, drop), (Action.CREATE, build), (Action.CREATE, odd)
        action, *steps = sorts[number % 4]
        return index(name, action, *steps, why="the nightly report of customers reads by state")

    changes = tuple(map(change, range(400)))
    text = views.render(PLAN.model_copy(update={"changes": changes, "checks": ()}), "markdown")
    assert len(text.encode()) < 65_000
    warned = text[text.index("> [!WARNING]") : text.index("| Blocked |")].splitlines()
    for each in changes:
        assert f"`{each.address}`" in text
        for hazard in (hazard for step in each.steps for hazard in step.hazards if hazard.type in NEEDS_PERMISSION):
            [line] = [line for line in warned if hazard.message in line and f"`{each.address}`" in line]
            assert line.startswith(f"> - `{hazard.type}`: ")
    assert "> - `index-build`: reads 1,000 rows twice (of the first): " in text
    assert "and 197 more" in text
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert html.count("<details>") == html.count("</details>") > 0
    heads = [re.findall("<t[hd]>", row) for row in re.findall("<tr>.*?</tr>", html, re.S)]
    assert {len(cells) for cells in heads} <= {2, 3, 4}
    assert sum(line.startswith("| `") for line in text.splitlines()) > 20
    assert "changes' steps" in text[text.index("Too long") :]


def test_steps_that_are_the_same_for_each_of_1000_partitions_are_told_once():
    def part(number: int) -> SqlStep:
        name = f"events_p{number}"
        return SqlStep(
            statements=(f"create index concurrently {name}_at_idx on public.{name} using btree (at)",),
            on_failure=(f"drop index concurrently public.{name}_at_idx",),
            partition=f"public.{name}",
            hazards=(Hazard(type=HazardType.INDEX_BUILD, message=f"reads all of {name}"),),
        )

    first = SqlStep(statements=("create index events_at_idx on only public.events using btree (at)",))
    odd = part(1000).model_copy(
        update={
            "statements": ("create index concurrently odd on public.odd using btree (at) where evil()",),
            "hazards": (Hazard(type=HazardType.LESS_SAFE, message="of the last alone"),),
        }
    )
    change = index("events_at_idx", Action.CREATE, first, *map(part, range(1000)), odd, why="by time")
    plan = PLAN.model_copy(update={"changes": (change,)})
    text = views.render(plan, "markdown")
    assert len(text.encode()) < 65_000
    assert "`index-build`: reads all of events\\_p0 (of the first): `main/pg_index/public.events_at_idx`" in text
    assert "> - `less-safe`: of the last alone: `main/pg_index/public.events_at_idx`" in text
    assert "Too long" not in text
    assert "and on 999 more" in text
    assert "where evil()" in text
    assert "on only public.events" in text.split("<details>")[0]
    assert views.render(plan, "markdown", limit=0).count("create index concurrently events_p") == 1000


def test_no_name_is_a_marker_and_a_link_leaves_its_cell():
    forged = "<!-- reconciler:plan:main -->"
    change = index(forged, Action.CREATE, SqlStep(statements=(f"select '{forged}'",)), why=forged, notes=(forged,))
    change = change.model_copy(update={"declared_at": "desired/a) | (b.yaml:3:1"})
    text = views.render(
        PLAN.model_copy(update={"changes": (change,)}), "markdown", marker="main", source_url="https://git.example/x/"
    )
    assert text.startswith(forged)
    assert text.count("<!-- reconciler") == 1
    assert "(https://git.example/x/desired/a%29%20%7C%20%28b.yaml#L3)" in text


def crowded(number: int) -> Plan:
    """A plan with so many dropped indexes, so many harmless builds, and so many that are blocked."""
    dropping = Hazard(type=HazardType.INDEX_DROP, message="queries that use it become slower")
    step = SqlStep(statements=("drop index concurrently i",), hazards=(dropping,))
    harmless = SqlStep(statements=("create index concurrently i on t (a)",))
    changes = [index(f"harmless_{n}_idx", Action.CREATE, harmless, why="some reason") for n in range(number)]
    changes += [index(f"dropped_{n}_idx", Action.DELETE, step) for n in range(number)]
    blocked = [
        Notice(
            address=CHANGES[0].address._replace(name=f"public.blocked_{n}_idx"),
            type=NoticeType.BLOCKED,
            message="it backs a constraint: drop that first, for instance with alter table drop constraint",
        )
        for n in range(number)
    ]
    return PLAN.model_copy(update={"changes": tuple(changes), "notices": tuple(blocked)})


def test_what_is_blocked_and_hazards_stay_while_what_is_harmless_is_cut():
    text = views.render(crowded(250), "markdown", limit=40_000)
    assert len(text.encode()) <= 40_000
    for number in range(250):
        assert f"public.blocked_{number}_idx" in text
        assert f"public.dropped_{number}_idx" in text
    harmless = sum(f"public.harmless_{number}_idx" in text for number in range(250))
    assert 0 < harmless < 250
    assert f"250 reasons of what is blocked, {250 - harmless} changes" in text[text.index("Too long") :]


def test_rows_are_for_what_has_hazards_before_what_is_harmless():
    text = views.render(crowded(100), "markdown", limit=45_000)
    rows = "".join(line for line in text.splitlines() if line.startswith("| `"))
    assert "dropped_99_idx" in rows
    assert "harmless_99_idx" not in rows


@ANY
@given(number=st.integers(1, 150), limit=st.integers(4_000, 30_000))
def test_no_comment_is_longer_than_its_limit_and_what_is_cut_is_counted(number: int, limit: int):
    plan = crowded(number)
    for text in (views.render(plan, "markdown", limit=limit), views.render_drift(plan, "markdown", limit=limit)):
        assert len(text.encode()) <= limit
        blocked = sum(f"blocked_{n}_idx" in text for n in range(number))
        assert blocked == number or f"{number - blocked} blocked" in text
    assert "Digest" in views.render(plan, "markdown", limit=limit)


@pytest.mark.parametrize(("view", "what"), [("render", "plan"), ("render_drift", "drift"), ("render_checks", "check")])
def test_a_marker_names_what_it_is_of(view: str, what: str):
    text = getattr(views, view)(PLAN, "markdown", marker="main")
    assert text.startswith(f"<!-- reconciler:{what}:main -->\n\n**")


def test_what_differs_from_build_to_build_is_not_said_of_all():
    """Seen to fail: 29 builds of tables of any size `read 40 rows twice`."""

    def build(name: str, says: str):
        hazard = Hazard(type=HazardType.INDEX_BUILD, message=says)
        step = SqlStep(statements=("create index concurrently i on t (a)",), hazards=(hazard,))
        return index(name, Action.CREATE, step)

    def shown(*changes):
        return views.render(PLAN.model_copy(update={"changes": changes}), "markdown")

    assert "`index-build`: reads 40 rows (of the first): `main" in shown(
        build("a_idx", "reads 40 rows"), build("b_idx", "reads 2 M rows")
    )
    assert "`index-build`: reads 40 rows: `main" in shown(
        build("a_idx", "reads 40 rows"), build("b_idx", "reads 40 rows")
    )
