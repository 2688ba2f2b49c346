"""A YAML file as a tree that knows where everything is written, and keeps every scalar as it is written.

PyYAML reads YAML 1.1, where `on` is a boolean, `010` is 8 and `12:30` is 750. Here its C parser only finds the
structure (its events); the tree is built from them, without recursion, so that no input can exhaust the stack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from yaml._yaml import CParser
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.errors import DesiredError
from reconciler.yaml.node import Mark, Node, shape
from reconciler.yaml.suggestions import quoted, unknown
from reconciler.yaml.syntax_errors import MOST_DEPTH, TOO_DEEP, TOO_DEEP_HINT, explained, text_of

MOST_BYTES = 8 * 1024**2
"""Size of one file. 10,000 indexes take about 1 MB; what is larger was not written by people, and can be split."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
"""Plain scalars that mean "nothing" (YAML 1.2, core schema)."""

_TAGS = {"str": "tag:yaml.org,2002:str", "list": "tag:yaml.org,2002:seq", "dict": "tag:yaml.org,2002:map"}
"""The tags that say what is the case anyway, by the type of the value."""

_BAD_KEY = "{} is used as a key"
_BAD_KEY_HINT = "a key is a name; text that begins with { or [ needs quotes"


class _Open:
    """A list or mapping whose end has not come yet. `key` is set between a key and its value, `merging` where it is <<.

    `size` counts nodes and letters, `height` levels, of all that is inside, with aliases written out.
    """

    __slots__ = ("anchor", "height", "is_mapping", "key", "merge_mark", "merged", "merging", "node", "size")

    def __init__(self, node: Node, is_mapping: bool, anchor: str | None) -> None:
        self.node = node
        self.is_mapping = is_mapping
        self.anchor = anchor
        self.key: str | None = None
        self.merging = False
        self.merge_mark: Mark | None = None
        self.merged: list[Node] = []
        self.size = 1
        self.height = 1


class _Anchor:
    """What an anchor names; `node` is None until it is complete."""

    __slots__ = ("height", "mark", "node", "size")

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.node: Node | None = None
        self.size = 1
        self.height = 0


def parse(data: bytes, file: str) -> list[Node]:
    """The documents of a YAML file, empty ones included. `file` is its name in errors.

    Raises DesiredError with `file:line:column`; where reading could go on, `others` are the further ones.
    """
    builder = _Builder(text_of(data, file), file)
    try:
        builder.build()
    except DesiredError as error:
        builder.errors.append(error)
    if builder.errors:
        first, *others = builder.errors
        raise DesiredError(first.message, at=first.at, hint=first.hint, others=others)
    return builder.documents


class _Builder:
    """Builds the documents of one file, event by event.

    `by_aliases` is the size of all that aliases stand for: what the file would grow by if they were written out.
    """

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.errors: list[DesiredError] = []
        self.documents: list[Node] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, _Anchor] = {}
        self.by_aliases = 0

    def build(self) -> None:
        parser = CParser(self.text)
        builds: dict[type[Event], Callable[[Any], None]] = {
            ScalarEvent: self.scalar,
            MappingStartEvent: self.start,
            SequenceStartEvent: self.start,
            MappingEndEvent: self.end,
            SequenceEndEvent: self.end,
            AliasEvent: self.alias,
            DocumentEndEvent: self.end_document,
        }
        build = builds.get
        try:
            while (event := parser.get_event()) is not None:
                if handle := build(type(event)):
                    handle(event)
        except MarkedYAMLError as error:
            raise explained(error, self.text, self.file) from None
        except (YAMLError, ValueError) as error:
            raise DesiredError(f"this is not YAML: {error}", at=f"{self.file}:1:1") from None

    def scalar(self, event: ScalarEvent) -> None:
        mark: Any = event.start_mark
        text: str = event.value
        plain = not event.style
        node = Node(mark.line + 1, mark.column + 1, None if plain and text in _NULLS and not event.tag else text)
        if event.tag:
            self.check_tag(event.tag, node)
        if not plain and "\0" in text:
            self.note(node, "the text holds a NUL (\\0)", "no server takes one: remove it")
        if event.anchor:
            anchor = self.anchor(event.anchor, node)
            anchor.node, anchor.size = node, len(text) + 1
        self.place(node, len(text) + 1, 0, is_merge=plain and text == "<<")

    def start(self, event: CollectionStartEvent) -> None:
        mark: Any = event.start_mark
        is_mapping = isinstance(event, MappingStartEvent)
        node = Node(mark.line + 1, mark.column + 1, {}, {}) if is_mapping else Node(mark.line + 1, mark.column + 1, [])
        if event.tag:
            self.check_tag(event.tag, node)
        if self.open and self.open[-1].is_mapping and self.open[-1].key is None:
            self.fail(node, _BAD_KEY.format(shape(node)), _BAD_KEY_HINT)
        if len(self.open) >= MOST_DEPTH:
            self.fail(node, TOO_DEEP, TOO_DEEP_HINT)
        if event.anchor:
            self.anchor(event.anchor, node)
        self.open.append(_Open(node, is_mapping, event.anchor))

    def end_document(self, _: DocumentEndEvent) -> None:
        self.anchors.clear()

    def end(self, _: CollectionEndEvent) -> None:
        done = self.open.pop()
        for source in done.merged:
            _merge(source, done.node)
        if done.anchor:
            anchor = self.anchors[done.anchor]
            anchor.node, anchor.size, anchor.height = done.node, done.size, done.height
        self.place(done.node, done.size, done.height)

    def alias(self, event: AliasEvent) -> None:
        mark: Any = event.start_mark
        name: Any = event.anchor
        here = Node(mark.line + 1, mark.column + 1, None)
        anchor = self.anchors.get(name)
        if anchor is None:
            message = unknown("alias", f"*{name}", [f"*{known}" for known in self.anchors])
            self.fail(here, message, f"name a value before it is used: &{name}; text that begins with * needs quotes")
        if anchor.node is None:
            self.fail(here, f"the alias *{name} stands inside the value that it names", "remove the cycle")
        if len(self.open) + anchor.height > MOST_DEPTH:
            self.fail(here, TOO_DEEP, TOO_DEEP_HINT)
        self.by_aliases += anchor.size
        if self.by_aliases > MOST_BYTES:
            self.fail(
                here,
                f"with its aliases written out, this file has more than {MOST_BYTES // 1024**2} MB",
                "that is the limit for a file without aliases, too; write fewer aliases of aliases",
            )
        self.place(anchor.node, anchor.size, anchor.height)

    def place(self, node: Node, size: int, height: int, *, is_merge: bool = False) -> None:
        """Puts a complete node where it belongs: a document, an item, a key or the value of a key."""
        if not self.open:
            self.documents.append(node)
            return
        top = self.open[-1]
        top.size += size
        if height >= top.height:
            top.height = height + 1
        into: Any = top.node.value
        if not top.is_mapping:
            into.append(node)
        elif top.key is None:
            self.key(top, node, is_merge)
        else:
            if top.merging:
                self.merge(top, node)
            elif top.key not in into:
                into[top.key] = node
            top.key, top.merging = None, False

    def key(self, top: _Open, node: Node, is_merge: bool) -> None:
        key, mark = node.value, (node.line, node.column)
        if not isinstance(key, str) or not key:
            what = _BAD_KEY.format(shape(node)) if key else "a key is empty"
            self.fail(node, what, "write a name before the colon; a name that is null or ~ needs quotes")
        first = top.merge_mark if is_merge else top.node.keys.get(key)
        if first:
            message = f"the key {quoted(key)} is there twice; the first one is on line {first[0]}"
            self.note(node, message, "merge: <<: [*first, *second]" if is_merge else "remove or rename one of them")
        elif is_merge:
            top.merge_mark = mark
        else:
            top.node.keys[key] = mark
        top.key, top.merging = key, is_merge

    def merge(self, top: _Open, node: Node) -> None:
        sources = node.value if isinstance(node.value, list) else [node]
        for source in sources:
            if isinstance(source.value, dict):
                top.merged.append(source)
            else:
                self.note(source, f"<< merges mappings, and this is {shape(source)}", "<<: *name, or <<: [*one, *two]")

    def anchor(self, name: str, node: Node) -> _Anchor:
        if name in self.anchors:
            line, _ = self.anchors[name].mark
            self.fail(node, f"the anchor &{name} is there twice; the first one is on line {line}", "rename one of them")
        self.anchors[name] = _Anchor((node.line, node.column))
        return self.anchors[name]

    def check_tag(self, tag: str, node: Node) -> None:
        if tag != _TAGS.get(type(node.value).__name__):
            short = tag.replace("tag:yaml.org,2002:", "!!", 1)
            self.note(
                node, f"the tag {quoted(short)} is not allowed", "remove it: every value is read as it is written"
            )

    def note(self, node: Node, message: str, hint: str) -> None:
        """Remembers an error that reading can go on after."""
        self.errors.append(DesiredError(message, at=node.at(self.file), hint=hint))

    def fail(self, node: Node, message: str, hint: str) -> NoReturn:
        raise DesiredError(message, at=node.at(self.file), hint=hint)


def _merge(source: Node, into: Node) -> None:
    """Adds what `into` does not say itself."""
    have: Any = into.value
    given: Any = source.value
    for key, value in given.items():
        if key not in have:
            have[key] = value
            into.keys[key] = source.keys[key]
