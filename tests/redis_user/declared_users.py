"""What the tests declare of users, and how."""

from reconciler.kind import Declaration
from reconciler.kinds.redis_user import KIND
from reconciler.kinds.redis_user.model import UserSection
from reconciler.model import RedisTarget, SecretRef


def users(section, target=None):
    """The resources of a `users` section: name -> rules, (rules, variable of the password), or "absent"."""
    target = target or RedisTarget(name="cache", url="redis://127.0.0.1:1")
    return list(
        KIND.declare(
            Declaration(
                target=target,
                section="users",
                value={name: _section(value) for name, value in section.items()},
                file="redis.yaml",
                at=lambda path: ":".join(["redis.yaml", *map(str, path)]),
            )
        )
    )


def _section(value):
    if value == "absent":
        return value
    rules, variable = value if isinstance(value, tuple) else (value, None)
    return UserSection(rules=rules, password=SecretRef(env=variable) if variable else None)
