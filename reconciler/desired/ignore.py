"""The section `ignore`: differences that somebody accepts, for a while, for a reason.

Decided: docs/decisions.md#ignored-differences
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from reconciler.desired.declared import AllTargets
from reconciler.desired.patterns import fits
from reconciler.desired.places import of_path
from reconciler.desired.substituted_values import Values
from reconciler.desired.target_names import NODE
from reconciler.desired.validation_errors import explain
from reconciler.errors import DesiredError
from reconciler.kind import AnyKind
from reconciler.model import Address, Frozen, IgnoreRule
from reconciler.yaml.dates import Day
from reconciler.yaml.files import Document
from reconciler.yaml.node import Node
from reconciler.yaml.suggestions import quoted, unknown
from reconciler.yaml.verbatim_text import Text

SECTION = "ignore"


def _pattern(text: str) -> str:
    Address.parse(text)
    return text


class IgnoreSection(Frozen):
    """One rule: whose differences are ignored, why, and until when."""

    model_config = ConfigDict(title="Ignore rule")

    address: Annotated[Text, AfterValidator(_pattern)] = Field(
        description="target/kind/name, each of which may hold *: main/pg_setting/work_mem, */pg_index/public.tmp_*."
    )
    attribute: Text = Field(
        default="",
        description="Only this key of what is before and after, as the JSON of a plan has them: where anything else "
        "differs as well, nothing is ignored.",
    )
    reason: Annotated[Text, Field(min_length=1)] = Field(description="Why, for whoever reads the plan.")
    until: Day = Field(description="The last day, in UTC, on which it holds: 2026-12-31.")


IGNORE: TypeAdapter[list[IgnoreSection]] = TypeAdapter(list[IgnoreSection])


def ignore_rules(
    documents: Iterable[Document], kinds: Sequence[AnyKind], targets: AllTargets, values: Values
) -> tuple[IgnoreRule, ...]:
    """The rules of all documents, in their order; what is wrong is added to the errors of `values`."""
    return tuple(
        rule
        for file, root in documents
        if (node := root.child(SECTION)) is not None
        for rule in _read(file, root, node, kinds, targets, values)
    )


def _read(
    file: str, root: Node, node: Node, kinds: Sequence[AnyKind], targets: AllTargets, values: Values
) -> Iterator[IgnoreRule]:
    before = len(values.errors)
    plain = values.plain(node, file)
    if len(values.errors) > before:
        return
    try:
        section = IGNORE.validate_python(plain)
    except ValidationError as error:
        values.errors.extend(explain(error, root, SECTION, plain, IGNORE, file))
        return
    values.refuse_secrets(node, file)
    for number, each in enumerate(section):
        pattern = Address.parse(each.address)
        if wrong := _wrong(pattern, kinds, targets):
            at = of_path(file, root, SECTION, (number, "address"))
            values.errors.append(DesiredError(wrong[0], at=at, hint=wrong[1]))
            continue
        at = of_path(file, root, SECTION, (number,))
        yield IgnoreRule(
            pattern=pattern, attribute=each.attribute, reason=each.reason, until=each.until, declared_at=at
        )


def _wrong(pattern: Address, kinds: Sequence[AnyKind], targets: AllTargets) -> tuple[str, str] | None:
    """Why no rule can be for `pattern`, and the way out; None: one can."""
    if NODE in pattern.target:
        target = pattern.target.partition(NODE)[0]
        return f"{quoted(pattern.target)} is a node: what is ignored is so on all of a target", f"name {target}"
    differing = [kind.name for kind in kinds if kind.sections and kind.system is not None]
    others = [kind.name for kind in kinds if kind.sections and kind.system is None]
    if pattern.kind in others:
        return (
            f"what a {pattern.kind} finds is not ignored",
            "a waiver accepts it: waiver: {until: …, by: …, reason: …}",
        )
    if not any(fits(pattern.kind, name) for name in differing):
        return unknown("kind", pattern.kind, differing), ""
    all_known = targets.is_known and not targets.unseen
    if all_known and not any(fits(pattern.target, name) for name in targets.declared):
        return unknown("target", pattern.target, list(targets.declared)), ""
    return None
