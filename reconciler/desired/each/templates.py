"""Templates of targets: where their rows come from, and whether they fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reconciler.desired.each.command import rows_of_command
from reconciler.desired.each.file import rows_of_file
from reconciler.desired.each.query import rows_of_query
from reconciler.desired.each.rows import Row, Rows, refuse_values
from reconciler.desired.each.source import SOURCE, FileSource, QuerySource, Source, words
from reconciler.desired.narrowing import EVERYTHING, Narrowing
from reconciler.desired.substituted_values import Values
from reconciler.desired.urls import texts, urls
from reconciler.desired.validation_errors import explain
from reconciler.desired.variables import names, needed
from reconciler.errors import DesiredError, Unanswered
from reconciler.model import PostgresTarget, Target
from reconciler.secrets import Secrets
from reconciler.yaml.node import Node
from reconciler.yaml.suggestions import quoted, unknown

EACH = "each"
OWN_KEYS = (EACH, "name")
"""Keys of a template that are not its targets'."""

NAMED = "${name}"
"""What its targets are called, where the template does not say."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A target, or a template of many: under the key `name` of the mapping `section`, `at` file:line:column."""

    name: str
    section: Node
    file: str
    at: str

    @property
    def node(self) -> Node:
        """Its declaration."""
        return self.section.child(self.name) or self.section

    @property
    def is_template(self) -> bool:
        """Whether it makes a target of each row of something."""
        return self.node.child(EACH) is not None


@dataclass(frozen=True, slots=True)
class Instance:
    """One row of a template, and how the template's values read with it."""

    row: Row
    values: Values


@dataclass(frozen=True, slots=True)
class Instances:
    """All of a template; `unseen` not empty: what would have to be asked for them, and is not in this run, or has not
    answered: `unanswered`."""

    found: Sequence[Instance] = ()
    unseen: str = ""
    unanswered: Unanswered | None = None


@dataclass(frozen=True, slots=True)
class Templates:
    """Reads the rows of templates. What is wrong is added to the errors of `values`.

    `trusted`: they are declared in the file that whoever runs this has named, and may ask databases and run commands.
    `offline`: nothing is asked. `partial`: a catalogue that does not answer is no error. `below`: where files have to
    be; None: anywhere. `only`: what this run is about.
    """

    values: Values
    secrets: Secrets
    trusted: bool
    offline: bool
    partial: bool
    below: Sequence[Path] | None
    only: Narrowing = EVERYTHING

    def instances(self, template: Entry, ordinary: Mapping[str, Callable[[], Target | None]]) -> Instances | None:
        """One for each row; None where something is wrong. `ordinary`: the targets that are no template's, by name.

        Passwords in the URLs of its targets are known from here on.
        """
        node, file = template.node, template.file
        each = node.child(EACH) or node
        at = each.at(file)
        before = len(self.values.errors)
        plain = self.values.plain(each, file)
        if len(self.values.errors) > before:
            return None
        try:
            source = SOURCE.validate_python(plain)
            if isinstance(source, FileSource):
                rows = rows_of_file(source, at, file, self.below)
            else:
                self._refuse_untrusted(source, at)
                if self.offline or self.only.needs_only(ordinary):
                    return Instances(unseen=words(source))
                if isinstance(source, QuerySource):
                    rows = rows_of_query(source, self._catalogue(source, ordinary, at), at, self.secrets)
                else:
                    rows = rows_of_command(source, at, self.secrets)
            self.values.refuse_secrets(each, file)
            self._refuse_strange(template, rows)
        except ValidationError as error:
            self.values.errors.extend(explain(error, node, EACH, plain, SOURCE, file))
            return None
        except DesiredError as error:
            if self.partial and isinstance(error, Unanswered):
                return Instances(unseen=words(source), unanswered=error)
            self.values.errors.append(error)
            return None
        for row in rows.rows:
            refuse_values(row, self.values.errors)
        if len(self.values.errors) > before:
            return None
        return Instances([*self._filled_in(template, rows)])

    def _filled_in(self, template: Entry, rows: Rows) -> Iterator[Instance]:
        templates = list(urls(template.node))
        for row in rows.rows:
            secret = {name for text in templates for name in self.values.leaks.learn_url(text, row.values)}
            yield Instance(row, self.values.with_columns(row.values, secret))

    def _refuse_untrusted(self, source: Source, at: str) -> None:
        if not self.trusted:
            raise DesiredError(
                f"{words(source)} is not for documents to name: it is only taken from the file of --targets",
                at=at,
                hint="declare the template in that file, or use {file: …}",
            )

    def _catalogue(
        self, source: QuerySource, ordinary: Mapping[str, Callable[[], Target | None]], at: str
    ) -> PostgresTarget:
        if source.target not in ordinary:
            raise DesiredError(unknown("target", source.target, list(ordinary)), at=at)
        before = len(self.values.errors)
        found = ordinary[source.target]()
        if found is None or len(self.values.errors) > before:  # an empty URL would lead to a server that nobody named
            raise DesiredError(f"the target {quoted(source.target)} cannot be asked: see its own error", at=at)
        if not isinstance(found, PostgresTarget):
            raise DesiredError(f"the target {quoted(source.target)} is no PostgreSQL: it takes no query", at=at)
        return found

    def _refuse_strange(self, template: Entry, rows: Rows) -> None:
        """Adds an error for each name in the template that is neither a column nor a variable, or is both."""
        errors = self.values.errors
        for node in _texts(template.node):
            text = str(node.value)
            for name in sorted(set(names(text))):
                if name in rows.columns and name in self.values.env:
                    message = f"{name} is a column of {rows.said}, and a variable of the environment as well"
                    hint = f"rename the column, or unset {name}: neither wins"
                    errors.append(DesiredError(message, at=node.at(template.file), hint=hint))
            for name in sorted(needed(text)):
                if name not in rows.columns and name not in self.values.env:
                    message = unknown("column", name, list(rows.columns))
                    hint = f"{rows.said} has no such column, and the environment no such variable"
                    errors.append(DesiredError(message, at=node.at(template.file), hint=hint))
        if template.node.child("name") is None and "name" not in rows.columns:
            message = f"{rows.said} has no column that is called name"
            hint = f'say how its targets are called: name: "{template.name}-${{{rows.columns[0]}}}"'
            each = template.node.child(EACH) or template.node
            errors.append(DesiredError(message, at=each.at(template.file), hint=hint))


def _texts(template: Node) -> Iterator[Node]:
    """The texts of a template that columns fill in."""
    for key, child in (template.value if isinstance(template.value, dict) else {}).items():
        if key != EACH:
            yield from texts(child)
