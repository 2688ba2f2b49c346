"""What a kind offers beside its plan to a rollback: what would have to be declared for a change to be undone.

An undoing is planned as everything is: from a resource, and from what a live system shows. So the kind makes a resource
of the typed states that a receipt holds, and never looks at the steps in it.

Decided: docs/decisions.md#undoing-by-declaration
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from reconciler.model import Change, ChangeReceipt, Resource, Target


@dataclass(frozen=True, slots=True)
class Former:
    """What undoes a change.

    resource  what would have to be declared for what was there before; None: nothing has to be brought back.
    says      of None: why.
    lost      what does not come back with it.
    """

    resource: Resource | None
    says: str = ""
    lost: tuple[str, ...] = ()


@runtime_checkable
class Undoes(Protocol):
    """A kind whose changes can be undone.

    What it is given comes from a file: a state that the kind could not have written is refused, and a value in it
    counts for no more than one that stands in YAML. `node` is the target, or the node of one, that the change was made
    on.
    """

    def former(self, done: ChangeReceipt, node: Target) -> Former:
        """What undoes `done`. Pure.

        Raises CannotUndo, whose text says why nothing does; DesiredError and ValueError where its state cannot be read.
        """
        ...

    def left(self, done: ChangeReceipt, node: Target) -> Resource | None:
        """What would have to be declared for what `done` has left to be in sync; None: its state is a secret, so that
        nobody can tell whether it has changed since. Pure. Raises as `former` does."""
        ...

    def restores(self, done: ChangeReceipt, change: Change) -> str:
        """Why `change`, which was planned from `former`, is not what undoes `done`: a sentence, empty where it is.
        Pure."""
        ...
