"""What several targets of one server declare of the same setting, and where they contradict each other.

Two databases of a server are two targets, and its settings are those of both; those of a role or a database are too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.kind import NodeOutcomes
from reconciler.kinds.pg_setting.changes.planned_outcomes import notice
from reconciler.kinds.pg_setting.cluster.standbys import block
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.values import names
from reconciler.model import Change, Notice, NoticeType, Outcome


def agreed(
    targets: Mapping[str, NodeOutcomes], declared: Mapping[str, Sequence[PgSetting]]
) -> dict[str, list[Outcome]]:
    """The outcomes of all targets, without changes of a setting that another of them wants otherwise. Pure."""
    found = {name: list(target.outcomes) for name, target in targets.items()}
    settings: dict[str, dict[str, PgSetting]] = defaultdict(dict)
    for name, resources in declared.items():
        for resource in resources:
            settings[resource.address.name][name] = resource
    for setting, wanted in settings.items():
        ends = {name: end for name in wanted if (end := _end(setting, found[name])) is not None}
        if len(set(ends.values())) < 2 or not any(end.changes for end in ends.values()):
            continue
        why = f"on one server {_said([wanted[name] for name in ends])}: declare it for one"
        for name in ends:
            if not block(found[name], setting, why):
                found[name].append(notice(wanted[name], NoticeType.BLOCKED, why))
    return found


MOST_NAMED = 3
"""Targets that are named of those that want the same; of more, the number."""


class _End(NamedTuple):
    """What becomes of a setting: it is changed to `text`, or stays as it is."""

    changes: bool
    text: str = ""


def _end(setting: str, outcomes: Sequence[Outcome]) -> _End | None:
    """None where nothing is done about it, and nothing known of it."""
    outcome = next((each for each in outcomes if each.address[1:] == ("pg_setting", setting)), None)
    if isinstance(outcome, Change):
        told = "" if outcome.sensitive or outcome.after is None else str(outcome.after["value"])
        return _End(True, told or repr(outcome.steps))
    if isinstance(outcome, Notice) and outcome.type is not NoticeType.WAITS_FOR_RESTART:
        return None
    return _End(False)


def _said(resources: Sequence[PgSetting]) -> str:
    """`a, b and 40 more want 16MB (x.yaml:1:2), c wants 32MB (x.yaml:9:2)`: the same for each of them."""
    alike: dict[tuple[str, str], list[str]] = {}
    for resource in resources:
        plain = isinstance(resource.value, str) and resource.setting not in names.SENSITIVE
        value = str(resource.value) if plain else ""
        alike.setdefault((value, resource.declared_at), []).append(resource.address.target)
    return ", ".join(f"{_named(targets)} {_verb(value, len(targets))} ({at})" for (value, at), targets in alike.items())


def _verb(value: str, count: int) -> str:
    if value:
        return f"{'wants' if count == 1 else 'want'} {value}"
    return "declares it" if count == 1 else "declare it"


def _named(targets: Sequence[str]) -> str:
    more = len(targets) - MOST_NAMED
    *names, last = [*targets[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    return f"{', '.join(names)} and {last}" if names else last
