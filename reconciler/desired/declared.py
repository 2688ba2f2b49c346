"""What is known of all targets, once they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.desired.labels import GIVEN, NAME, SYSTEM
from reconciler.errors import Unanswered
from reconciler.model import System, Target
from reconciler.yaml.suggestions import MOST_NAMES, quoted


@dataclass(frozen=True, slots=True)
class Declared:
    """A target as declared, `at` a place. `system` is None where its declaration is wrong.

    `target` is None where it is wrong, or was not asked for.
    """

    name: str
    at: str
    system: System | None = None
    target: Target | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def selectable(self) -> Mapping[str, str]:
        """By what documents select it."""
        return {**self.labels, NAME: self.name, SYSTEM: str(self.system)}


@dataclass(frozen=True, slots=True)
class Unseen:
    """A template, `at` file:line:column, whose targets this run does not see: `source` would have to be asked, or has
    been and does not answer (`unanswered`).

    `standin`: what is known of every one of them; its target is named as the template is, and its labels are empty.
    """

    name: str
    at: str
    source: str
    standin: Declared | None
    unanswered: Unanswered | None = None


@dataclass(frozen=True, slots=True)
class AllTargets:
    """Every target by its name, wrong ones included, so that a section for one is not wrong as well.

    `is_complete`: no row is left out because it is wrong.
    """

    declared: Mapping[str, Declared]
    unseen: tuple[Unseen, ...] = ()
    is_complete: bool = True

    @property
    def is_known(self) -> bool:
        """Whether every target and its labels are known: none is declared wrongly, or in a file that is none."""
        standins = all(each.standin for each in self.unseen)
        return self.is_complete and standins and all(each.system for each in self.declared.values())

    @property
    def labels(self) -> Sequence[str]:
        """By what may be selected, in the order of the files."""
        of_unseen = [each.standin for each in self.unseen if each.standin]
        return list(
            dict.fromkeys([*GIVEN, *(name for each in (*self.declared.values(), *of_unseen) for name in each.labels)])
        )

    def values_of(self, labels: Iterable[str]) -> str:
        """What the targets have under these labels, for whoever has asked for what none has."""
        selectable = [each.selectable for each in self.declared.values() if each.system]
        told = []
        for label in labels:
            values = sorted({value for each in selectable if (value := each.get(label))})
            more = ", …" if len(values) > MOST_NAMES else ""
            told.append(f"{label} is {', '.join(map(quoted, values[:MOST_NAMES])) or 'nothing'}{more}")
        return f"of the targets that are declared, {'; '.join(told)}"
