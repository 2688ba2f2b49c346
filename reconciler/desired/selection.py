"""`target` of a document: the targets that it is for, by name or by their labels.

Decided: docs/decisions.md#selectors
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from reconciler.desired import selectors
from reconciler.desired.declared import Declared, Unseen
from reconciler.desired.labels import GIVEN
from reconciler.desired.places import of_key
from reconciler.desired.substituted_values import Values
from reconciler.errors import DesiredError
from reconciler.yaml.files import Document
from reconciler.yaml.node import Node, shape
from reconciler.yaml.suggestions import MOST_NAMES, quoted, unknown

EXPECTED = "expected the name of a target, a list of names, or {where: …}"


class Chosen(NamedTuple):
    """Those of one document. `unseen`: they only stand for targets that this run does not see."""

    targets: Sequence[Declared] = ()
    unseen: bool = False


NONE = Chosen()


@dataclass(frozen=True)
class Selection:
    """Tells for which targets documents are. What is wrong is added to the errors of `values`.

    `declared` by name; `unseen` are the templates whose targets are not known in this run: what may be about those is
    no error. Nor is what is not found if not `is_complete`: a file or a row that could not be read may declare it.
    """

    values: Values
    declared: Mapping[str, Declared]
    unseen: Sequence[Unseen]
    is_complete: bool

    def of(self, document: Document, sections: Sequence[str]) -> Chosen:
        """The targets that the sections of a document are for; none where that is not told, or wrong."""
        file, root = document
        node = root.child("target")
        if node is None:
            if sections:
                message = f"the key target is missing: which target is the section {quoted(sections[0])} for?"
                hint = f"add a line to this document: target: {next(iter(self.declared), 'main')}"
                self._note(message, of_key(file, root, sections[0]), hint)
            return NONE
        errors = self.values.errors
        before = len(errors)
        plain = self.values.plain(node, file)
        self.values.refuse_secrets(node, file)
        if len(errors) > before:
            return NONE
        match plain:
            case str():
                found = self._named(plain, node, file)
                return self._chosen([found] if found else [], len(errors) > before)
            case list():
                return self._listed(plain, node, file, of_key(file, root, "target"))
            case {"where": str(text), **others} if not others:
                return self._where(text, node.child("where") or node, file)
            case dict():
                message = "target: a mapping holds `where`, with text, and nothing else"
                self._note(
                    message, node.at(file), 'the expression stands between quotes: {where: "env in (prod, test)"}'
                )
            case _:
                self._note(f"target: {EXPECTED}, not {shape(node)}", of_key(file, root, "target"))
        return NONE

    def _listed(self, names: Sequence[object], node: Node, file: str, at: str) -> Chosen:
        if not names:
            self._note("target: the list names no target", at)
            return NONE
        before = len(self.values.errors)
        found: dict[str, Declared | None] = {}
        for number, name in enumerate(names):
            child = node.child(number) or node
            if not isinstance(name, str):
                self._note(f"target: expected the name of a target in the list, not {shape(child)}", child.at(file))
            elif name in found:
                self._note(f"target: {quoted(name)} is named twice", child.at(file), "remove one of them")
            else:
                found[name] = self._named(name, child, file)
        return self._chosen([each for each in found.values() if each], len(self.values.errors) > before)

    def _named(self, name: str, node: Node, file: str) -> Declared | None:
        found = self.declared.get(name)
        if found is None and self.is_complete and not self.unseen:
            hint = "" if self.declared else "no target is declared anywhere: add targets: {name: {postgres: URL}}"
            self._note(unknown("target", name, list(self.declared)), node.at(file), hint)
        return found

    def _where(self, text: str, node: Node, file: str) -> Chosen:
        try:
            selector = selectors.parse(text)
        except selectors.SelectorError as error:
            self._note(f"where: {error}", node.at(file), "for example: env = prod and not (tier in (trial, test))")
            return NONE
        strange = [label for label in selector.labels if label not in self._labels]
        if strange:
            if self._all_known:
                self._note(f"where: {unknown('label', strange[0], self._labels)}", node.at(file))
            return NONE
        found = [each for each, labels in self._selectable if selector.test(labels)]
        is_wrong = not found and not self.unseen and self._all_known
        if is_wrong:
            self._note("where: no target is selected", node.at(file), self._values_of(selector.labels))
        return self._chosen(found, is_wrong)

    def _chosen(self, found: Sequence[Declared], is_wrong: bool) -> Chosen:
        """Where nothing is found that may be unseen, the sections are held against what stands for that."""
        if found or is_wrong or not self.unseen:
            return Chosen(found)
        return Chosen([each.standin for each in self.unseen if each.standin], unseen=True)

    @cached_property
    def _all_known(self) -> bool:
        """Whether every target and its labels are known: none is declared wrongly, or in a file that is none."""
        standins = all(each.standin for each in self.unseen)
        return self.is_complete and standins and all(each.system for each in self.declared.values())

    @cached_property
    def _labels(self) -> Sequence[str]:
        """What may be asked for, in the order of the files."""
        of_unseen = [each.standin for each in self.unseen if each.standin]
        return list(
            dict.fromkeys([*GIVEN, *(name for each in (*self.declared.values(), *of_unseen) for name in each.labels)])
        )

    @cached_property
    def _selectable(self) -> Sequence[tuple[Declared, Mapping[str, str]]]:
        return [(each, each.selectable) for each in self.declared.values() if each.system]

    def _values_of(self, labels: Iterable[str]) -> str:
        """What the targets have under these labels, for whoever has asked for what none has."""
        told = []
        for label in labels:
            values = sorted({value for _, labels in self._selectable if (value := labels.get(label))})
            more = ", …" if len(values) > MOST_NAMES else ""
            told.append(f"{label} is {', '.join(map(quoted, values[:MOST_NAMES])) or 'nothing'}{more}")
        return f"of the targets that are declared, {'; '.join(told)}"

    def _note(self, message: str, at: str, hint: str = "") -> None:
        self.values.errors.append(DesiredError(message, at=at, hint=hint))
