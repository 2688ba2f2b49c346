"""What the tests declare, and how."""

from reconciler.kind import Declaration
from reconciler.kinds.redis_setting import KIND
from reconciler.model import RedisTarget, SecretRef


def declared(section, target=None):
    """The resources of a `settings` section of YAML, given as Python."""
    target = target or RedisTarget(name="cache", url="redis://127.0.0.1:1", memory=8 << 30)
    return list(
        KIND.declare(
            Declaration(
                target=target,
                section="settings",
                value=section,
                file="redis.yaml",
                at=lambda path: ":".join(["redis.yaml", *map(str, path)]),
            )
        )
    )


def env(name):
    return SecretRef(env=name)
