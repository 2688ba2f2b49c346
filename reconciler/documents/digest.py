"""SHA-256 over canonical JSON."""

from __future__ import annotations

import json
from hashlib import sha256


def digest(value: object) -> str:
    """SHA-256, in hex, of `value` as canonical JSON: keys sorted, no spaces, UTF-8.

    The same for the same JSON value, however a file spells it. Raises ValueError for NaN and infinities, which JSON
    does not have.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # A file may hold half of a surrogate pair (\ud800): no model takes it, but a digest has to survive it.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
