from __future__ import annotations

from applying.conftest import unhurried

__all__ = ["unhurried"]
