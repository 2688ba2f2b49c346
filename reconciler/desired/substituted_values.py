"""The values of a document as the kinds get them: variables replaced, as far as they may be, and no secret in them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from reconciler.allow_lists import Reach, Use
from reconciler.desired.leaks import Leaks, named_secret
from reconciler.desired.variables import names, shortened, substitute
from reconciler.errors import DesiredError
from reconciler.yaml.node import Node

MOST_LETTERS = 100_000
"""Of one text. The longest that people write is a statement of SQL; what reads it may take more than its length."""

_HOLDS = "a password that is known is in this text, which people and servers would read"


@dataclass(frozen=True, slots=True)
class Values:
    """Replaces variables. What is wrong is added to `errors`. `reach` says which may be used, and for what.

    `columns` are of a row that fills in a template: whoever wrote the template may use them all. `known` is both.
    `secret_columns` are those that hold a password.
    """

    env: Mapping[str, str]
    reach: Reach
    leaks: Leaks
    errors: list[DesiredError]
    columns: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    secret_columns: Set[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.columns:
            object.__setattr__(self, "known", self.env)

    def with_columns(self, columns: Mapping[str, str], secret: Set[str]) -> Values:
        """The same with a row, none of whose columns that are used is a variable as well."""
        known = {**self.env, **columns}
        return replace(self, columns=columns, known=known, secret_columns=secret)

    def plain(self, node: Node, file: str) -> object:
        """The plain value of a tree (None, str, list, dict); a text that is wrong stays as it is written."""
        value = node.value
        if isinstance(value, str):
            return value if "${" not in value and len(value) <= MOST_LETTERS else self._text(value, node.at(file))
        if isinstance(value, dict):
            if (name := named_secret(value)) is not None and not self.reach.allows(name, Use.SECRET):
                self.errors.append(_not_for(name, Use.SECRET, node.at(file)))
            return {key: self.plain(child, file) for key, child in value.items()}
        if isinstance(value, list):
            return [self.plain(child, file) for child in value]
        return None

    def refuse_secrets(self, node: Node, file: str) -> None:
        """Adds an error for each text and key of a tree that holds a known secret. For a tree that is right otherwise:
        what is wrong with a value is said without the value."""
        together = "\n".join(node.texts())
        if "${" in together or self.leaks.held_by(together):
            self._refuse_secrets(node, file)

    def _refuse_secrets(self, node: Node, file: str) -> None:
        value = node.value
        if isinstance(value, str):
            if "${" in value:
                self._refuse_variables(value, node, file)
            elif self.leaks.held_by(value):
                self._note(_HOLDS, node, file)
        elif isinstance(value, dict):
            for key, child in value.items():
                if self.leaks.held_by(key):
                    self._note(_HOLDS, node, file)
                self._refuse_secrets(child, file)
        elif isinstance(value, list):
            for child in value:
                self._refuse_secrets(child, file)

    def _refuse_variables(self, text: str, node: Node, file: str) -> None:
        held = next((name for name in names(text) if self._holds_secret(name)), None)
        if held is not None:
            what = "column" if held in self.columns else "variable"
            self._note(f"the {what} {held} holds a password, which people and servers would read here", node, file)
        elif self.leaks.held_by(shortened(text, self.known)):
            self._note(_HOLDS, node, file)

    def _holds_secret(self, name: str) -> bool:
        return name in self.secret_columns if name in self.columns else self.leaks.held_by_variable(name)

    def url(self, text: str, at: str) -> str:
        """A URL with its variables replaced. Raises DesiredError."""
        self._refuse(text, Use.URL, at)
        url = substitute(text, self.known, at).strip()
        if self.leaks.shown_by_url(url):
            raise DesiredError("a password that is known is in this URL, elsewhere than as its password", at=at)
        return url

    def _text(self, text: str, at: str) -> str:
        try:
            self._refuse(text, Use.TEXT, at)
            found = substitute(text, self.known, at)
            if len(found) > MOST_LETTERS:
                raise DesiredError(f"this text has {len(found):,} letters: at most {MOST_LETTERS:,} are read", at=at)
        except DesiredError as error:
            self.errors.append(error)
            return text
        return found

    def _refuse(self, text: str, use: Use, at: str) -> None:
        for name in names(text):
            if name not in self.columns and not self.reach.allows(name, use):
                raise _not_for(name, use, at)

    def _note(self, message: str, node: Node, file: str) -> None:
        hint = "a secret only stands in the URL of a target, or as a reference: {env: NAME} or {file: PATH}"
        self.errors.append(DesiredError(message, at=node.at(file), hint=hint))


def _not_for(name: str, use: Use, at: str) -> DesiredError:
    places = {Use.URL: "in a URL", Use.SECRET: "for a secret", Use.TEXT: "here"}
    return DesiredError(
        f"the variable {name} may not be used {places[use]}",
        at=at,
        hint=f"whoever runs this decides which may: --variables {name}:{use}",
    )
