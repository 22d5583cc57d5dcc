from __future__ import annotations

import numpy as np

from mindseye.think.few_shot.episodes import QUERIES, SPARE, Pool, episodes


def pool(*counts: int) -> Pool:
    ends = np.cumsum(counts)
    members = tuple(np.split(np.arange(ends[-1]), ends[:-1]))
    return Pool(tuple(map(str, range(len(counts)))), np.zeros((ends[-1], 2), np.float32), members)


def test_what_is_shown_asked_and_spare_are_different_pictures_of_the_concept() -> None:
    many = pool(*[40] * 8)
    for episode in episodes(many, 5, 3, 10):
        assert len(set(episode.concepts)) == 5
        for place, concept in enumerate(episode.concepts):
            parts = episode.support[place], episode.queries[place], episode.spare[place]
            rows = np.concatenate(parts)
            assert len(rows) == len(set(rows)) == 3 + QUERIES + SPARE
            assert set(rows) <= set(many.members[concept])


def test_of_few_pictures_one_is_asked_about_first() -> None:
    for episode in episodes(pool(2, 2, 3, 8, 2), 5, 1, 5):
        asked = {len(rows): (len(queries), len(spare)) for rows, queries, spare in zip(
            (pool(2, 2, 3, 8, 2).members[concept] for concept in episode.concepts), episode.queries, episode.spare,
            strict=True)}  # fmt: skip
        assert asked == {2: (1, 0), 3: (1, 1), 8: (4, 3)}


def test_concepts_with_too_few_pictures_are_not_in_an_episode() -> None:
    some = pool(3, 3, 8, 8, 8)
    assert some.with_at_least(4) == [2, 3, 4]
    assert all(set(episode.concepts) == {2, 3, 4} for episode in episodes(some, 3, 3, 5))


def test_an_episode_does_not_depend_on_how_many_there_are() -> None:
    many = pool(*[10] * 9)
    few, more = episodes(many, 5, 2, 3), episodes(many, 5, 2, 6)
    for one, other in zip(few, more, strict=False):
        assert np.array_equal(one.support, other.support)
    assert not np.array_equal(more[0].support, more[1].support)
