"""What the YAML may say of settings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag, model_validator

from reconciler.model import Frozen, SecretRef
from reconciler.yaml.verbatim_text import Text

UNLISTED = "unlisted_settings"
"""The section of what is to become of settings that nobody lists."""


class ListEdit(Frozen):
    """Items that a list has to hold, and items that it must not; whatever else it holds stays."""

    include: tuple[Text, ...] = ()
    exclude: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> ListEdit:
        if not self.include and not self.exclude:
            raise ValueError("include or exclude at least one item")
        both = sorted(set(self.include) & set(self.exclude))
        if both:
            raise ValueError(f"included and excluded at once: {', '.join(both)}")
        return self


class Range(Frozen):
    """A number that is in sync between the bounds, inclusive, and is set to `otherwise` outside of them.

    Without `otherwise` it is set to the bound that it violates.
    """

    at_least: Text | None = None
    at_most: Text | None = None
    otherwise: Text | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Range:
        if self.at_least is None and self.at_most is None:
            raise ValueError("at_least or at_most is missing")
        return self


def _form(value: Any) -> str | None:
    if isinstance(value, str):
        return "text"
    if isinstance(value, list | tuple):
        return "list"
    if isinstance(value, SecretRef) or (isinstance(value, dict) and value.keys() & {"env", "file"}):
        return "secret"
    if isinstance(value, ListEdit) or (isinstance(value, dict) and value.keys() & {"include", "exclude"}):
        return "edit"
    return "range" if isinstance(value, Range | dict) else None


Value = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[tuple[Text, ...], Tag("list")]
    | Annotated[ListEdit, Tag("edit")]
    | Annotated[Range, Tag("range")]
    | Annotated[SecretRef, Tag("secret")],
    Discriminator(
        _form,
        custom_error_type="setting_value",
        custom_error_message="a value is missing: write text (default for RESET), a list, "
        "{include: […], exclude: […]}, {at_least: …, at_most: …, otherwise: …}, {env: NAME} or {file: PATH}",
    ),
]
"""What stands behind the name of a setting in YAML."""


Settings = dict[str, Value]


class DatabaseSection(Frozen):
    """Settings of all sessions in one database (ALTER DATABASE … SET), or of one role there."""

    settings: Settings = {}


class RoleSection(Frozen):
    """Settings of all sessions of one role (ALTER ROLE … SET); `databases`: of that role in one database only."""

    settings: Settings = {}
    databases: dict[str, DatabaseSection] = {}
