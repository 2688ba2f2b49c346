"""What is equal on several targets: the one place that decides it, for whoever reads a plan of many and approves it.

Two changes are equal where the same is run for the same reason to run it: of one kind and name, from the same state to
the same state, by the same steps with the same hazards, with what undoes them, and as the same is declared of the
resource. Only the target differs, what is declared beside the resource (the plan of each target holds that), and what
is said: the words of hazards, evidence, why, who may not run it, and in which line of a file a value stands.

Decided: docs/decisions.md#groups-of-equal-changes
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from reconciler.documents.change_fingerprint import parts
from reconciler.documents.digest import digest
from reconciler.errors import PlanFileError
from reconciler.model import (
    Address,
    Change,
    CheckResult,
    CheckStatus,
    Ignored,
    Notice,
    NoticeType,
    Severity,
    Unreachable,
    UnreadReason,
    file_of,
)
from reconciler.planning.staleness import resource_of

T = TypeVar("T")


class ChangeKey(NamedTuple):
    """What equal changes have in common. `runs`: a digest of all of them that can run, and of what it comes to."""

    kind: str
    name: str
    runs: str


class NoticeKey(NamedTuple):
    """What equal notices have in common: all of them but the target."""

    kind: str
    name: str
    type: NoticeType
    message: str
    declared_at: str
    ignored: Ignored | None


class CheckKey(NamedTuple):
    """What equal results of one item have in common: with the same evidence in their message."""

    kind: str
    name: str
    title: str
    severity: Severity
    status: CheckStatus
    message: str
    declared_at: str


class UnreadKey(NamedTuple):
    """What targets have in common that could not be read alike. `node`: which of its nodes; empty: itself."""

    node: str
    reason: UnreadReason
    message: str
    hint: str


class Group(NamedTuple):
    """Equal changes, in the order of their plan: one for each target or node."""

    key: ChangeKey
    changes: tuple[Change, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets, or nodes, that it is made on."""
        return tuple(change.address.target for change in self.changes)

    @property
    def digest(self) -> str:
        """What stands for the group where it is approved: the same in every plan, whatever targets are in it."""
        return digest(self.key._asdict())


def groups_of(changes: Iterable[Change]) -> tuple[Group, ...]:
    """The groups of equal changes, each at the place of its first."""
    return tuple(Group(change_key(found[0]), found) for found in alike(changes, change_key))


def alike(items: Iterable[T], key: Callable[[T], Hashable]) -> list[tuple[T, ...]]:
    """`items` with the same key put together, each at the place of its first."""
    found: dict[Hashable, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return [tuple(each) for each in found.values()]


def change_key(change: Change) -> ChangeKey:
    """What changes have to have in common to be equal."""
    address = change.address._replace(target="")
    plain = change.model_dump(mode="json", include={"before", "after"})
    runs = parts(change.model_copy(update={"address": address})) | {"summary": change.summary}
    runs |= {state: _without_lines(change, plain[state]) for state in plain}
    runs["desired"] = _declared(change, runs["desired"])
    return ChangeKey(change.address.kind, change.address.name, digest(runs))


def notice_key(notice: Notice) -> NoticeKey:
    """What notices have to have in common to be equal."""
    return NoticeKey(*_name(notice.address), notice.type, notice.message, notice.declared_at, notice.ignored)


def check_key(check: CheckResult) -> CheckKey:
    """What results of checks have to have in common to be equal."""
    return CheckKey(*_name(check.address), check.title, check.severity, check.status, check.message, check.declared_at)


def unread_key(unread: Unreachable) -> UnreadKey:
    """What targets that could not be read have to have in common to be told as one."""
    return UnreadKey(unread.node.removeprefix(unread.target), unread.reason, unread.message, unread.hint)


def _name(address: Address) -> tuple[str, str]:
    return address.kind, address.name


def _declared(change: Change, desired: object) -> object:
    """What somebody has declared of the resource, without what planning has put beside it from the rest of the table or
    server; of what this version cannot read, all of it."""
    try:
        return resource_of(change).declaration()
    except PlanFileError:
        own = isinstance(desired, Mapping) and desired.get("address") == str(change.address)
        return {**desired, "address": ""} if isinstance(desired, Mapping) and own else desired


def _without_lines(change: Change, state: Mapping[str, object] | None) -> object:
    """A state with the file that a value comes from, and not the line: that moves with each one above it."""
    source = state and state.get("source")
    if change.provenance is None or not isinstance(source, str):
        return state
    return {**(state or {}), "source": file_of(source)}
