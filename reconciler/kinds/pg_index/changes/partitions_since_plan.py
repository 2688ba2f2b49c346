"""What becomes of a planned change where partitions came, or went, after its plan was made.

The steps of those that went are left out. Those that came are for a new plan, unless the plan has a template for them;
an index that lacks them neither serves as a whole nor takes the place of another, but the others get their parts.

Decided: docs/decisions.md#partitions-that-come-after-the-plan
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import takewhile

from reconciler.kind.applying import Followed
from reconciler.kinds.pg_index.changes.statements import FRESH, temporary_name
from reconciler.kinds.pg_index.changes.steps_for_new_partitions import filled_in
from reconciler.kinds.pg_index.changes.whole_change import forbidden
from reconciler.kinds.pg_index.observed import ObservedIndex, PartitionIndex
from reconciler.model import Action, Change, SqlStep, Step

Tree = Mapping[str, PartitionIndex]
"""The partitions that there are at this moment, by schema and name."""


def followed(planned: Change, now: Change, observed: ObservedIndex) -> Followed | None:
    """See `kind.applying.Follows`."""
    tree = _tree(now, observed)
    before, after = _partitions(planned.steps), _partitions(now.steps)
    gone = [name for name in before if name not in after]
    came = _came(now, before, tree)
    if came is None or any(name in tree for name in gone):
        return None  # something else was done to a partition that was there, and still is
    shared = {*_partitions(planned.inverse)} & {*_partitions(now.inverse)}
    alike = _without(planned.steps, gone) == _without(now.steps, came)
    if not alike or _without(planned.inverse, (), shared) != _without(now.inverse, (), shared):
        return None
    covered = _covered(planned, now, [tree[name] for name in came], tree)
    left = [name for name in came if name not in covered]
    run = [step for step in now.steps if _partition(step) not in left]
    run = [step for step in run if not (left and _needs_all(step))]
    return Followed(run, forbidden(observed, run))


def once_more(made: Change, now: Change) -> Sequence[Step] | None:
    """See `kind.applying.Follows`: that a part is attached, where PostgreSQL found that another was lacking, and
    that one went (see `partitioned_validity.py`)."""
    known = {step.statements: step for step in made.steps if isinstance(step, SqlStep)}
    due = list(takewhile(lambda step: not _needs_all(step), now.steps))
    found = [known.get(step.statements) if isinstance(step, SqlStep) else None for step in due]
    return None if None in found else [step for step in found if step is not None]


def left_over(made: Change, now: Change, observed: ObservedIndex) -> Sequence[str]:
    """See `kind.applying.Follows`."""
    came = _came(now, _partitions(made.steps), _tree(now, observed))
    if not came:
        return []
    return came if all(_needs_all(step) or _partition(step) in came for step in now.steps) else []


def went(made: Change, observed: ObservedIndex) -> Sequence[str]:
    """See `kind.applying.Follows`."""
    there = {part.full_name for part in (*observed.partitions, *observed.fresh_partitions)}
    # Where none is seen, it may be the table that is gone, or locked.
    return [name for name in _partitions(made.steps) if name not in there] if there else []


def _tree(now: Change, observed: ObservedIndex) -> Tree:
    parts = observed.fresh_partitions if now.action is Action.REPLACE else observed.partitions
    return {part.full_name: part for part in parts}


def _came(now: Change, known: Collection[str], tree: Tree) -> list[str] | None:
    """The partitions that `now` gives their parts and that are not `known`; None where one of them has one already:
    then it did not come, but something was done to it."""
    giving = (step for step in now.steps if not _needs_all(step))
    found = [name for name in _partitions(giving) if name not in known]
    return None if any(name not in tree or tree[name].attached for name in found) else found


def _covered(planned: Change, now: Change, came: Sequence[PartitionIndex], tree: Tree) -> set[str]:
    """Those that the plan's template is for: tables of our own, not in another that came, and the first ones where
    they are more than it is for."""
    template = planned.new_partitions
    if template is None:
        return set()
    above = {(part.schema_name, part.table) for part in came}
    fitting = []
    for part in came:
        wanted = [step for step in now.steps if _partition(step) == part.full_name]
        small = part.relkind == "r" and part.bytes is not None and part.bytes <= template.up_to
        if (
            small
            and not part.forbidden
            and part.parent not in above
            and _is_within(_bare(wanted), _bare(filled_in(template, part, _above(part, now, tree))))
        ):
            fitting.append(part.full_name)
    return set(fitting[: template.at_most])


def _above(part: PartitionIndex, now: Change, tree: Tree) -> tuple[str, str]:
    """The index that the one of `part` is attached to."""
    for other in tree.values():
        if (other.schema_name, other.table) == part.parent:
            return other.schema_name, other.name
    name = str(now.desired["name"])
    return part.parent[0], temporary_name(name, FRESH) if now.action is Action.REPLACE else name


def _is_within(some: Sequence[Step], all_of: Sequence[Step]) -> bool:
    """Whether `some` are steps of `all_of`, in its order."""
    rest = iter(all_of)
    return all(step in rest for step in some)


def _partition(step: Step) -> str:
    return step.partition if isinstance(step, SqlStep) else ""


def _needs_all(step: Step) -> bool:
    return isinstance(step, SqlStep) and step.needs_all


def _partitions(run: Iterable[Step]) -> dict[str, None]:
    """The partitions that steps are for, in their order."""
    return dict.fromkeys(filter(None, map(_partition, run)))


def _without(run: Iterable[Step], others: Collection[str], only: Collection[str] | None = None) -> list[Step]:
    """All that counts of the steps that are not for `others`, nor for any but `only`."""
    return _bare(
        step
        for step in run
        if not (name := _partition(step)) or (name not in others and (only is None or name in only))
    )


def _bare(run: Iterable[Step]) -> list[Step]:
    """Steps without the messages of their hazards, as a fingerprint takes them."""
    return [
        step.model_copy(update={"hazards": tuple(h.model_copy(update={"message": ""}) for h in step.hazards)})
        for step in run
    ]
