"""Where values come from, and what is only half true of them: in the words of people who keep servers."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model import Change, ComesTrue, Difference, Provenance, file_of
from reconciler.reports.characters import visible

DIFFERENCES: Mapping[Difference, tuple[str, str]] = {
    Difference.NOT_PERSISTED: ("runs and is not persisted", "run and are not persisted"),
    Difference.NOT_RUNNING: ("is persisted and does not run", "are persisted and do not run"),
}
"""What is counted of one and of many that do not simply differ."""

_HALF_WAY: Mapping[Difference, str] = {
    Difference.NOT_PERSISTED: "running, not persisted",
    Difference.NOT_RUNNING: "persisted, not running",
}
"""What is said beside the address of one."""

COMES_TRUE: Mapping[ComesTrue, str] = {
    ComesTrue.RELOAD: "comes true by a reload",
    ComesTrue.NEW_SESSION: "comes true in new sessions",
    ComesTrue.RESTART: "comes true by a restart",
    ComesTrue.NEVER: "masked whatever is written",
}
"""What makes a written value the one in force."""

SOURCES: Mapping[str, str] = {
    "configuration file": "a configuration file",
    "command line": "the command line",
    "override": "the server itself",
    "environment variable": "the server's environment",
    "database": "ALTER DATABASE",
    "user": "ALTER ROLE",
    "database user": "ALTER ROLE … IN DATABASE",
}
"""What pg_settings calls a source, for people; what is not here is called the same."""


def half_way(change: Change) -> str:
    """What is said of a change that does not simply differ, and why."""
    return visible(": ".join(filter(None, (_HALF_WAY[change.difference], change.reason))))


def said(seen: Provenance) -> str:
    """`from postgresql.conf:12, masking conf.d/a.conf:3; not for role app; true after a reload`."""
    masking = f", masking {', '.join(seen.masks)}" if seen.masks else ""
    where = f"from {seen.place or SOURCES.get(seen.source, seen.source)}{masking}" if seen.source else ""
    coming = f"{seen.coming} is pending" if seen.coming else ""
    not_for = f"not for {', '.join(seen.masked_for)}" if seen.masked_for else ""
    return visible("; ".join(filter(None, (where, coming, not_for, COMES_TRUE[seen.comes_true]))))


def without_lines(said: str, seen: Provenance | None) -> str:
    """What is `said` of a change, with the files of the places that it names, and without their lines."""
    places = {seen.place, *seen.masks} if seen else set()
    for place in sorted(filter(None, places), key=len, reverse=True):  # a.conf:12 stands in a.conf:127 as well
        said = said.replace(visible(place), visible(file_of(place)))
    return said
