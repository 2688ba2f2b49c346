"""Every setting of PostgreSQL 13 to 18, and what is decided of it: which turns need to be allowed by name, and why.

Read off the manual and off servers. A setting that is in none of the tables is not known here: any change of it is
less-safe. What depends on other settings, on who is connected, or on the machine, is decided in `together.py`. A test
holds all of them against the servers' own pg_settings.

Decided: docs/decisions.md#settings-allowed-by-name
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.pg_setting.risk import access_and_logging, data, load, service
from reconciler.kinds.pg_setting.risk.free import FREE
from reconciler.kinds.pg_setting.risk.model import Risk

__all__ = ["FREE", "RISKS"]

RISKS: Mapping[str, tuple[Risk, ...]] = {**data.RISKS, **access_and_logging.RISKS, **service.RISKS, **load.RISKS}
"""By setting. Where several turns are taken at once, each is said."""
