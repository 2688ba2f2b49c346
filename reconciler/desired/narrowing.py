"""What a run is about, of all that is declared: targets by name, pattern or label, and single resources.

    TARGET               main, tenant-*       all that is declared of these targets
    TARGET/KIND/NAME     */pg_index/public.tasks_*   of these targets only what has such an address
    --where EXPRESSION   of all these, only the targets whose labels are so (`selectors`)

In a pattern `*` is for any letters. Several are taken together; none means everything.

Decided: docs/decisions.md#narrowed-plans
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reconciler.desired import selectors
from reconciler.desired.declared import AllTargets, Declared
from reconciler.desired.patterns import fits
from reconciler.desired.selectors import Selector
from reconciler.desired.target_names import NODE
from reconciler.errors import UsageError
from reconciler.model import Address
from reconciler.yaml.suggestions import alternatives, quoted, unknown


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a run is about.

    targets    names of targets, or patterns of them: all that is declared of these.
    resources  addresses, each part of which may be a pattern.
    where      what the labels of all these targets have to be; None: nothing.
    """

    targets: tuple[str, ...] = ()
    resources: tuple[Address, ...] = ()
    where: Selector | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """As somebody asks for it, but for `where`."""
        return (*self.targets, *map(str, self.resources))

    def selects(self, target: Declared) -> bool:
        """Whether it is about this target, or a part of it."""
        if self.where is not None and not self.where.test(target.selectable):
            return False
        patterns = self._patterns
        return not patterns or any(fits(pattern, target.name) for pattern in patterns)

    def is_whole(self, target: str) -> bool:
        """Whether it is about all that is declared of a target that it selects."""
        return not self.resources or any(fits(pattern, target) for pattern in self.targets)

    def holds(self, address: Address, target: str) -> bool:
        """Whether it is about a resource of the declared `target`, or of a node of it, which then is in the address."""
        return self.is_whole(target) or any(is_named(each, address, target) for each in self.resources)

    def needs_only(self, names: Collection[str]) -> bool:
        """Whether it selects no target that is not called by one of `names`."""
        patterns = self._patterns
        return bool(patterns) and all(pattern in names for pattern in patterns)

    def check(self, targets: AllTargets, kinds: Collection[str]) -> None:
        """Raises UsageError where a part of it selects nothing of `targets`, or is of none of `kinds`."""
        names = list(targets.declared)
        for pattern in self._patterns:
            if not any(fits(pattern, name) for name in names):
                dotted = pattern.split(".")[0] in names
                hint = "an address is TARGET/KIND/NAME, with slashes" if dotted else _not_asked(targets)
                raise UsageError(unknown("target", pattern, names), hint=hint)
        for each in self.resources:
            if not any(fits(each.kind, kind) for kind in kinds):
                raise UsageError(f"{each}: {unknown('kind', each.kind, kinds)}")
        if self.where is None:
            return
        strange = [label for label in self.where.labels if label not in targets.labels]
        if strange and targets.is_known:
            raise UsageError(f"--where: {unknown('label', strange[0], targets.labels)}")
        if not any(self.selects(each) for each in targets.declared.values()):
            named = f" of {alternatives(self.words)}" if self.words else ""
            raise UsageError(f"--where: no target{named} is selected", hint=targets.values_of(self.where.labels))

    def check_found(self, known: Sequence[tuple[Address, str]], unseen: Collection[str]) -> None:
        """Raises UsageError where a part of it is about none of the resources that are `known`, each with its declared
        target, and about no target that is `unseen`."""
        for each in self.resources:
            if not any(is_named(each, *one) for one in known) and not any(fits(each.target, name) for name in unseen):
                kind = [one for one, target in known if fits(each.kind, one.kind) and fits(each.target, target)]
                if not kind:
                    raise UsageError(f"{each}: no target that {each.target} fits has any {each.kind}")
                raise UsageError(f"{each}: {unknown('name', each.name, sorted({one.name for one in kind}))}")

    @property
    def _patterns(self) -> tuple[str, ...]:
        return (*self.targets, *(each.target for each in self.resources))


EVERYTHING = Narrowing()


def parse(words: Sequence[str], where: str | None = None) -> Narrowing:
    """What is asked for by `words`, as the module says, and by the expression `where`. Raises UsageError."""
    resources = []
    for word in words:
        if "/" not in word:
            continue
        try:
            address = Address.parse(word)
        except ValueError as error:
            raise UsageError(str(error), hint="a part of it may be a pattern: main/pg_index/*") from None
        resources.append(address)
    targets = [word for word in words if "/" not in word]
    for name in (*targets, *(each.target for each in resources)):
        target, sign, _ = name.partition(NODE)
        if sign:
            raise UsageError(f"{quoted(name)} is a node, and planned with all of its target", hint=f"name {target}")
    try:
        selector = selectors.parse(where) if where is not None else None
    except selectors.SelectorError as error:
        raise UsageError(f"--where: {error}", hint="for example: env = prod and not (tier in (trial, test))") from None
    return Narrowing(tuple(dict.fromkeys(targets)), tuple(dict.fromkeys(resources)), selector)


def is_named(pattern: Address, address: Address, target: str) -> bool:
    """Whether `pattern` fits a resource of the declared `target`, or of a node of it."""
    return fits(pattern.target, target) and fits(pattern.kind, address.kind) and fits(pattern.name, address.name)


def _not_asked(targets: AllTargets) -> str:
    names = alternatives([each.name for each in targets.unseen]) if targets.unseen else ""
    return f"it may be one of {names}: nobody was asked for those" if names else ""
