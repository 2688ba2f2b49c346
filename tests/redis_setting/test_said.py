"""What is said of a word where a number is wanted."""

from __future__ import annotations

from live import outcomes
from redis_setting.declared import declared

from reconciler.kinds.redis_setting import KIND


def test_a_word_for_a_number_is_told_to_be_none(redis_target):
    """It was `ten is unknown to Redis`: a formula, as if somebody had meant one."""
    [found] = outcomes(KIND, redis_target, declared({"hz": "ten"}, redis_target))
    assert "a number is wanted; ten is unknown to" in found.message
