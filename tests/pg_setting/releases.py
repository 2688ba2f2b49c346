"""What the tables of settings can know of a server, by its release."""

from __future__ import annotations

TABLES_AS_OF = {13: 23, 14: 23, 15: 20, 16: 14, 17: 10, 18: 6}
"""By major version, the newest minor release that the tables were compared with. A later one may have settings of its
own, as 15.19 and 15.20 had: it is no mistake that the tables do not know them."""

OF_DISTRIBUTIONS = frozenset({"extension_destdir"})
"""Settings that somebody else than PostgreSQL's makers added: this one is Debian's."""


def may_have_its_own(version_num: int) -> bool:
    """Whether a server of this number (150020: 15.20) may have settings that the tables do not know yet."""
    major, minor = divmod(version_num, 10000)
    return minor > TABLES_AS_OF.get(major, -1)
