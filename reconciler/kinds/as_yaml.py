"""How kinds write down what is there: in the first form of which a plan is empty."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from reconciler.model import Change, Outcome, Verdict
from reconciler.verdicts import of_outcome

K = TypeVar("K", bound=Hashable)
F = TypeVar("F")

_AS_DECLARED = (Verdict.IN_SYNC, Verdict.WAITS, Verdict.HALF_WAY)
"""Of what no step is planned for: it is, or will be, as declared."""


def objection(outcomes: Iterable[Outcome]) -> str:
    """What a plan would do about something that is there, or say against it; empty where it is as declared."""
    return "; ".join(filter(None, map(_in_words, outcomes)))


def _in_words(outcome: Outcome) -> str:
    if isinstance(outcome, Change):
        return outcome.reason or f"a plan would {outcome.action} it, {outcome.summary}"
    return "" if of_outcome(outcome) in _AS_DECLARED else outcome.message


def fitting(
    forms: Mapping[K, Sequence[F]], objections: Callable[[Mapping[K, F]], Mapping[K, str]]
) -> tuple[dict[K, F], dict[K, str]]:
    """Of each thing the first of its forms that nothing speaks against; and what speaks against all of the others'.

    `objections` is asked for all of them at once, as often as the longest has forms; empty: none.
    """
    fit: dict[K, F] = {}
    unfit: dict[K, str] = {}
    for attempt in range(max(map(len, forms.values()), default=0)):
        chosen = {key: each[attempt] for key, each in forms.items() if key not in fit and attempt < len(each)}
        for key, said in objections(chosen).items():
            if said:
                unfit[key] = said
            else:
                fit[key] = chosen[key]
                unfit.pop(key, None)
    return fit, unfit
