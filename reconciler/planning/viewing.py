"""What one target, or a node of one, has to say: read through one session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from reconciler.kind import Advises, AdvisesBeside, Sequences
from reconciler.kinds.registry import KINDS
from reconciler.model import Address, Note, Notice, NoticeType, Outcome, Resource, Target, TargetInfo
from reconciler.planning.ignoring import NOTHING, Ignoring, without_ignored
from reconciler.targets import log
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.session import Session


@dataclass(frozen=True, slots=True)
class TargetView:
    """What one target had to say. `in_sync` counts resources by kind; `instance` and `remark` as in Session."""

    info: TargetInfo
    instance: str
    outcomes: tuple[Outcome, ...]
    in_sync: Mapping[str, int]
    remark: Notice | None = None


def view_target(
    target: Target,
    resources: Sequence[Resource],
    sessions: OpenSessions,
    *,
    advised: bool = False,
    ignoring: Ignoring = NOTHING,
) -> TargetView:
    """Observes one target through one session and plans all its resources, with advice where it is wanted. What is
    ignored is so before anything is worked out for it: no restart, no advice.

    Raises TargetError.
    """
    with sessions.lent(target) as session:
        told: list[Callable[[], Sequence[Outcome]]] = []
        in_sync: dict[str, int] = {}
        for kind in KINDS:
            wanted = [resource for resource in resources if resource.address.kind == kind.name]
            if not wanted:
                continue
            with log.stage(f"{kind.name} observed", target.name):
                observed = kind.observe(session, wanted)
            found = [kind.plan(resource, observed.get(resource.address)) for resource in wanted]
            found = without_ignored(kind, session, found, ignoring)
            said: Sequence[Outcome] = [outcome for each in found for outcome in each]
            if isinstance(kind, Sequences):
                said = kind.sequenced(said, target, _info(session))
            if advised and isinstance(kind, AdvisesBeside):
                told.append(kind.advise_beside(session, said))
            else:
                advice = kind.advise(session, said) if advised and isinstance(kind, Advises) else said
                told.append(partial(list, advice))
            in_sync[kind.name] = sum(
                all(map(_says_nothing_against_it, each))
                for resource, each in zip(wanted, found, strict=True)
                if resource.stands_for_itself
            )
        outcomes = [outcome for each in told for outcome in each()]
        if advised and session.lesser_role and in_sync and not target.node_of:
            address = Address(target.name, next(iter(in_sync)), "*")
            message = session.lesser_role
            outcomes.append(Notice(address=address, type=NoticeType.NOTE, note=Note.LESSER_ROLE, message=message))
        remark = _remark(session, in_sync)
        return TargetView(
            info=_info(session), instance=session.instance, in_sync=in_sync,
            outcomes=tuple(each for each in outcomes if not _is_silenced(each, target)),
            remark=None if remark and _is_silenced(remark, target) else remark,
        )  # fmt: skip


def _is_silenced(outcome: Outcome, target: Target) -> bool:
    return isinstance(outcome, Notice) and outcome.note in target.silence


def _says_nothing_against_it(outcome: Outcome) -> bool:
    """Whether what `outcome` is about is as declared all the same."""
    return isinstance(outcome, Notice) and outcome.type is NoticeType.NOTE


def _info(session: Session) -> TargetInfo:
    """Not asked for before anything else is: on PostgreSQL it comes with the first answers."""
    return session.info.model_copy(update={"node_of": session.target.node_of})


def _remark(session: Session, declared: Mapping[str, int]) -> Notice | None:
    """What is to be known of all that is `declared` of a system, by kind: checks compare nothing with a restart."""
    managed = [kind.name for kind in KINDS if kind.name in declared and kind.system is session.target.system]
    remark = session.remark if managed else None
    address = Address(session.target.name, managed[0], "*") if managed else None
    if not (remark and address):
        return None
    return Notice(address=address, type=remark.type, note=remark.note, message=remark.message)
