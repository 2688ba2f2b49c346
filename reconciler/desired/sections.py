"""The documents: for which targets each is, and the resources of its sections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconciler.desired.merging import Part
from reconciler.desired.places import of_key, of_path
from reconciler.desired.selection import Selection
from reconciler.desired.substituted_values import Values
from reconciler.desired.validation_errors import explain
from reconciler.errors import DesiredError
from reconciler.kind import AnyKind, Declaration
from reconciler.model import Resource, System, Target
from reconciler.yaml.files import Document
from reconciler.yaml.node import Node, shape
from reconciler.yaml.suggestions import alternatives, quoted, unknown

WORDS = ("target", "targets", "defaults", "rollout", "ignore")
"""Keys of a document that are no sections of a kind."""

_BOOLEAN: TypeAdapter[bool] = TypeAdapter(bool)


class SectionReader:
    """Collects the resources of all documents."""

    def __init__(self, kinds: Sequence[AnyKind], values: Values, selection: Selection, repository: str) -> None:
        self.values = values
        self.selection = selection
        self.repository = repository
        self.errors = values.errors
        self.parts: list[Part] = []
        self.by_section: dict[str, list[AnyKind]] = {}
        for kind in kinds:
            for section in kind.sections:
                self.by_section.setdefault(section, []).append(kind)
        self.adapters: dict[tuple[str, str], TypeAdapter[Any]] = {}

    def read(self, document: Document) -> None:
        """Adds the resources of one document; what is wrong is added to the errors."""
        file, root = document
        if root.value is None:
            return
        if not isinstance(root.value, dict):
            message = f"expected a mapping with target, targets or a section, not {shape(root)}"
            self.errors.append(DesiredError(message, at=root.at(file)))
            return
        sections = [key for key in root.value if key in self.by_section]
        for key in root.value:
            if key not in self.by_section and key not in WORDS:
                message = unknown("key", key, [*sorted(WORDS, reverse=True), *sorted(self.by_section)])
                self.errors.append(DesiredError(message, at=of_key(file, root, key)))
        is_default = self._is_default(file, root)
        chosen = self.selection.of(document, sections)
        systems = list(dict.fromkeys(each.system for each in chosen.targets if each.system))
        for key in sections:
            for system in systems:
                kind = self._kind(key, system, file, root)
                mine = [each.target for each in chosen.targets if each.system is system and each.target]
                if kind and mine:
                    found = list(self._read_section(kind, key, mine, file, root))
                    self.parts += [] if chosen.unseen else [part._replace(is_default=is_default) for part in found]

    def _is_default(self, file: str, root: Node) -> bool:
        node = root.child("defaults")
        if node is None:
            return False
        try:
            return _BOOLEAN.validate_python(node.value)
        except ValidationError:
            message = "defaults: expected yes or no: whether other documents may override what this one declares"
            self.errors.append(DesiredError(message, at=of_key(file, root, "defaults")))
            return False

    def _kind(self, section: str, system: System, file: str, root: Node) -> AnyKind | None:
        """The kind that reads `section` of a target of `system`; one for this very system before one for any."""
        kinds = sorted(self.by_section[section], key=lambda kind: kind.system is None)
        for kind in kinds:
            if kind.system in (system, None):
                return kind
        systems = alternatives(sorted({str(kind.system) for kind in kinds}))
        message = f"the section {quoted(section)} is for targets of {systems}, and this one is of {system}"
        node = root.child("target")
        hint = "is the target right?"
        if node is not None and isinstance(node.value, dict):
            hint = f"select less: … and system = {sorted(str(kind.system) for kind in kinds)[0]}"
        self.errors.append(DesiredError(message, at=of_key(file, root, section), hint=hint))
        return None

    def _read_section(
        self, kind: AnyKind, key: str, targets: Sequence[Target], file: str, root: Node
    ) -> Iterator[Part]:
        """The resources of a section for each of `targets`, which all are of one system."""
        node = root.child(key) or root
        before = len(self.errors)
        plain = self.values.plain(node, file)
        if len(self.errors) > before:
            return
        adapter = self.adapters.get((kind.name, key))
        if adapter is None:
            adapter = self.adapters[kind.name, key] = TypeAdapter(kind.sections[key])
        try:
            value = adapter.validate_python(plain)
            for alike in _alike(targets):
                at = partial(of_path, file, root, key)
                declaration = Declaration(alike[0], key, value, file, at, self.repository)
                resources = list(kind.declare(declaration))
                section_at = declaration.at(())
                yield from (Part(each, section_at) for target in alike for each in _of(target, alike[0], resources))
            self.values.refuse_secrets(node, file)
        except ValidationError as error:
            self.errors.extend(explain(error, root, key, plain, adapter, file))
        except DesiredError as error:
            at_error = error.at or of_key(file, root, key)
            self.errors += [DesiredError(error.message, at=at_error, hint=error.hint), *error.others]


def _alike(targets: Iterable[Target]) -> Iterable[Sequence[Target]]:
    """`targets` by what `Kind.declare` may know of them besides their names: work that is done once for all."""
    found: dict[object, list[Target]] = {}
    for target in targets:
        found.setdefault((target.system, target.memory, target.cpus), []).append(target)
    return found.values()


def _of(target: Target, first: Target, resources: Sequence[Resource]) -> Iterable[Resource]:
    """`resources` of the target `first` as those of `target`, which is alike."""
    if target is first:
        return resources
    return (each.model_copy(update={"address": each.address._replace(target=target.name)}) for each in resources)
