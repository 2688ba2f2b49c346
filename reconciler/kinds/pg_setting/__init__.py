"""PostgreSQL's settings: of the instance (ALTER SYSTEM), of databases and roles (ALTER DATABASE, ALTER ROLE … SET);
and the restarts that some of them need."""

from reconciler.kinds.pg_setting.kind import PgSettingKind
from reconciler.kinds.pg_setting.pg_restart import PgRestartKind

KIND = PgSettingKind()
RESTART = PgRestartKind()

__all__ = ["KIND", "RESTART"]
