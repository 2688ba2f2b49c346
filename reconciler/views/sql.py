"""A plan as a script for psql: what an apply would run, for people who run it themselves.

Whatever is not SQL of the plan is a comment in one line, so that no name or value can end it and run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from reconciler.documents.document import timestamp
from reconciler.documents.plan import seal
from reconciler.model import Plan, RedisStep, SqlStep, System, TargetInfo
from reconciler.reports.alike_steps import Alike, alike_steps
from reconciler.reports.changes import ChangeRow
from reconciler.reports.characters import visible
from reconciler.reports.plan import plan_report
from reconciler.reports.redis_cli import WAITS_FOR, redis_cli
from reconciler.reports.steps import StepRow
from reconciler.reports.target import target_line
from reconciler.views.text_layout import Page


def plan(plan: Plan, page: Page) -> str:
    """The script: in the order of the plan, one section for what comes together on a target, to be run while connected
    to that target."""
    report = plan_report(plan)
    lines = [
        comment(f"Plan {seal(plan).digest} of {timestamp(plan.created_at)}, by reconciler {plan.reconciler_version}"),
        *(comment(f"{target.name}: {target.says}") for target in report.targets),
        *(comment(f"{row.sign} {row.target} {row.says}") for row in report.unread),
        comment(" ".join(report.summary)),
        comment("Run the sections in their order with psql -X -f, each connected to its own target, and each restart"),
        comment("where it stands. Unlike reconciler apply, this script"),
        comment("does not look again before and after each change, and does not undo what went wrong."),
    ]
    if any(isinstance(row.step, SqlStep) for change in report.changes for row in change.steps):
        lines += ["", r"\set ON_ERROR_STOP on"]
    for target, changes in groupby(report.changes, key=lambda change: change.address.target):
        lines += ["", *_section(target, plan.targets.get(target), list(changes))]
    return "\n".join(lines) + "\n"


def change_lines(change: ChangeRow, *, alike_once: bool = False) -> list[str]:
    """One change: what it is and its hazards as comments, then its steps; `alike_once`: of those that are the same for
    each partition the first."""
    lines = [comment(f"{change.sign} {change.address}{': ' if change.says else ''}{change.says}")]
    timeouts: list[str] = []
    steps = alike_steps(change.steps) if alike_once else [Alike(row, 0) for row in change.steps]
    for row, more in steps:
        step = row.step
        if isinstance(step, SqlStep) and step.attempts > 1:
            lines.append(
                comment(f"reconciler apply tries this up to {step.attempts} times while somebody holds a lock")
            )
        lines += [comment(f"! hazard {hazard.type}: {hazard.message}") for hazard in step.hazards]
        if isinstance(step, SqlStep) and _timeouts(step) != timeouts:
            timeouts = _timeouts(step)
            lines += timeouts
        lines += _step_lines(row)
        lines += [comment(f"and on {more:,} more, each with its own names")] if more else []
    shown = change.on_failure[: len(steps)] if alike_once else change.on_failure
    lines += [comment(f"on failure, reconciler apply runs: {run.value}") for run in shown]
    if left := len(change.on_failure) - len(shown):
        lines.append(comment(f"and {left:,} more like these"))
    if change.to_undo:
        lines.append(comment(str(change.to_undo)))
    return lines


def _timeouts(step: SqlStep) -> list[str]:
    return [
        f"set lock_timeout = {literal(step.lock_timeout)};",
        f"set statement_timeout = {literal(step.statement_timeout)};",
    ]


def _step_lines(row: StepRow) -> list[str]:
    """The statements of a step; what psql cannot run as a comment."""
    step = row.step
    if isinstance(step, RedisStep):
        waits = [comment(f"{WAITS_FOR[step.waits_for]}:")] if step.waits_for else []
        return [*waits, comment(f"redis-cli> {redis_cli(step)}")]
    if not isinstance(step, SqlStep):
        return [comment(row.line)]
    statements = [_ended(statement) for statement in step.statements]
    return ["begin;", *statements, "commit;"] if step.transaction else statements


def comment(text: str) -> str:
    """`text` as a comment that ends where its line ends."""
    return f"-- {visible(text)}"


def literal(text: str) -> str:
    """`text` as a string constant of PostgreSQL, with characters that cannot be seen as Unicode escapes."""
    quoted = text.replace("'", "''")
    if quoted.isprintable():
        return f"'{quoted}'"
    escaped = (char if char.isprintable() else f"\\+{ord(char):06x}" for char in quoted.replace("\\", "\\\\"))
    return f"U&'{''.join(escaped)}'"


def identifier(name: str) -> str:
    """`name` as a quoted identifier of PostgreSQL, likewise."""
    quoted = name.replace('"', '""')
    if quoted.isprintable():
        return f'"{quoted}"'
    escaped = (char if char.isprintable() else f"\\+{ord(char):06x}" for char in quoted.replace("\\", "\\\\"))
    return f'U&"{"".join(escaped)}"'


def _section(target: str, info: TargetInfo | None, changes: Sequence[ChangeRow]) -> list[str]:
    lines = [comment(f"==== {target}" + (f": {target_line(info)}" if info else ""))]
    if info and info.system is System.POSTGRES:
        lines += _guard(target, info)
        lines += [f"set role {identifier(info.as_role)};"] if info.as_role else []
    left_out = 0
    for change in changes:
        unfit = any(not runs_as_it_reads(statement) for statement in _statements(change))
        lines += ["", *(_withheld(change) if unfit else change_lines(change))]
        left_out += unfit
    if left_out:
        message = f"not in this script: {left_out} of the changes on {target}; apply the plan with reconciler"
        lines += ["", comment("So that nobody takes this section for complete:"), _stop(message)]
    if info and info.as_role:
        lines += ["", "reset role;"]
    return lines


def _guard(target: str, info: TargetInfo) -> list[str]:
    """Stops the script where it is connected to another database, or to another cluster, than the plan was made for."""
    # Whoever runs the script has a search_path of their own, and maybe rights that others would like to use.
    differs = "operator(pg_catalog.<>)"
    here = "pg_catalog.current_database()"
    conditions = [f"{here} {differs} {literal(info.database)}"] if info.database else []
    # Only digits get into the condition as they are.
    system = info.identity.removesuffix(f"/{info.database}")
    if re.fullmatch("[0-9]+", system):
        cluster = "(select system_identifier::pg_catalog.text from pg_catalog.pg_control_system())"
        conditions.append(f"{cluster} {differs} '{system}'")
    if info.role:
        conditions.append(f"pg_catalog.pg_is_in_recovery() is {'not ' if info.role == 'standby' else ''}true")
    if not conditions:
        return []
    return [_stop(f"this section is for {target}: {target_line(info)}", " or ".join(conditions))]


def _stop(message: str, condition: str = "true") -> str:
    """A statement that ends the script with an error where `condition` holds."""
    body = f"begin if {condition} then raise exception using message = {literal(message)}; end if; end"
    return f"do {literal(body)};"


def _withheld(change: ChangeRow) -> list[str]:
    """A change that psql might run as something else than it seems: nothing of it is written."""
    lines = change_lines(change)
    return [
        lines[0],
        comment("NOT IN THIS SCRIPT: it holds characters that cannot be seen, or that psql takes as its own commands."),
        comment("Apply it with reconciler. Its steps:"),
        *(comment("  " + line) for line in lines[1:]),
    ]


def runs_as_it_reads(statement: str) -> bool:
    r"""Whether psql sends `statement` to the server as a reader sees it.

    psql takes a backslash outside quotes for a command of its own (`\!` runs a program). Inside plain quotes it is
    harmless; where quoting is less plain than that, it is not worth the risk.
    """
    if not statement.replace("\n", "").replace("\t", "").isprintable():
        return False
    if "\\" not in statement:
        return True
    if re.search(r"\$\w*\$|--|/\*|e'", statement, re.IGNORECASE):
        return False
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "", statement)
    return not set(unquoted) & set("\\'\"")


def _statements(change: ChangeRow) -> Iterable[str]:
    return (text for row in change.steps if isinstance(row.step, SqlStep) for text in row.step.statements)


def _ended(statement: str) -> str:
    """With its semicolon, on a line of its own where a comment would swallow it."""
    body = statement.rstrip()
    if body.endswith(";"):
        return body
    return f"{body}\n;" if "--" in body.rsplit("\n", 1)[-1] else f"{body};"
