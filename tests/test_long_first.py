import pytest
from long_first import spread


@pytest.mark.parametrize(("long", "others", "parts"), [(0, 10, 4), (1, 10, 4), (5, 20, 4), (3, 40, 7), (2, 9, 1)])
def test_each_part_begins_with_its_share_and_nothing_is_lost(long, others, parts):
    listed = spread([f"long {n}" for n in range(long)], list(range(others)), parts)
    assert sorted(map(str, listed)) == sorted([*(f"long {n}" for n in range(long)), *map(str, range(others))])
    assert [each for each in listed if isinstance(each, int)] == list(range(others))
    begins = []
    for number in range(parts):
        length = len(listed) // (parts - number)
        begins.append(listed[:length])
        del listed[:length]
    shares = [[isinstance(each, str) for each in part] for part in begins]
    assert all(share == sorted(share, reverse=True) for share in shares)
    assert max(map(sum, shares)) - min(map(sum, shares)) <= 1
