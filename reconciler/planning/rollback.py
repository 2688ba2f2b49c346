"""The plan that undoes an apply, from its receipt.

What was there before is declared again, by each kind from the typed states that the receipt holds, and planned as
anything is: observed, with the hazards of this moment, and with steps that no file has any part in. What an apply has
left and somebody has changed since is refused, and so is what no plan brings back; the rest is undone.

Decided: docs/decisions.md#undoing-by-declaration, docs/decisions.md#what-has-changed-since-an-apply
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from reconciler.documents.plan import seal
from reconciler.documents.receipt import receipt_digest
from reconciler.errors import CannotUndo, DesiredError
from reconciler.kind import Gathers
from reconciler.kind.undoing import Undoes
from reconciler.kinds.registry import BY_NAME, KINDS
from reconciler.model import (
    Address,
    Applied,
    Change,
    ChangeReceipt,
    Notice,
    NoticeType,
    Outcome,
    Plan,
    Receipt,
    Resource,
    RollsBack,
    Target,
    Verdict,
)
from reconciler.planning.make import planned
from reconciler.secrets import Secrets
from reconciler.targets.thread_pool import MOST_TARGETS_AT_ONCE
from reconciler.verdicts import of_outcome, worst

MADE = frozenset({Applied.APPLIED, Applied.INCOMPLETE})
"""Results after which something is to be undone, all of it or a part."""

_IN_THE_WAY = (Verdict.BLOCKED, Verdict.NOT_VISIBLE)


class Undoing(NamedTuple):
    """A change that was made, what would have to be declared for it to be undone, and for what it has left (None:
    nobody can tell); `lost` does not come back."""

    done: ChangeReceipt
    former: Resource
    left: Resource | None
    lost: tuple[str, ...]


@dataclass
class _Sorted:
    """What is to be undone, by the address that this is planned at, and what is said of the rest."""

    undoings: dict[Address, Undoing] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)

    def refuse(self, done: ChangeReceipt, why: str) -> None:
        self.notices.append(Notice(address=done.address, type=NoticeType.BLOCKED, message=f"not undone: {why}"))

    def note(self, done: ChangeReceipt, says: str) -> None:
        self.notices.append(Notice(address=done.address, type=NoticeType.NOTE, message=says))


def plan_rollback(
    receipt: Receipt,
    targets: Mapping[str, Target],
    secrets: Secrets,
    *,
    created_at: datetime,
    allow_blocked: bool = False,
    commit: str = "",
    at_once: int = MOST_TARGETS_AT_ONCE,
) -> Plan:
    """The plan that undoes what `receipt` says was done. `targets` are those that it is about (`owners`), as far as
    they are declared.

    Of what was not made, since it failed or was skipped, nothing is undone.
    """
    found = _sorted(receipt, targets)

    def look(resources: Iterable[Resource | None], *, advised: bool = False) -> Plan:
        wanted = _gathered([each for each in resources if each is not None])
        return planned(
            targets, wanted, secrets,
            created_at=created_at, advised=advised, allow_blocked=allow_blocked, commit=commit, of_nodes=True,
            at_once=at_once,
        ).plan  # fmt: skip

    plan = look(undoing.former for undoing in found.undoings.values())
    for address in _elsewhere(receipt, plan, found):
        del found.undoings[address]
    now = look(undoing.left for undoing in found.undoings.values())
    for address, undoing in list(found.undoings.items()):
        if _is_decided(address, undoing, plan, now, found):
            del found.undoings[address]
    plan = look((undoing.former for undoing in found.undoings.values()), advised=True)
    return seal(
        plan.model_copy(
            update={
                "changes": tuple(_told(change, found.undoings) for change in plan.changes),
                "notices": (*found.notices, *plan.notices),
                "in_sync": {},
                "rolls_back": RollsBack(
                    receipt=receipt_digest(receipt),
                    plan=receipt.plan_digest,
                    applied_at=receipt.finished_at.replace(microsecond=0),
                    commit=receipt.git.commit,
                ),
                "digest": "",
            }
        )
    )


def owners(receipt: Receipt) -> dict[str, str]:
    """By the name of each system that a receipt has changes of, the target that is declared. Receipts before 2.4 do not
    say whose node one is: it is called after its target."""
    names = dict.fromkeys(change.address.target for change in receipt.changes)
    known = receipt.targets
    return {name: (known[name].node_of or name) if name in known else name.partition("@")[0] for name in names}


def _sorted(receipt: Receipt, targets: Mapping[str, Target]) -> _Sorted:
    found = _Sorted()
    owned = owners(receipt)
    for done in receipt.changes:
        kind, target = BY_NAME.get(done.address.kind), targets.get(owned[done.address.target])
        node = target and target.model_copy(update={"name": done.address.target})
        if done.result not in MADE:
            if done.steps:
                found.note(done, "was begun, and not made: what it has left a plan of the YAML takes away or finishes")
        elif kind is None or node is None:
            what = f"target {done.address.target}" if node is None else f"kind {done.address.kind}"
            found.refuse(done, f"there is no {what} here any more")
        elif not isinstance(kind, Undoes):
            found.note(done, f"a {kind.nouns[0]} is not undone by itself")
        elif kind.system is not node.system:
            found.refuse(done, f"{node.name} is another system by now")
        else:
            _sort(found, kind, done, node)
    return found


def _sort(found: _Sorted, kind: Undoes, done: ChangeReceipt, node: Target) -> None:
    try:
        former, left = kind.former(done, node), kind.left(done, node)
    except CannotUndo as error:
        found.refuse(done, f"{error.message}{f'; {error.hint}' if error.hint else ''}")
        return
    except (DesiredError, ValueError) as error:
        said = error.message if isinstance(error, DesiredError) else "its states are not what this kind writes"
        found.refuse(done, f"its receipt cannot be understood: {said}")
        return
    if former.resource is None:
        found.note(done, f"nothing is to be brought back: {former.says}")
        return
    undoing = Undoing(done, former.resource, left, former.lost)
    if found.undoings.setdefault(former.resource.address, undoing) is not undoing:
        found.refuse(done, f"another change of the receipt is undone as {former.resource.address}")


def _gathered(resources: Sequence[Resource]) -> list[Resource]:
    """The resources, each with what has to be known of the others, as of those that are declared together."""
    found: list[Resource] = []
    for kind in KINDS:
        mine: Sequence[Resource] = [each for each in resources if each.address.kind == kind.name]
        found += kind.gathered(mine) if mine and isinstance(kind, Gathers) else mine
    return found


def _elsewhere(receipt: Receipt, plan: Plan, found: _Sorted) -> list[Address]:
    """What was made on another system than its target is by now, or on one that is none any more, or was not read."""
    strange = []
    owned = owners(receipt)
    for address, undoing in found.undoings.items():
        name = undoing.done.address.target
        was, info = receipt.targets.get(name), plan.targets.get(name)
        if info is None:
            strange.append(address)
            if owned[name] not in plan.unseen:
                found.refuse(undoing.done, f"{name} is no node of {owned[name]} any more")
        elif was and was.identity != info.identity:
            found.refuse(undoing.done, f"it was made on another system, {was.identity}, and this is {info.identity}")
            strange.append(address)
    return strange


def _is_decided(address: Address, undoing: Undoing, plan: Plan, now: Plan, found: _Sorted) -> bool:
    """Whether nothing is planned for it: it is as before, or it is refused. `plan` is what would undo it, `now` what
    has changed since."""
    done = undoing.done
    kind = BY_NAME[address.kind]
    undone_by = _at(address, plan)
    changes = [each for each in undone_by if isinstance(each, Change)]
    if not changes and worst(map(of_outcome, undone_by)) not in _IN_THE_WAY:
        return True
    since = _since(undoing, now)
    if since:
        found.refuse(done, f"it has changed since it was applied: {since}")
        return True
    if not changes:
        found.refuse(done, _says(undone_by))
        return True
    why = next(filter(None, (kind.restores(done, each) for each in changes)), "") if isinstance(kind, Undoes) else ""
    if why:
        found.refuse(done, why)
    elif undoing.left is None:
        found.note(done, "whether it has changed since is not to be seen: its value is a secret")
    return bool(why)


def _since(undoing: Undoing, now: Plan) -> str:
    """In words, what is otherwise than the apply has left it; empty where nothing is."""
    if undoing.left is None:
        return ""
    if undoing.left.address.target not in now.targets:
        return "nobody could look at it just now"
    seen = _at(undoing.left.address, now)
    if undoing.done.result is Applied.INCOMPLETE:
        seen = [each for each in seen if not isinstance(each, Change)]
    changed = [each for each in seen if isinstance(each, Change) or of_outcome(each) in _IN_THE_WAY]
    return _says(changed)


def _at(address: Address, plan: Plan) -> list[Outcome]:
    outcomes: list[Outcome] = [*plan.changes, *plan.notices]
    return [each for each in outcomes if each.address == address]


def _says(outcomes: Iterable[Outcome]) -> str:
    """What is said of them in one line; never empty where there is one."""
    said = []
    for each in outcomes:
        if isinstance(each, Change):
            to = f"taking that back would {each.action} it"
            said.append(", ".join(filter(None, (to, each.deviation or each.summary or each.reason))))
        elif isinstance(each, Notice) and each.type is not NoticeType.NOTE:
            said.append(each.message)
    return "; ".join(said)


def _told(change: Change, undoings: Mapping[Address, Undoing]) -> Change:
    """The change, with what does not come back by it."""
    undoing = undoings.get(change.address)
    if undoing is None or not undoing.lost:
        return change
    notes = tuple(f"does not come back: {each}" for each in undoing.lost)
    return change.model_copy(update={"notes": (*change.notes, *notes)})
