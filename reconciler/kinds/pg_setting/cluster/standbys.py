"""What one node of a cluster holds against another: no primary may run with more than a standby runs with.

A plan of one node does not know what becomes of the others: whether they are restarted, and whether they can be changed
at all. So the outcomes of all nodes are looked at together, and what would stop a standby is taken out of the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.kind import NodeOutcomes
from reconciler.kinds.pg_setting.cluster import restart
from reconciler.kinds.pg_setting.model import Restart
from reconciler.kinds.pg_setting.startup.standby import NOT_LOWER
from reconciler.model import Action, Change, Notice, NoticeType, Outcome


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a node runs of a setting, what its files have or get, and whether this plan restarts it for that.

    Where nothing differs, nothing is known but that it runs as declared: `runs` is None.
    """

    outcome: Change | Notice | None
    runs: int | None
    comes_to: int | None

    @property
    def rises(self) -> bool:
        """Whether it would run more than it does."""
        return self.runs is not None and self.comes_to is not None and self.comes_to > self.runs

    @property
    def falls(self) -> bool:
        """Whether it would run less than it does."""
        return self.runs is not None and self.comes_to is not None and self.comes_to < self.runs


def held_back(nodes: Mapping[str, NodeOutcomes]) -> dict[str, list[Outcome]]:
    """The outcomes of all nodes of one cluster, without what would stop a standby: that is blocked, and says why."""
    found = {name: list(node.outcomes) for name, node in nodes.items()}
    primary = next((name for name, node in nodes.items() if node.info.role == "primary"), None)
    standbys = [name for name, node in nodes.items() if node.info.role == "standby"]
    if primary is None:
        return found
    for setting in NOT_LOWER:
        first = _standing(setting, found[primary])
        seconds = {name: _standing(setting, found[name]) for name in standbys}
        if first.rises or _is_planned(first):
            reasons = [_too_little(name, setting, first, seconds[name], found) for name in standbys]
            if why := next(filter(None, reasons), ""):
                block(found[primary], setting, why)
        for name in standbys:
            if seconds[name].falls and (why := _too_much(primary, setting, first, seconds[name], found)):
                block(found[name], setting, why)
    return found


def _too_little(
    standby: str, setting: str, first: _Standing, second: _Standing, found: Mapping[str, Sequence[Outcome]]
) -> str:
    """Why the primary may not get what it is to get: the standby will run with less."""
    if second.outcome is None or first.comes_to is None:
        return ""
    restarted = _is_restarted(setting, found[standby])
    will_run = second.comes_to if restarted else second.runs
    if will_run is not None and will_run >= first.comes_to:
        return ""
    runs = f"runs {second.runs}" if second.runs is not None else "runs another value"
    what = "this plan does not restart it" if isinstance(second.outcome, Change) else "cannot be changed by this plan"
    return (
        f"{standby} {runs}, and {what}: with less {setting} than its primary it would stop replaying. "
        f"Raise and restart {standby} first, then plan again"
    )


def _too_much(
    primary: str, setting: str, first: _Standing, second: _Standing, found: Mapping[str, Sequence[Outcome]]
) -> str:
    """Why the standby may not be lowered: its primary will run with more."""
    if first.outcome is None or second.comes_to is None:
        return ""
    will_run = first.comes_to if _is_restarted(setting, found[primary]) else first.runs
    if will_run is not None and will_run <= second.comes_to:
        return ""
    runs = f"runs {first.runs}" if first.runs is not None else "runs another value"
    return (
        f"{primary} {runs}, and this plan does not restart it: with less {setting} than its primary a standby does not "
        f"start. Lower and restart {primary} first, then plan again"
    )


def _standing(setting: str, outcomes: Sequence[Outcome]) -> _Standing:
    outcome = next((each for each in outcomes if _is_of(setting, each)), None)
    if not isinstance(outcome, Change | Notice):
        return _Standing(None, None, None)
    seen = outcome.provenance
    coming = (outcome.after or {}).get("value") if isinstance(outcome, Change) else seen and seen.coming
    return _Standing(outcome, _number(seen and seen.value), _number(coming))


def _is_of(setting: str, outcome: Outcome) -> bool:
    return outcome.address.kind == "pg_setting" and outcome.address.name == setting


def _is_planned(standing: _Standing) -> bool:
    """Whether it is changed to a value of which nobody can tell whether it is more: taken for more."""
    return isinstance(standing.outcome, Change) and standing.runs is None


def _is_restarted(setting: str, outcomes: Sequence[Outcome]) -> bool:
    restarts = [each for each in outcomes if isinstance(each, Change) and each.action is Action.RESTART]
    return any(setting in Restart.model_validate(dict(each.desired)).settings for each in restarts)


def block(outcomes: list[Outcome], setting: str, why: str) -> bool:
    """Takes the setting out of what is changed, and of what is restarted for. False where there was nothing of it."""
    known = any(_is_of(setting, outcome) for outcome in outcomes)
    for place, outcome in enumerate(list(outcomes)):
        if _is_of(setting, outcome) and isinstance(outcome, Change | Notice):
            outcomes[place] = Notice(
                address=outcome.address, type=NoticeType.BLOCKED, message=why, provenance=outcome.provenance,
                declared_at=outcome.declared_at,
            )  # fmt: skip
    for outcome in list(outcomes):
        if isinstance(outcome, Change) and outcome.action is Action.RESTART:
            resource = Restart.model_validate(dict(outcome.desired))
            left = tuple(name for name in resource.settings if name != setting)
            if left == resource.settings:
                continue
            place = outcomes.index(outcome)
            if left:
                told = (each.provenance for each in outcomes if isinstance(each, Change | Notice))
                brings = next((where.brings for where in told if where and where.brings), {})
                again = restart.change(resource.model_copy(update={"settings": left}), brings)
                outcomes[place] = again.model_copy(update={"phase": outcome.phase})
            else:
                del outcomes[place]
    return known


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdigit() else None
