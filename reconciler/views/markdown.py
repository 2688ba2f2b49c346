"""A plan, and drift, as Markdown for a comment on a pull request.

Decided: docs/decisions.md#a-comment-that-is-too-long
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model import NEEDS_PERMISSION, Action, Address, NoticeType, Plan
from reconciler.reports.changes import ChangeRow
from reconciler.reports.checks import CheckRow
from reconciler.reports.drift import DriftReport, DriftRow, drift_report
from reconciler.reports.hazards import HazardGroup
from reconciler.reports.idle_rules import SIGN
from reconciler.reports.labels import Labelled
from reconciler.reports.notices import NoticeRow
from reconciler.reports.plan import PlanReport, plan_report
from reconciler.reports.several import Several
from reconciler.reports.target import TargetRow
from reconciler.reports.unreachable import UnreadRow
from reconciler.views.comment import Comment, row, size
from reconciler.views.markdown_text import code, fenced, html, labelled, linked, prose
from reconciler.views.sql import change_lines
from reconciler.views.text_layout import Page

KEPT_LONGEST = (Action.DELETE, Action.REPLACE, Action.RESTART, Action.REBUILD, Action.CREATE)
"""Where not all changes can be told in full: in this order those with the same hazards, and all others after them."""

BLOCKED = ["", "Blocked", "What"]

HEAD = ["", "Change", "What", "Why and evidence"]

LONGEST_CELL = 600
"""Characters of a definition in a table, where the comment is bounded: all of it stands in the steps."""


def plan(plan: Plan, page: Page) -> str:
    """Summary, every hazard and what is blocked; then the changes, what to know beside, and the exact steps, in this
    order for as long as there is room."""
    report = plan_report(plan, grouped=True)
    comment = Comment("plan", page.marker, limit=page.limit, whole="reconciler show PLAN --format markdown --limit 0")
    comment.add(summary(report.summary))
    digest = labelled(report.digest) if report.digest else ""
    blocked = [each for each in report.notices if each.type is NoticeType.BLOCKED]
    _hazards(report, comment, kept=min(size(digest) + _blocked_size(blocked), comment.room / 2))
    _blocked(blocked, comment, kept=size(digest) + 2)
    unread(report.unread, comment, kept=size(digest) + 2)
    if digest:
        comment.add(digest)
    if page.policies and not comment.add("\n".join(f"- {prose(each)}" for each in page.policies)):
        comment.left_out(len(page.policies), "sentences of policies")
    _targets(report.targets, comment)
    _changes(report.changes, comment, page)
    _beside(report, comment)
    if report.order:
        turns = (f"{turn.number}. {prose(turn.says)}" for turn in report.order.turns)
        if not comment.add("\n".join([prose(report.order.says), "", *turns])):
            comment.left_out(len(report.order.turns), "turns")
    steps: dict[str | Several, list[str]] = {}
    for change in report.changes:
        steps.setdefault(change.several or change.address.target, []).append(_steps(change, whole=not page.limit))
    for targets, blocks in steps.items():
        on, which = (targets.says, targets.number) if isinstance(targets, Several) else (targets, code(targets))
        comment.folded(f"The exact steps on {html(on)}", blocks, f"changes' steps on {which}")
    return comment.text()


def drift(plan: Plan, page: Page) -> str:
    """Summary, what is blocked, and a table of what differs."""
    report = drift_report(plan, grouped=True)
    comment = Comment("drift", page.marker, limit=page.limit, whole="--limit 0")
    comment.add(summary(report.summary))
    _blocked([each for each in report.notices if each.type is NoticeType.BLOCKED], comment)
    unread(report.unread, comment)
    _targets(report.targets, comment)
    rows = [
        [
            each.what,
            _named(address(each), linked(each.place, page.source_url)),
            code(_short(each.declared, page)),
            "; ".join(filter(None, (code(_short(each.observed, page)), prose(each.told), prose(each.cause)))),
        ]
        for each in report.resources
    ]
    comment.table(["", "Resource", "Declared", "Observed"], rows, "resources")
    _beside(report, comment)
    return comment.text()


def unread(rows: Sequence[UnreadRow], comment: Comment, *, kept: int = 0) -> None:
    """Targets that were not read."""
    told = []
    for each in rows:
        which = prose(each.several.says) if each.several else code(each.target)
        why = filter(None, (f"{each.says}{each.declared}", each.hint))
        told.append([each.sign, which, "; ".join(map(prose, why))])
    comment.table(["", "Not read", "Why"], told, "targets that could not be read", kept=kept)


def summary(sentences: Sequence[str]) -> str:
    """A summary with its first sentence in bold."""
    first, *rest = map(prose, sentences)
    return " ".join([f"**{first}**", *rest])


def address(row: ChangeRow | DriftRow | NoticeRow | CheckRow) -> str:
    """Of what a row is; with the targets that it is the same on."""
    return _addressed(row.address, row.several)


def _addressed(address: Address, several: Several | None) -> str:
    if several is None:
        return code(str(address))
    return f"{code('/'.join(address[1:]))} on {prose(several.says)}"


def _targets(targets: Sequence[TargetRow], comment: Comment) -> None:
    if targets:
        names = [target.name if target.several else code(target.name) for target in targets]
        told = (f"- {name} {prose(target.says)}" for name, target in zip(names, targets, strict=True))
        if not comment.add("\n".join(told)):
            comment.left_out(len(targets), "targets")


def _hazards(report: PlanReport, comment: Comment, *, kept: float) -> None:
    """Every hazard, before everything else and never folded: in full; where that has no room, with its changes alone;
    and where even that has none, as many as have. So many bytes are `kept` for what comes next."""
    if not report.hazards:
        return
    needed = report.permissions
    head = ["> [!WARNING]", f"> {labelled(needed.needed)}"] if needed else ["> [!NOTE]"]
    # Those that need no permission come last.
    first = next((each for each in report.hazards if not each.needs_permission), None) if needed else None
    beside = [">", f"> {prose(needed.beside)}"] if needed else []
    full = []
    for each in report.hazards:
        full += [*(beside if each is first else ()), f"> - {code(each.type)}: {prose(each.says)}: {_of(each)}"]
    whole = "\n".join([*head, *full])
    if size(whole) + 2 <= comment.room - kept:
        comment.add(whole)
        return
    by_type: dict[str, list[HazardGroup]] = {}
    for each in report.hazards:
        by_type.setdefault(each.type, []).append(each)
    short, room = list(head), comment.room - kept - sum(map(size, head)) - 400
    for type, groups in by_type.items():
        names = list(dict.fromkeys(_addressed(*each) for group in groups for each in group.of))
        line = f"> - {code(type)} ({len(names)}):"
        taken = 0
        while taken < len(names) and size(line) + size(names[taken]) + 2 < room:
            line += f"{',' if taken else ''} {names[taken]}"
            taken += 1
        room -= size(line) + 1
        comment.left_out(len(names) - taken, f"changes with the hazard {code(type)}")
        short += [*(beside if groups[0] is first else ()), line]
    comment.add("\n".join(short))


def _of(group: HazardGroup) -> str:
    """The changes that have a hazard."""
    return ", ".join([*(_addressed(*each) for each in group.of), *filter(None, [group.more])])


def _changes(changes: Sequence[ChangeRow], comment: Comment, page: Page) -> None:
    """A row for each change, in full; where that has no room, in full for those that matter most, and of all others
    what is done to what, folded."""
    full = [_row(each, page) for each in changes]
    short = [f"- {code(each.sign)} {address(each)}" for each in changes]
    room = comment.room - 200 - size(row(HEAD))
    costs = [size(row(cells)) + 1 for cells in full]
    if sum(costs) <= room:
        comment.table(HEAD, full, "changes")
        return
    order = sorted(range(len(changes)), key=lambda at: _rank(changes[at]))
    room -= sum(size(line) + 1 for line in short)
    taken: set[int] = set()
    for at in order:
        spent = costs[at] - size(short[at]) - 1
        if spent <= room:
            room -= spent
            taken.add(at)
    comment.table(HEAD, [full[at] for at in sorted(taken)], "changes")
    others = [short[at] for at in order if at not in taken]
    fit, room = 0, comment.room - 200
    while fit < len(others) and size(others[fit]) + 1 <= room:
        room -= size(others[fit]) + 1
        fit += 1
    comment.folded(f"{len(others)} more changes", ["\n".join(others[:fit])] if fit else [], "changes")
    comment.left_out(len(others) - fit, "changes")


def _rank(change: ChangeRow) -> tuple[bool, bool, int]:
    """Its place where not all changes can be told in full: hazards that need permission first, then all others."""
    hazards = [hazard.type for step in change.steps for hazard in step.step.hazards]
    action = KEPT_LONGEST.index(change.action) if change.action in KEPT_LONGEST else len(KEPT_LONGEST)
    return not NEEDS_PERMISSION.intersection(hazards), not hazards, action


def _row(change: ChangeRow, page: Page) -> list[str]:
    """What is done, to what, declared where; what it is, and with which hazards; why, and what was measured."""
    hazards = dict.fromkeys(hazard.type for step in change.steps for hazard in step.step.hazards)
    what = (
        prose(change.explained),
        _definition(change, page),
        prose("; ".join(change.notes)),
        f"**hazards** {' '.join(map(code, hazards))}" if hazards else "",
    )
    first = code(_short(change.steps[0].line, page)) if change.steps and not any(what[:3]) else ""
    named = _named(address(change), linked(change.place, page.source_url))
    return [
        code(change.sign),
        named,
        "<br>".join(filter(None, (first, *what))),
        "<br>".join(filter(None, (prose(change.wanted), prose(change.evidence)))),
    ]


def _definition(change: ChangeRow, page: Page) -> str:
    """What comes, or with its label what would bring back what goes."""
    shown, undo = _short(change.definition, page), change.to_undo
    return labelled(Labelled(undo.label, shown)) if undo and undo.value == change.definition else code(shown)


def _short(text: str, page: Page) -> str:
    return f"{text[:LONGEST_CELL]}…" if page.limit and len(text) > LONGEST_CELL else text


def _named(name: str, place: str) -> str:
    return f"{name}<br>{place}" if place else name


def _notices(notices: Sequence[NoticeRow]) -> list[list[str]]:
    return [[each.sign, address(each), prose(each.says)] for each in notices]


def _blocked_size(notices: Sequence[NoticeRow]) -> int:
    return sum(size(row(cells)) + 1 for cells in [BLOCKED, BLOCKED, *_notices(notices)]) if notices else 0


def _blocked(notices: Sequence[NoticeRow], comment: Comment, *, kept: int = 0) -> None:
    """What is blocked, in full; where that has no room, what it is, and where even that has none, as much as has."""
    if _blocked_size(notices) + 20 <= comment.room - kept:
        comment.table(BLOCKED, _notices(notices), "blocked")
        return
    comment.left_out(len(notices), "reasons of what is blocked")
    comment.table(["Blocked"], [[address(each)] for each in notices], "blocked", kept=kept)


def _beside(report: PlanReport | DriftReport, comment: Comment) -> None:
    """All other notices, and checks that do not pass."""
    notices = [each for each in report.notices if each.type is not NoticeType.BLOCKED]
    comment.table(["", "To know", "What"], _notices(notices), "notices")
    idle = [[SIGN, code(each.pattern), prose(each.says)] for each in report.idle_rules]
    comment.table(["", "Ignore rule", "What"], idle, "ignore rules")
    checks = [[each.sign, address(each), prose(each.titled)] for each in report.checks]
    comment.table(["", "Check", "Seen and wanted"], checks, "checks")


def _steps(change: ChangeRow, *, whole: bool) -> str:
    """The steps of one change in a block of code."""
    return f"{code(change.sign)} {address(change)}\n\n{fenced(change_lines(change, alike_once=not whole), 'sql')}"
