"""PostgreSQL's settings: of the instance (ALTER SYSTEM), of databases and roles (ALTER DATABASE, ALTER ROLE … SET)."""

from reconciler.kinds.pg_setting.kind import PgSettingKind

KIND = PgSettingKind()

__all__ = ["KIND"]
