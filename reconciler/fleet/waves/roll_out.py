"""Applies the plans of a fleet, wave after wave.

Decided: docs/decisions.md#waves
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.fleet.apply import Executor, not_run
from reconciler.fleet.waves.tally import Tally
from reconciler.model import NotRun, Plan, Rollout, TargetReceipt, TargetResult, Unreached, Wave, WaveReceipt


class Bake(Protocol):
    """Waits, as long as a wave has to bake."""

    def __call__(self, number: int, wave: Wave) -> NotRun | None:
        """Why the wait ended early; None where it did not."""
        ...


class Checks(Protocol):
    """Decides the checks of targets."""

    def __call__(self, receipt: WaveReceipt, names: Sequence[str]) -> WaveReceipt:
        """`receipt`, with what they came to. Never raises."""
        ...


class OtherShards(Protocol):
    """Waits until all shards have come to the end of a wave."""

    def __call__(self, number: int, wave: Wave) -> NotRun | None:
        """Why the next wave is not to be begun; None where nothing is against it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """What comes between two waves; `others` is None where one run has all targets."""

    bake: Bake
    checks: Checks
    others: OtherShards | None = None


class Heard(Protocol):
    """Hears what becomes of it, one thing at a time, from several threads."""

    def begins(self, number: int, wave: Wave, targets: int) -> None:
        """A wave begins, the first is 1, and so many of its targets are to be applied."""

    def target(self, name: str, receipt: TargetReceipt) -> None:
        """What became of a target; of one that did not answer perhaps once more."""

    def wave(self, receipt: WaveReceipt) -> None:
        """What became of a wave that was begun."""


def roll_out(
    rollout: Rollout, plans: Mapping[str, Plan], servers: Mapping[str, str], execute: Executor, *,
    at_once: int, tally: Tally, between: Between, heard: Heard,
) -> None:  # fmt: skip
    """Applies `plans` by `execute`, as `rollout` says; each target is told of once its fate is known.

    `tally` knows already of the targets that are not among `plans`.
    """

    def told(name: str, receipt: TargetReceipt) -> None:
        tally.enter(name, receipt)
        heard.target(name, receipt)

    why: NotRun | None = None
    for number, wave in enumerate(rollout.waves, 1):
        mine = {name: plans[name] for name in wave.targets if name in plans}
        if why:
            for name, plan in mine.items():
                told(name, not_run(plan, why))
            continue
        heard.begins(number, wave, len(mine))
        execute(mine, servers, at_once=at_once, stopped=tally.stopped, told=told)
        last = number == len(rollout.waves)
        ended = _ended(number, wave, tally, between, last=last)
        heard.wave(ended)
        why = ended.stopped
        if between.others and not why and not last:
            why = between.others(number, wave)
    if rollout.unreachable is Unreached.LATER and not why:
        again = {name: plans[name] for name in tally.unreached() if name in plans}

        def told_again(name: str, receipt: TargetReceipt) -> None:
            if receipt.result is not TargetResult.NOT_RUN:  # what is known of it says more
                told(name, receipt)

        execute(again, servers, at_once=at_once, stopped=tally.stopped, told=told_again)


def _ended(number: int, wave: Wave, tally: Tally, between: Between, *, last: bool) -> WaveReceipt:
    """What a wave came to, once it has baked and its checks are decided. What is in others' hands, they wait for."""
    why = tally.stopped() if last or between.others else tally.stopped_behind(wave.targets)
    if not why and wave.bake and (wave.checks or not last):
        why = between.bake(number, wave)
    receipt = WaveReceipt(number=number, stopped=why)
    if why or not wave.checks or not (reached := tally.reached(wave.targets)):
        return receipt
    return between.checks(receipt, reached)
