"""What is said of a resource where no step is to run."""

from __future__ import annotations

from enum import StrEnum

from reconciler.model.address import Address
from reconciler.model.base import Frozen
from reconciler.model.change import Provenance
from reconciler.model.ignore import Ignored
from reconciler.model.note import Note


class NoticeType(StrEnum):
    """What can be true of a resource without there being anything to run."""

    WAITS_FOR_RESTART = "waits-for-restart"
    NOT_PERSISTED = "not-persisted"
    NOT_VISIBLE = "not-visible"
    BEING_BUILT = "being-built"
    UNLISTED = "unlisted"
    """Nobody declares it: told, and no drift."""
    UNWANTED = "unwanted"
    """Nobody declares it, which counts as drift, as `unlisted_…: drift` says; or it is to go, and cannot now."""
    BLOCKED = "blocked"
    """It differs, and no safe step exists: the message says why and what a person can do."""
    NOTE = "note"
    """Worth knowing, and nothing is wrong: what a plan could have said more of, and why it does not."""
    IGNORED = "ignored"
    """It differs, and a rule of the YAML says that this is ignored for a while: nothing is done, and it is no drift."""
    PREFLIGHT = "preflight"
    """What the steps of this plan would meet on the server at this moment: who they would wait for, what may fail."""


class Notice(Frozen):
    """Something a reviewer has to know and apply cannot do anything about.

    note     of a NOTE: which one.
    ignored  of IGNORED: by which rule, why, and until when.
    """

    address: Address
    type: NoticeType
    message: str
    provenance: Provenance | None = None
    declared_at: str = ""
    note: Note | None = None
    ignored: Ignored | None = None
