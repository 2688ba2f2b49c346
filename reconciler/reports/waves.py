"""What people are told of the waves of a rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.model import Fleet, NotRun, Rollout, Unreached, Wave, WaveReceipt
from reconciler.reports.characters import visible, visible_lines
from reconciler.reports.labels import Number, counted
from reconciler.reports.several import Several

TARGET: Number = ("target", "targets")
WAVE: Number = ("wave", "waves")
FAILURE: Number = ("failure", "failures")

WHY: Mapping[NotRun, str] = {
    NotRun.INTERRUPTED: "the run was interrupted",
    NotRun.FAILURES: "as many targets have failed as may in all",
    NotRun.UNREACHABLE: "as many targets were not reached as may be in all",
    NotRun.NONE_APPLIED: "nothing was applied to any target of the wave before",
    NotRun.HELD: "another apply is at work on a target of the wave before",
    NotRun.CHECKS: "the checks of the wave before do not pass",
    NotRun.SHARDS: "other shards have not come to the end of the wave before",
}
"""Why a target was not run."""

OF_WAVE: Mapping[NotRun, str] = {
    **WHY,
    NotRun.NONE_APPLIED: "nothing was applied to any of its targets",
    NotRun.HELD: "another apply is at work on one of its targets",
    NotRun.CHECKS: "its checks do not pass",
}
"""Why a wave is the last one."""

_UNREACHED: Mapping[Unreached, str] = {
    Unreached.ERROR: "",
    Unreached.LATER: "Targets that do not answer are tried once more in the end.",
    Unreached.SKIP: "Targets that do not answer are left out.",
}


def title(number: int, of: int, wave: Wave) -> str:
    """`wave 1 of 3, where tier = canary`."""
    return visible(f"wave {number} of {of}{', ' if wave.by else ''}{wave.by}")


def rollout_lines(fleet: Fleet, rollout: Rollout) -> list[str]:
    """A line for each wave with its targets of `fleet`, and others for what ends it early."""
    known = {*fleet.targets, *fleet.unseen}
    lines = [_wave(number, rollout, wave, known) for number, wave in enumerate(rollout.waves, 1)]
    return [*lines, *_limits(rollout)]


def ended(receipt: WaveReceipt) -> tuple[str, Sequence[str]]:
    """What a wave came to, and the lines of why: its checks that do not pass, and what was in the way of them."""
    if not receipt.stopped:
        return "done, and its checks pass" if receipt.checks else "done", ()
    more = [*map(str, receipt.failing), *visible_lines(receipt.message)]
    return f"the last one: {OF_WAVE[receipt.stopped]}", [visible(each) for each in more if each]


def _wave(number: int, rollout: Rollout, wave: Wave, known: set[str]) -> str:
    names = [name for name in wave.targets if name in known]
    told = f"{counted(len(names), TARGET)}{': ' if names else ''}{Several(tuple(names)).named}"
    last = number == len(rollout.waves)
    bakes = [f"bake {span(wave.bake)}"] if wave.bake and (wave.checks or not last) else []
    then = ", ".join([*bakes, *(["checks pass"] if wave.checks else [])])
    return f"{title(number, len(rollout.waves), wave)}: {told}{'; ' if then else ''}{then}"


def _limits(rollout: Rollout) -> list[str]:
    limits = [f"after {counted(rollout.stop_after, FAILURE)}"] if rollout.stop_after else []
    if rollout.stop_after_unreachable:
        limits.append(f"after {counted(rollout.stop_after_unreachable, TARGET)} without an answer")
    stops = f"Nothing more is begun {' or '.join(limits)}." if limits else ""
    at_once = f"At most {rollout.at_once} servers at once." if rollout.at_once else ""
    return [each for each in (stops, _UNREACHED[rollout.unreachable], at_once) if each]


def span(seconds: int) -> str:
    """An exact span of time: 30min, 90s, 2h."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
