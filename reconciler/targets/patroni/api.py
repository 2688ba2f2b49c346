"""Patroni's REST API: what a cluster says of itself; how it is changed is in `patroni/writing.py`.

Semantics as read in Patroni 4.1's api.py and seen on a real cluster:

- GET needs no credentials, whatever is configured; PATCH and POST do (`restapi.authentication`).
- GET /cluster answers from etcd what each member wrote there last, which may be `loop_wait` seconds old; GET /patroni
  answers what this one member knows now.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import Field, ValidationError

from reconciler.errors import ConnectionFailed, ObservationFailed
from reconciler.model import Frozen
from reconciler.secrets import Secrets
from reconciler.targets import bounds, log

REQUEST_TIMEOUT = 10.0
"""Seconds for connecting and for an answer that is at hand."""

LOOP_WAIT = 10
"""Seconds between two rounds of a member where the configuration does not say."""

Answer = TypeVar("Answer")

_POLL = 0.2


class Pending(Frozen):
    """What a restart would change."""

    old_value: str
    new_value: str


class Member(Frozen):
    """One PostgreSQL of the cluster, as GET /cluster tells of it.

    role                    leader, standby_leader (of a standby cluster), sync_standby, quorum_standby or replica.
    state                   running, streaming, in archive recovery, starting, restarting, stopped, start failed, …
    api_url                 of its own Patroni, without credentials, ending in /patroni.
    pending_restart_reason  by setting; empty before Patroni 4.0, which says that a restart is pending but not why.
    lag                     bytes of WAL to replay; None: it leads, or this is not known.
    """

    name: str
    role: str
    state: str
    host: str = ""
    port: int = 0
    api_url: str
    pending_restart: bool = False
    pending_restart_reason: Mapping[str, Pending] = {}
    tags: Mapping[str, Any] = {}
    lag: int | None = None

    @property
    def leads(self) -> bool:
        """Whether the others follow it."""
        return self.role in ("leader", "standby_leader")

    @property
    def runs(self) -> bool:
        """Whether its PostgreSQL answers, and follows if it has to."""
        return self.state in ("running", "streaming", "in archive recovery")

    def waits_for(self, names: Collection[str]) -> bool:
        """Whether a restart would change all these settings, as far as it says."""
        return self.pending_restart and (
            not self.pending_restart_reason or set(names) <= self.pending_restart_reason.keys()
        )


class Cluster(Frozen):
    """All members, by name. `paused`: maintenance mode, in which Patroni neither fails over nor starts what is down."""

    members: tuple[Member, ...]
    paused: bool = False

    @property
    def leader(self) -> Member | None:
        """Whom the others follow; None while there is none."""
        return next((member for member in self.members if member.leads), None)


class Configuration(Frozen):
    """The cluster's configuration in etcd.

    parameters  PostgreSQL's settings there, as text: without a unit a number is of the setting's own unit.
    loop_wait   seconds within which each member takes a change up.
    content     all of it, as JSON has it.
    """

    parameters: Mapping[str, str]
    loop_wait: int = LOOP_WAIT
    content: Mapping[str, Any] = Field(repr=False)


class PatroniApi:
    """Asks one cluster, and cannot change it: GET only.

    `urls` are members' REST APIs, or what stands before them, credentials included; the first that answers is asked.
    `ca`: a file of certificates to trust, instead of the system's. `target` is a name for messages.
    """

    def __init__(self, target: str, urls: Sequence[str], secrets: Secrets, *, ca: Path | None = None) -> None:
        self.target = target
        self._secrets = secrets
        for url in urls:
            secrets.remember_url(url)
        self._credentials = {_base(target, url): _credentials(url) for url in urls}
        try:
            verify = ssl.create_default_context(cafile=ca) if ca else True
        except OSError as error:
            raise ConnectionFailed(target, f"{ca} is no file of certificates: {error}") from None
        # Redirects are not followed: credentials go to the cluster only.
        self._client = httpx.Client(
            verify=verify, timeout=REQUEST_TIMEOUT, follow_redirects=False, headers={"user-agent": "reconciler"}
        )

    def cluster(self) -> Cluster:
        """GET /cluster. Raises ConnectionFailed where no URL is reached, ObservationFailed."""
        found = self._get("cluster")
        try:
            return Cluster(
                members=tuple(_member(member) for member in found["members"]), paused=bool(found.get("pause"))
            )
        except (KeyError, TypeError, ValidationError):
            raise ObservationFailed(self.target, "GET /cluster did not answer as Patroni does") from None

    def config(self) -> Configuration:
        """GET /config. Raises ConnectionFailed, ObservationFailed."""
        return self._configuration(self._get("config"))

    def system_identifier(self) -> str:
        """PostgreSQL's system identifier, as the member that answers has it; empty where it does not say.

        Raises ConnectionFailed, ObservationFailed.
        """
        found = self._get("patroni")
        return str(found.get("database_system_identifier") or "") if isinstance(found, dict) else ""

    def pending(self, names: Collection[str], seconds: float | None = None) -> Cluster:
        """Waits until each member that runs says that a restart would change all of `names`; the cluster then.

        `seconds`: by default two rounds of the members, and something for a slow one. Raises ObservationFailed.
        """
        wait = 2 * self.config().loop_wait + REQUEST_TIMEOUT if seconds is None else seconds

        def there() -> Cluster | None:
            found = self.cluster()
            return found if all(member.waits_for(names) for member in found.members if member.runs) else None

        answer = until(there, wait)
        if answer is None:
            late = [member.name for member in self.cluster().members if member.runs and not member.waits_for(names)]
            raise ObservationFailed(
                self.target,
                f"Patroni has not taken up {', '.join(sorted(names))} within {wait:g} s on {', '.join(late)}",
                hint="what a node's own file sets masks the configuration; Patroni's log says what it refused",
            )
        return answer

    def close(self) -> None:
        """Closes the connections. Never raises."""
        with suppress(httpx.HTTPError, OSError):
            self._client.close()

    def _get(self, path: str, bases: Sequence[str] | None = None) -> Any:
        """The answer of the first of `bases` that is reached; of the declared URLs where there are none."""
        unreached: ConnectionFailed | None = None
        for base in bases or self._credentials:
            try:
                # Patroni wants no credentials from who asks; a proxy at a declared URL may.
                response = self._send("GET", f"{base}/{path}", auth=self._credentials.get(base))
            except ConnectionFailed as error:
                unreached = error
                continue
            try:
                # GET /patroni of a PostgreSQL that is down answers 503, and what is to be known all the same.
                if response.status_code == 200 or path == "patroni":
                    return response.json()
            except ValueError:
                raise ObservationFailed(self.target, f"GET /{path} did not answer as Patroni does") from None
            raise ObservationFailed(self.target, f"GET /{path}: {self._said(response)}")
        raise unreached or ConnectionFailed(self.target, "no URL of Patroni's API is declared")

    def _send(
        self,
        method: str,
        url: str,
        body: object = None,
        *,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """`timeout` in seconds, REQUEST_TIMEOUT if none is given.

        Raises ConnectionFailed where nothing can have been done, ObservationFailed where no answer came.
        """
        self._secrets.reach.refuse_url(self.target, url)
        timeout = REQUEST_TIMEOUT if timeout is None else timeout
        timeouts = httpx.Timeout(timeout, connect=REQUEST_TIMEOUT)
        began, status = time.monotonic(), None
        try:
            # Its own are for each piece of an answer, and the name of the host is looked up without any.
            late = ObservationFailed(self.target, f"{method} {url}: not answered within {timeout:g} s")
            response = bounds.within(
                timeout + REQUEST_TIMEOUT,
                lambda: self._client.request(method, url, json=body, auth=auth, timeout=timeouts),
                lambda: late,
            )
            status = response.status_code
            return response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            said = self._secrets.redact(str(error)) or "no answer"
            raise ConnectionFailed(
                self.target,
                f"Patroni's API at {url} cannot be reached: {said}",
                hint="check its URL, and that it is up",
            ) from None
        except httpx.TimeoutException:
            raise ObservationFailed(self.target, f"{method} {url}: no answer within {timeout:g} s") from None
        except httpx.HTTPError as error:
            raise ObservationFailed(self.target, f"{method} {url}: {self._secrets.redact(str(error))}") from None
        finally:
            log.statement(self.target, f"{method} {url}", began, status=status, error="" if status else log.NO_ANSWER)

    def _said(self, response: httpx.Response) -> str:
        # Patroni calls everything text/html; what is one says no more than the status.
        text = "" if response.text.lstrip().startswith("<") else response.text
        return self._secrets.redact(f"{response.status_code} {text.strip() or response.reason_phrase}")[:300]

    def _configuration(self, found: Any) -> Configuration:
        try:
            parameters = (found.get("postgresql") or {}).get("parameters") or {}
            return Configuration(
                parameters={name.lower(): _text(value) for name, value in parameters.items() if value is not None},
                loop_wait=int(found.get("loop_wait", LOOP_WAIT)),
                content=found,
            )
        except (AttributeError, TypeError, ValueError):
            raise ObservationFailed(self.target, "the configuration is not as Patroni has it") from None


def _base(target: str, url: str) -> str:
    """`url` without credentials and without a slash at its end."""
    try:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname or url.count("@") > 1:
            raise ValueError
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise ConnectionFailed(
            target, "the URL of Patroni's API cannot be read", hint="expected https://USER:PASSWORD@HOST:8008"
        ) from None
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def _credentials(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url.strip())
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def _member(found: Mapping[str, Any]) -> Member:
    """What is not known, Patroni writes as `unknown`."""
    reasons = {name: {key: _text(value) for key, value in why.items()} for name, why in _reasons(found).items()}
    known = {name: found[name] for name in Member.model_fields.keys() & found.keys()}
    lag = known.get("lag")
    return Member.model_validate(
        {**known, "pending_restart_reason": reasons, "lag": lag if isinstance(lag, int) else None}
    )


def _reasons(found: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return {name.lower(): why for name, why in (found.get("pending_restart_reason") or {}).items()}


def _text(value: object) -> str:
    """A value of JSON as Patroni writes it to postgresql.conf, except that booleans are on and off."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else json.dumps(value)


def until(ask: Callable[[], Answer | None], seconds: float) -> Answer | None:
    """The first answer that is not None; None after `seconds`."""
    deadline = time.monotonic() + seconds
    while (answer := ask()) is None and time.monotonic() < deadline:
        time.sleep(_POLL)
    return answer
