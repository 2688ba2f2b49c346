"""What the files of the server say.

A query that merely mentions pg_file_settings is refused to a role that may not read it, and an error in the server's
log at every plan is no way to find out: so it is only asked in a session that has seen that its role may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.kinds.pg_setting.observed import FileEntry
from reconciler.kinds.pg_setting.observing import queries
from reconciler.kinds.pg_setting.observing.first_round_trip import Answers, Question
from reconciler.kinds.pg_setting.provenance import file_name, is_auto, line
from reconciler.targets.postgres.riding import Riding
from reconciler.targets.postgres.session import PostgresSession

_TAKEN_OUT = "cannot be changed without restarting the server"
"""What pg_file_settings says, of no file and no name, where a line is gone and what it set waits for a restart. Never
translated (src/backend/utils/misc/guc.c, ProcessConfigFileInternal)."""


@dataclass(frozen=True)
class Files:
    """The lines of the files, by setting, in the order in which they count.

    blocking  lines on account of which the server ignores all of them: `file:line: error`.
    visible   whether they were read, and to their end.
    """

    entries: Mapping[str, Sequence[FileEntry]]
    blocking: tuple[str, ...]
    visible: bool


def ask(session: PostgresSession, question: Question) -> Riding | None:
    """Asks beside whatever is asked next, where it matters and may be asked."""
    return session.beside(queries.FILES) if question.files and "pg_file_settings" in session.file_views else None


def read(session: PostgresSession, question: Question, asked: Riding | None, answers: Answers) -> Files:
    """What came of it. Raises TargetError."""
    if not question.files or not answers.server["may_read_files"]:
        return Files({}, (), visible=False)
    entries: dict[str, list[FileEntry]] = {}
    blocking = []
    for entry in session.answer(asked) if asked else session.fetch(queries.FILES):
        if entry["sourcefile"] is None and _TAKEN_OUT in (entry["error"] or ""):
            continue
        # Another error of no file is that the file itself is missing, or may not be opened.
        file = file_name(entry["sourcefile"] or "postgresql.conf", answers.server["data_directory"])
        if entry["error"] not in (None, "setting could not be applied"):
            blocking.append(f"{line(file, entry['sourceline'] or None)}: {entry['error']}")
        elif entry["name"] is not None:
            entries.setdefault(entry["name"], []).append(
                FileEntry(
                    file=file,
                    line=entry["sourceline"],
                    setting=entry["setting"] or "",
                    by_alter_system=is_auto(file),
                )
            )
    return Files(entries, tuple(blocking), visible=not blocking)
