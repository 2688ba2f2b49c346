"""Notes: what a plan says each time, until it is told not to."""

from __future__ import annotations

from enum import StrEnum


class Note(StrEnum):
    """Which note it is: notes come with every plan, until a target silences them by that name (`silence`)."""

    WHAT_IF = "what-if"
    """Which queries would gain, or lose, from an index cannot be said."""
    LESSER_ROLE = "lesser-role"
    """A role that may less would be enough to plan by."""
    FILE_ERRORS = "file-errors"
    """The server's own files have errors, in lines that nobody declares."""
    OTHER_VALUES = "other-values"
    """A role or a database gets another value of a setting than is declared for the instance."""
    NOT_WRITTEN = "not-written"
    """What is applied is meant to run only: `persist: no`."""
    FILES_NOT_COMPARED = "files-not-compared"
    """What runs cannot be compared with what a restart would bring."""
