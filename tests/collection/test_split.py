from __future__ import annotations

import hashlib

from mindseye.collection.split import assign, group_keys


def digests(count: int, start: int = 0) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(start, start + count)]


def split(names: list[str], groups: list[int] | None = None, settled: dict[str, str] | None = None) -> dict[str, str]:
    keys = group_keys(names, groups or list(range(len(names))))
    return dict(zip(names, assign(names, keys, settled=settled or {}), strict=True))


def test_about_five_percent_are_for_validation() -> None:
    sides = list(split(digests(4000)).values())
    assert 0.04 < sides.count("validation") / 4000 < 0.06


def test_adding_pictures_moves_no_existing_one() -> None:
    before, after = split(digests(300)), split(digests(900)[::-1])
    assert all(after[name] == side for name, side in before.items())


def test_groups_never_straddle() -> None:
    names = digests(2000)
    sides = split(names, [number // 7 for number in range(2000)])
    for start in range(0, 2000, 7):
        assert len({sides[name] for name in names[start : start + 7]}) == 1


def test_twenty_pictures_have_at_least_one_for_validation() -> None:
    for start in range(0, 2000, 20):
        assert "validation" in split(digests(20, start)).values()


def test_fewer_than_twenty_may_have_none_and_one_group_is_never_divided() -> None:
    assert set(split(digests(3)).values()) == {"train"}
    assert len(set(split(digests(40), [0] * 40).values())) == 1


def test_an_earlier_split_is_kept_even_where_a_near_duplicate_joins_a_group() -> None:
    names = digests(400)
    first = split(names)
    settled = {name[:16]: side for name, side in first.items()}
    newcomers = digests(400, 10_000)
    together = split(names + newcomers, [*range(400), *range(400)], settled)
    assert all(together[name] == side for name, side in first.items())


def test_a_group_that_joins_both_sides_is_for_training() -> None:
    one, other = digests(2)
    sides = split([one, other], [0, 0], {one[:16]: "train", other[:16]: "validation"})
    assert set(sides.values()) == {"train"}
