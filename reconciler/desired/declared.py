"""What is known of all targets, once they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.desired.labels import NAME, SYSTEM
from reconciler.model import System, Target


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
    """A template, `at` file:line:column, whose targets this run does not see: `source` would have to be asked.

    `standin`: what is known of every one of them; its target is named as the template is, and its labels are empty.
    """

    name: str
    at: str
    source: str
    standin: Declared | None


@dataclass(frozen=True, slots=True)
class AllTargets:
    """Every target by its name, wrong ones included, so that a section for one is not wrong as well.

    `is_complete`: no row is left out because it is wrong.
    """

    declared: Mapping[str, Declared]
    unseen: tuple[Unseen, ...] = ()
    is_complete: bool = True
