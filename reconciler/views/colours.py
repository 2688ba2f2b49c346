"""The colour of each action and outcome, as a style of `page.STYLES`."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model import Action, Applied, CheckStatus

OF_ACTIONS: Mapping[Action, str] = {
    Action.CREATE: "green",
    Action.REPLACE: "magenta",
    Action.REBUILD: "cyan",
    Action.RENAME: "cyan",
    Action.UPDATE: "yellow",
    Action.RESTART: "red",
    Action.DELETE: "red",
}

OF_CHECKS: Mapping[CheckStatus, str] = {
    CheckStatus.FAIL: "red",
    CheckStatus.ERROR: "red",
    CheckStatus.NOT_VISIBLE: "yellow",
    CheckStatus.NO_DATA: "yellow",
    CheckStatus.WAIVED: "dim",
    CheckStatus.ATTESTED: "dim",
    CheckStatus.NOT_APPLICABLE: "dim",
    CheckStatus.PASS: "green",
}

OF_APPLIED: Mapping[Applied, str] = {
    Applied.APPLIED: "green",
    Applied.SKIPPED: "dim",
    Applied.INCOMPLETE: "yellow",
    Applied.STALE: "yellow",
    Applied.SUPERSEDED: "yellow",
    Applied.HELD: "yellow",
    Applied.FAILED: "red",
    Applied.NOT_RUN: "yellow",
}

NOTICE = "cyan"
