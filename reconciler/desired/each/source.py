"""What may stand under `each`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter

from reconciler.model import Frozen
from reconciler.targets.foreign.reading_statement import one_reading_statement
from reconciler.yaml.verbatim_text import Text


class FileSource(Frozen):
    """A file beside the YAML."""

    file: Annotated[Text, Field(min_length=1)] = Field(
        description="A CSV file, or a list of mappings in YAML or JSON, relative to this file."
    )


class QuerySource(Frozen):
    """A query; only in the file of `--targets`."""

    query: Annotated[str, AfterValidator(one_reading_statement)] = Field(
        description="One statement that reads, as in checks of type sql: each row of its answer is a target."
    )
    target: Text = Field(description="The PostgreSQL target of the same file that is asked.")


class CommandSource(Frozen):
    """A command; only in the file of `--targets`."""

    command: Annotated[list[Text], Field(min_length=1)] = Field(
        description="Its words. Run without a shell where reconciler runs; it prints CSV, or a list in YAML or JSON."
    )


Source = FileSource | QuerySource | CommandSource

SOURCE: TypeAdapter[Source] = TypeAdapter(Source)


def words(source: Source) -> str:
    """What it is, in errors."""
    match source:
        case FileSource():
            return f"the file {source.file}"
        case QuerySource():
            return f"the query on {source.target}"
        case CommandSource():
            return "the command"
