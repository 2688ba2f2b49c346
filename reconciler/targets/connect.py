"""One door to every kind of target."""

from __future__ import annotations

from reconciler.model import System, Target
from reconciler.secrets import Secrets
from reconciler.targets.session import Session


def connect(target: Target, secrets: Secrets) -> Session:
    """A read-only session to `target`. Drivers are imported here, when the first target needs them.

    Raises ConnectionFailed, ObservationFailed.
    """
    match target.system:
        case System.POSTGRES:
            from reconciler.targets.postgres.session import connect as to_postgres

            return to_postgres(target, secrets)
        case System.REDIS:
            from reconciler.targets.redis.session import connect as to_redis

            return to_redis(target, secrets)
        case System.HTTP:
            from reconciler.targets import http

            return http.connect(target, secrets)
