"""What a plan was to read, and could not."""

from __future__ import annotations

from enum import StrEnum

from reconciler.model.base import Frozen


class UnreadReason(StrEnum):
    """Why a system could not be read."""

    SILENT = "silent"
    """Nothing came from where it should be, not even a refusal, for as long as is waited."""
    NOT_CONNECTED = "not-connected"
    """It is not there, refused us, or went away."""
    NOT_READ = "not-read"
    """It answered, but not with what has to be known."""
    NOT_AS_DECLARED = "not-as-declared"
    """It answered, and is not what it is declared as: another cluster's node, the database of another target."""


class Unreachable(Frozen):
    """A declared target that could not be read when a plan was made, and because of which system.

    Nothing of the target is in the plan, whatever its other nodes said: no change, and no word of what is in sync.

    target       its name, as declared.
    node         the name of its node that could not be read; `target` where it is no node among several, or where
                 nobody could say which nodes there are.
    message      what was in the way, without the name.
    hint         the way out; may be empty.
    declared_at  where the target is declared, file:line:column.
    """

    target: str
    node: str
    reason: UnreadReason
    message: str
    hint: str = ""
    declared_at: str = ""
