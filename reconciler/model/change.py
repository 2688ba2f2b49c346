"""A change: what was before, what comes after, and the steps in between."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import JsonValue

from reconciler.model.address import Address
from reconciler.model.base import Frozen
from reconciler.model.hazard import Hazard
from reconciler.model.step import NewPartitions, Step


class Action(StrEnum):
    """What a change does to its resource.

    REPLACE: the definition differs and cannot be changed in place. REBUILD: the definition is right, the object is
    broken (an INVALID index). RENAME: only the name differs. RESTART: a server is restarted for what waits for that.
    """

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    REBUILD = "rebuild"
    RENAME = "rename"
    DELETE = "delete"
    RESTART = "restart"

    @property
    def terraform_actions(self) -> tuple[str, ...]:
        """The `actions` of Terraform's JSON plan that mean the same; order matters there (create before delete)."""
        return _TERRAFORM_ACTIONS[self]


_TERRAFORM_ACTIONS: Mapping[Action, tuple[str, ...]] = {
    Action.CREATE: ("create",),
    Action.UPDATE: ("update",),
    Action.REPLACE: ("create", "delete"),
    Action.REBUILD: ("delete", "create"),
    Action.RENAME: ("update",),
    Action.DELETE: ("delete",),
    Action.RESTART: ("update",),
}


SENSITIVE = "(sensitive)"
"""Stands in `before` and `after` for a value that is a secret."""


class Fact(Frozen):
    """One piece of evidence, with its unit, so that a view can print it and a policy can compare it."""

    name: str
    value: int | float | str
    unit: Literal["", "rows", "bytes", "seconds", "scans"] = ""
    estimated: bool = False


class ComesTrue(StrEnum):
    """What makes a value of a configuration file, or of a database or role, the one in force."""

    RELOAD = "reload"
    NEW_SESSION = "new session"
    RESTART = "restart"
    NEVER = "never"
    """Something else masks it, and goes on doing so."""


class Provenance(Frozen):
    """Where the value comes from that is in force, and what it takes to put another in its place.

    value    as the server shows it; SENSITIVE where it is withheld, empty where nothing is set.
    source   as pg_settings has it: "configuration file", "command line", "database"…
    place    `postgresql.conf:12`; empty where the server does not say, or no file set it.
    coming   what a reload or a restart will bring, where that is known to be another value.
    masks    the places that set it too and do not count for this one, the strongest first.
    masked_for  who gets another value: "role reporting", "database app".
    comes_true  what makes the declared value the one in force, once it is written.
    brings   what a restart brings, whoever wrote it, by setting; empty where none is declared.
    """

    value: str
    source: str
    place: str = ""
    coming: str = ""
    masks: tuple[str, ...] = ()
    masked_for: tuple[str, ...] = ()
    comes_true: ComesTrue
    brings: Mapping[str, tuple[Hazard, ...]] = {}


def file_of(place: str) -> str:
    """The file of a place such as `postgresql.conf:12`; what names no line, as it is."""
    file, _, line = place.rpartition(":")
    return file if file and line.isdecimal() else place


class Difference(StrEnum):
    """How what is declared, what runs, and what a restart would bring stand to each other where they are not alike."""

    DIFFERS = "differs"
    """To be changed."""
    NOT_PERSISTED = "not-persisted"
    """It runs as declared, and a restart would bring something else."""
    NOT_RUNNING = "not-running"
    """It is written down as declared, and something else runs."""


class Change(Frozen):
    """What is to be done to one resource, whole.

    before       the observed state; None where there is nothing. Keys are the kind's own and the same as in `after`.
    after        the promised state; None for a delete.
    sensitive    keys of before and after whose values are withheld: they hold SENSITIVE.
    difference   whether it differs, or only runs, or is only written down.
    provenance   of a setting: where its value comes from that is in force; its states then have a `source`, in short.
    reason       why this action and no other: "INVALID since a failed build".
    summary      before → after in one short line for people; empty where the statements say it better.
    deviation    for people, what the live system has otherwise than declared, where that is not the summary read
                 backwards.
    notes        short facts for people: "reload", "25% of memory (16GB)".
    steps        what runs, in order, verbatim. Nothing else does.
    new_partitions  what runs beside the steps for partitions that are not there yet; None: nothing.
    undo         what apply runs by itself when the promise is not kept after the steps ran.
    undo_unseen  there is no undo since the role that observed it could not see what to go back to: another may.
    inverse      what would bring back what this change takes away; for people, nothing runs it.
    phase        of one kind, changes of a lower phase run first, on all nodes of a cluster; where one of them fails,
                 those of the same lane in later phases do not run.
    lane         changes of one target and lane run one after another; those of different lanes may run side by side,
                 where they are of phase 0.
    forbidden    why the role that observed it may not run the steps; empty where it may, or where that is not known.
                 A plan is made by a role that may only read, and applied by another.
    desired      the resource as declared, enough to observe and plan it again when the plan is applied.
    fingerprint  of all that can run, or decides whether and when something runs (`documents.fingerprint`); set by
                 planning, empty until then.

    A change must not be altered once it is in a plan: its fingerprint speaks for it.
    """

    address: Address
    action: Action
    before: Mapping[str, JsonValue] | None
    after: Mapping[str, JsonValue] | None
    sensitive: tuple[str, ...] = ()
    difference: Difference = Difference.DIFFERS
    provenance: Provenance | None = None
    reason: str = ""
    why: str = ""
    summary: str = ""
    deviation: str = ""
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...]
    new_partitions: NewPartitions | None = None
    undo: tuple[Step, ...] = ()
    undo_unseen: bool = False
    inverse: tuple[Step, ...] = ()
    evidence: tuple[Fact, ...] = ()
    phase: int = 0
    lane: str = ""
    forbidden: str = ""
    desired: Mapping[str, JsonValue]
    declared_at: str = ""
    fingerprint: str = ""
