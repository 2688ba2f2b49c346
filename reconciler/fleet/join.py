"""The indexes of all shards → that of the whole fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.documents import fleet as fleet_file
from reconciler.errors import DocumentError
from reconciler.model import ChangeGroup, Fleet, Partial, Shard
from reconciler.verdicts import worst

MOST_NAMED = 5
"""Of parts that are missing: whoever has to look for more starts with these."""

REMADE = "plan all shards once more, with the same files, into an empty folder"


def joined(parts: Mapping[str, Fleet]) -> Fleet:
    """The fleet of all `parts`, by the names of their files; the same, however they are ordered.

    Raises DocumentError where one is missing or there twice, or where they are not of one plan: of another number of
    shards, another version, or made of something else that was declared.
    """
    first_file, first = next(iter(parts.items()))
    by_shard: dict[Shard, str] = {}
    by_target: dict[str, str] = {}
    for file, part in parts.items():
        if part.shard is None:
            raise DocumentError(f"{file} is of a whole fleet, and not of a shard", hint=REMADE)
        _expect_alike(first_file, first, file, part)
        other = by_shard.setdefault(part.shard, file)
        if other != file:
            raise DocumentError(f"{other} and {file} are both of the shard {part.shard}", hint="keep one of them")
        for name in (*part.targets, *part.unseen):
            other = by_target.setdefault(name, file)
            if other != file:
                raise DocumentError(f"{name} is in {other}, and in {file} as well", hint=REMADE)
    of = first.shard.of if first.shard else 1
    missing = [f"{number}/{of}" for number in range(of) if Shard(number=number, of=of) not in by_shard]
    if missing:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        told = ", ".join(missing[:MOST_NAMED])
        raise DocumentError(
            f"of {of} shards there are the plans of {len(by_shard)}: missing are {told}{more}",
            hint="run reconciler plan --out-dir DIR --shard I/N for each of them",
        )
    ordered = [parts[by_shard[Shard(number=number, of=of)]] for number in range(of)]
    return fleet_file.seal(
        first.model_copy(
            update={
                "created_at": min(part.created_at for part in ordered),
                "shard": None,
                "targets": {name: plan for part in ordered for name, plan in part.targets.items()},
                "groups": _groups(ordered),
                "unreachable": tuple(each for part in ordered for each in part.unreachable),
                "partial": _partial({by_shard[part.shard]: part for part in ordered if part.shard}),
                "verdict": worst(part.verdict for part in ordered),
                "digest": "",
            }
        )
    )


def _expect_alike(first_file: str, first: Fleet, file: str, part: Fleet) -> None:
    differs = {
        "the number of shards": first.shard and part.shard and first.shard.of != part.shard.of,
        "the version of reconciler": first.reconciler_version != part.reconciler_version,
        "what is declared": first.declared != part.declared,
        "the rollout": first.rollout != part.rollout,
        "--allow-blocked": first.allow_blocked != part.allow_blocked,
    }
    if told := [what for what, is_so in differs.items() if is_so]:
        raise DocumentError(f"{first_file} and {file} are not of one plan: {told[0]} differs", hint=REMADE)


def _partial(parts: Mapping[str, Fleet]) -> Partial | None:
    """What all were narrowed to. A part is not narrowed where it has no target, or only such as are asked for whole."""
    found = {file: part.partial for file, part in parts.items() if part.partial}
    if not found:
        return None
    (first_file, first), *others = found.items()
    for file, partial in others:
        if (partial.to, partial.where) != (first.to, first.where):
            raise DocumentError(
                f"{first_file} and {file} are not of one plan: what they were narrowed to differs", hint=REMADE
            )
    return first.model_copy(
        update={
            "pulled_in": tuple(each for partial in found.values() for each in partial.pulled_in),
            "left_out": sum(partial.left_out for partial in found.values()),
        }
    )


def _groups(parts: Sequence[Fleet]) -> tuple[ChangeGroup, ...]:
    found: dict[str, list[ChangeGroup]] = {}
    for group in (group for part in parts for group in part.groups):
        found.setdefault(group.digest, []).append(group)
    return tuple(_as_one(alike) for _, alike in sorted(found.items()))


def _as_one(groups: Sequence[ChangeGroup]) -> ChangeGroup:
    targets = sorted(name for group in groups for name in group.targets)
    return groups[0].model_copy(update={"targets": tuple(targets)})
