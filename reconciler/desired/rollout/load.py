"""The documents → the rollout that one of them declares, held against the targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from reconciler.desired import selectors
from reconciler.desired.declared import AllTargets
from reconciler.desired.labels import NAME, SYSTEM
from reconciler.desired.places import of_key, of_path
from reconciler.desired.rollout.section import ROLLOUT, RolloutSection
from reconciler.desired.rollout.waves import divided
from reconciler.desired.substituted_values import Values
from reconciler.desired.validation_errors import explain
from reconciler.errors import DesiredError
from reconciler.model import Rollout, Target, Wave
from reconciler.yaml.files import Document
from reconciler.yaml.node import Node
from reconciler.yaml.suggestions import MOST_NAMES, unknown

SECTION = "rollout"


@dataclass(frozen=True, slots=True)
class DeclaredRollout:
    """A rollout as declared, `at` a place: which targets its waves come to depends on those that are there."""

    section: RolloutSection
    at: str

    def over(self, targets: Mapping[str, Target]) -> Rollout:
        """The rollout of `targets`. Raises DesiredError where one of them is in no wave."""
        labels = {name: {**each.labels, NAME: name, SYSTEM: str(each.system)} for name, each in targets.items()}
        *waves, rest = divided(self.section.waves, labels)
        if rest:
            raise _left_out(rest, self.at)
        return Rollout(
            waves=tuple(
                Wave(by=wave.by, bake=wave.bake, checks=wave.checks is not None, targets=members)
                for wave, members in zip(self.section.waves, waves, strict=True)
            ),
            at_once=self.section.at_once,
            stop_after=self.section.stop_after,
            stop_after_unreachable=self.section.stop_after_unreachable,
            unreachable=self.section.unreachable,
        )


def declared_rollout(
    documents: Iterable[tuple[Values, Iterable[Document]]], targets: AllTargets
) -> DeclaredRollout | None:
    """The rollout of all documents, None where there is none; what is wrong is added to the errors of their values."""
    found: DeclaredRollout | None = None
    for values, (file, root) in ((values, document) for values, listed in documents for document in listed):
        node = root.child(SECTION)
        if node is None:
            continue
        at = of_key(file, root, SECTION)
        if found:
            message = f"a rollout is declared twice; the first one is at {found.at}"
            values.errors.append(DesiredError(message, at=at, hint="remove one of them"))
            continue
        section = _read(root, node, file, values)
        if section and _expect_all(section, node, file, at, targets, values.errors):
            found = DeclaredRollout(section, at)
    return found


def _read(root: Node, node: Node, file: str, values: Values) -> RolloutSection | None:
    before = len(values.errors)
    plain = values.plain(node, file)
    if len(values.errors) > before:
        return None
    try:
        section = ROLLOUT.validate_python(plain)
    except ValidationError as error:
        values.errors.extend(explain(error, root, SECTION, plain, ROLLOUT, file))
        return None
    values.refuse_secrets(node, file)
    return section


def _expect_all(
    section: RolloutSection, node: Node, file: str, at: str, targets: AllTargets, errors: list[DesiredError]
) -> bool:
    """Whether each `where` selects something, and no target is left out; what may be about targets that are not known
    in this run is no error."""
    before = len(errors)
    selectable = {name: each.selectable for name, each in targets.declared.items() if each.system}
    all_known = targets.is_known and not targets.unseen
    for number, wave in enumerate(section.waves):
        if wave.where is None:
            continue
        place = of_path(file, node, "waves", (number, "where"))
        try:
            selector = selectors.parse(wave.where)
        except selectors.SelectorError as error:
            hint = "for example: env = prod and not (tier in (trial, test))"
            errors.append(DesiredError(f"where: {error}", at=place, hint=hint))
            continue
        strange = [label for label in selector.labels if label not in targets.labels]
        if strange and targets.is_known:
            errors.append(DesiredError(f"where: {unknown('label', strange[0], targets.labels)}", at=place))
        elif all_known and not any(map(selector.test, selectable.values())):
            hint = targets.values_of(selector.labels)
            errors.append(DesiredError("where: no target is selected", at=place, hint=hint))
    if len(errors) == before and all_known and (rest := divided(section.waves, selectable)[-1]):
        errors.append(_left_out(rest, at))
    return len(errors) == before


def _left_out(names: tuple[str, ...], at: str) -> DesiredError:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    told = f"{', '.join(names[:MOST_NAMES])}{more}"
    return DesiredError(f"rollout: no wave takes {told}", at=at, hint="let the last one be: {share: 100%}")
