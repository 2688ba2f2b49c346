"""How a cluster of Patroni's is changed: only apply has use for it.

Semantics as read in Patroni 4.1's api.py and ha.py, and seen on a real cluster:

- PATCH /config merges, and null removes. It is done when etcd has it; each member takes it up in its next round, at the
  latest after `loop_wait` seconds. What a member's own file says (`postgresql.parameters`) masks it, and no API shows
  that. A value that Patroni finds wrong is replaced by its own default, which only its log says.
- POST /restart answers when PostgreSQL runs again: 200; 503 where it does not (yet), or another action is under way.
  Given a `timeout`, a leader that takes longer loses its lead: none is given. Nothing is ever restarted by itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from reconciler.errors import ConnectionFailed, ObservationFailed, StepFailed
from reconciler.targets import bounds
from reconciler.targets.patroni.api import Configuration, Member, PatroniApi, until

RESTART_SECONDS = 600.0
"""How long a restart may take: Patroni itself gives up on a leader's start after 300 (primary_start_timeout), and
shutting down writes a checkpoint first."""

_AGAIN = 3
"""How often a PATCH is tried where somebody else changed the configuration at the same moment (409)."""


class PatroniWriter(PatroniApi):
    """What apply, and nothing else, changes a cluster with. Each call raises StepFailed where it is refused."""

    def patch_config(self, parameters: Mapping[str, str | None]) -> Configuration:
        """Sets these settings of PostgreSQL, removes those that are None, and returns the configuration after that.

        All or none. Members take it up later (see `pending`, and Configuration.loop_wait). Raises ConnectionFailed,
        StepFailed, and ObservationFailed where no answer came, and it may have been done.
        """
        body = {"postgresql": {"parameters": dict(parameters)}}
        unreached: ConnectionFailed | None = None
        for base, auth in self._credentials.items():
            for _ in range(_AGAIN):
                try:
                    response = self._send("PATCH", f"{base}/config", body, auth=auth)
                except ConnectionFailed as error:
                    unreached = error
                    break
                if response.status_code == 200:
                    after = self._configuration(response.json())
                    wanted = {name.lower(): value for name, value in parameters.items()}
                    if any(after.parameters.get(name) != value for name, value in wanted.items()):
                        raise StepFailed(f"{self.target}: PATCH /config was answered, and not done")
                    return after
                if response.status_code != 409:
                    raise self._refused("PATCH /config", response)
            else:
                raise StepFailed(f"{self.target}: PATCH /config: somebody else changes it all the time")
        raise unreached or ConnectionFailed(self.target, "no URL of Patroni's API is declared")

    def restart(self, member: Member, seconds: float = RESTART_SECONDS) -> Member:
        """Restarts PostgreSQL on one member, and waits until it runs, and streams again if it did.

        What shows the restart is a postmaster that started later. Returns what the cluster tells of the member then,
        which may be a round old. Raises ConnectionFailed where the member's API is not reached, ObservationFailed,
        StepFailed.
        """
        base = member.api_url.removesuffix("/patroni").rstrip("/")
        auth = self._auth(base)
        deadline = time.monotonic() + seconds
        before = self._get("patroni", [base])
        problem = ""
        try:
            response = self._post_restart(base, auth, seconds)
            if response.status_code in (401, 403):
                raise self._refused(f"a restart of {member.name}", response)
            problem = "" if response.status_code == 200 else f" ({self._said(response)})"
        except ObservationFailed as error:  # it may have been done all the same
            problem = f" ({error.message})"

        def again() -> Member | None:
            with suppress(ConnectionFailed, ObservationFailed):
                if _restarted(before, self._get("patroni", [base])):
                    told = (one for one in self.cluster().members if one.name == member.name and one.runs)
                    return next(told, None)
            return None

        # Where Patroni would not restart it, one look is enough; where it only took too long, it may still come.
        left = deadline - time.monotonic() if not problem or self._on_its_way(base, before) else 0
        answer = until(again, left)
        if answer is None:
            raise StepFailed(
                f"{self.target}: PostgreSQL on {member.name} did not come back from its restart{problem}",
                hint="Patroni's and PostgreSQL's logs on that node say why",
            )
        return answer

    def _on_its_way(self, base: str, before: Mapping[str, Any]) -> bool:
        """Whether a member is being restarted at this moment, or was since `before`."""
        with suppress(ConnectionFailed, ObservationFailed):
            now = self._get("patroni", [base])
            return now.get("state") in _ON_ITS_WAY or _started_since(before, now)
        return False

    def _post_restart(self, base: str, auth: tuple[str, str] | None, seconds: float) -> httpx.Response:
        """The answer, which comes when PostgreSQL runs again. Meanwhile the member is asked whether it is there at all.

        Raises ConnectionFailed, ObservationFailed.
        """

        def there() -> bool:
            try:
                self._get("patroni", [base])
            except (ConnectionFailed, ObservationFailed):
                return False
            return True

        late = ObservationFailed(self.target, f"POST {base}/restart: nothing is heard of the member any more")
        return bounds.while_heard(
            lambda: self._send("POST", f"{base}/restart", {}, auth=auth, timeout=seconds), there, lambda: late
        )

    def _auth(self, member: str) -> tuple[str, str] | None:
        """The credentials for a member at an address that the cluster told: those of a declared URL.

        Raises StepFailed where they would leave an encrypted one for a plain one.
        """
        for base, auth in self._credentials.items():
            if base == member or auth:
                if auth and base.startswith("https:") and not member.startswith("https:"):
                    message = f"{member} is not encrypted, and would get the credentials of {base}"
                    raise StepFailed(f"{self.target}: {message}")
                return auth
        return None

    def _refused(self, what: str, response: httpx.Response) -> StepFailed:
        hint = ""
        if response.status_code == 401:
            hint = "put the user and password of restapi.authentication into the URL: https://USER:PASSWORD@HOST:8008"
        elif response.status_code == 403:
            hint = "Patroni's allowlist, or its verify_client, does not let this host in"
        return StepFailed(f"{self.target}: {what}: {self._said(response)}", hint=hint)


_ON_ITS_WAY = ("stopping", "restarting", "starting")
"""States of a member, as GET /patroni has them, that another one follows by itself."""


def _started_since(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a member has a later postmaster, from GET /patroni, before and after."""
    return now.get("postmaster_start_time") not in (None, before.get("postmaster_start_time"))


def _restarted(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a member runs by a later postmaster, and follows again; from GET /patroni, before and after.

    Patroni tells of streaming since 3.0; an older one is not asked for it.
    """
    runs = now.get("state") == "running" and _started_since(before, now)
    follows = "replication_state" not in before or now.get("replication_state") in (
        "streaming",
        before["replication_state"],
    )
    return runs and (follows or now.get("role") in ("primary", "master"))
