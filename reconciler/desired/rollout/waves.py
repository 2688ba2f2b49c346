"""Which target is in which wave.

Decided: docs/decisions.md#waves
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from reconciler.desired import selectors
from reconciler.desired.rollout.section import ALL, WaveSection

Labels = Mapping[str, str]
"""What a target is selected by: its labels, with its name and its system."""


def divided(waves: Sequence[WaveSection], targets: Mapping[str, Labels]) -> list[tuple[str, ...]]:
    """The targets of each wave, and behind them those that fit none. A target is in the first wave that fits.

    Shares are counted along an order by the hash of the name: one target more moves at most one other across the border
    of a share. Raises SelectorError where a `where` is none.
    """
    tests = [selectors.parse(wave.where).test if wave.where is not None else None for wave in waves]
    found: list[list[str]] = [[] for _ in range(len(waves) + 1)]
    for place, name in enumerate(sorted(targets, key=_order)):
        for wave, test, members in zip(waves, tests, found, strict=False):
            fits = test(targets[name]) if test else place * ALL < (wave.share or 0) * len(targets)
            if fits:
                members.append(name)
                break
        else:
            found[-1].append(name)
    return [tuple(sorted(members)) for members in found]


def _order(name: str) -> tuple[bytes, str]:
    return sha256(name.encode("utf-8", "surrogatepass")).digest(), name
