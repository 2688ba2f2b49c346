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

import httpx

from reconciler.errors import ConnectionFailed, ObservationFailed, StepFailed
from reconciler.targets.patroni import REQUEST_TIMEOUT, Configuration, Member, PatroniApi, until

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
        StepFailed.
        """
        body = {"postgresql": {"parameters": dict(parameters)}}
        unreached: ConnectionFailed | None = None
        for base in self._bases:
            for _ in range(_AGAIN):
                try:
                    response = self._sent("PATCH", f"{base}/config", body)
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
        """Restarts PostgreSQL on one member, and waits until it runs, and streams if it follows; the member then.

        What shows the restart is a postmaster that started later. Raises ConnectionFailed where the member's API is
        not reached, ObservationFailed, StepFailed.
        """
        base = self._of(member)
        deadline = time.monotonic() + seconds
        before = self._started(base)
        problem = ""
        try:
            response = self._sent("POST", f"{base}/restart", {}, timeout=seconds)
            if response.status_code in (401, 403):
                raise self._refused(f"a restart of {member.name}", response)
            problem = "" if response.status_code == 200 else f" ({self._said(response)})"
        except ConnectionFailed:
            raise
        except ObservationFailed as error:  # it may have been done all the same
            problem = f" ({error.message})"

        def again() -> Member | None:
            with suppress(ConnectionFailed, ObservationFailed):
                started = self._started(base)
                found = next((one for one in self.cluster().members if one.name == member.name), None)
                if found is None or started in (None, before):
                    return None
                # A leader that is slow may have lost its lead: then it has to follow.
                return found if found.state == ("running" if found.leads else "streaming") else None
            return None

        refused = problem and "still starting" not in problem and self._started(base) == before
        answer = None if refused else until(again, max(deadline - time.monotonic(), REQUEST_TIMEOUT))
        if answer is None:
            raise StepFailed(
                f"{self.target}: PostgreSQL on {member.name} did not come back from its restart{problem}",
                hint="Patroni's and PostgreSQL's logs on that node say why",
            )
        return answer

    def _sent(self, method: str, url: str, body: object, *, timeout: float = REQUEST_TIMEOUT) -> httpx.Response:
        if self._auth and url.startswith("http:") and all(base.startswith("https:") for base in self._bases):
            raise StepFailed(f"{self.target}: {url} is not encrypted, and would get the credentials of one that is")
        return self._send(method, url, body, auth=self._auth, timeout=timeout)

    def _of(self, member: Member) -> str:
        return member.api_url.removesuffix("/patroni").rstrip("/")

    def _started(self, base: str) -> str | None:
        """When the member's postmaster started, as it says; None while PostgreSQL does not run."""
        found = self._get("patroni", [base])
        started = found.get("postmaster_start_time") if found.get("state") == "running" else None
        return str(started) if started else None

    def _refused(self, what: str, response: httpx.Response) -> StepFailed:
        hint = ""
        if response.status_code == 401:
            hint = "put the user and password of restapi.authentication into the URL: https://USER:PASSWORD@HOST:8008"
        elif response.status_code == 403:
            hint = "Patroni's allowlist, or its verify_client, does not let this host in"
        return StepFailed(f"{self.target}: {what}: {self._said(response)}", hint=hint)
