"""The worlds of moving sprites: exact films, by the laws of each, and the way back from a frame to a place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mindseye.collection.builtin.moving import write_moving
from mindseye.collection.builtin.moving.decode import action_between, place_of
from mindseye.collection.builtin.moving.picture import frames_of, sheet_of
from mindseye.collection.builtin.moving.scene import ACTIONS, FRAMES, SPRITE_PX, WORLDS, Film, film_at, moved
from mindseye.errors import BadInput

LAST = 16 - SPRITE_PX


def films(world: str, count: int = 100, **fields: int) -> list[Film]:
    return [film_at(world, 0, "train", index, frame_px=16, **fields) for index in range(count)]


def steps(film: Film) -> np.ndarray:
    """By how much the sprite moves, [step, (x, y)]."""
    return np.diff(np.array(film.sprites[0].places), axis=0)


@pytest.mark.parametrize("world", WORLDS)
def test_a_film_is_a_function_of_seed_stream_and_position_and_stays_in_its_box(world: str) -> None:
    assert film_at(world, 3, "train", 7, frame_px=16) == film_at(world, 3, "train", 7, frame_px=16)
    others = [film_at(world, 4, "train", 7, frame_px=16), film_at(world, 3, "validation", 7, frame_px=16)]
    assert film_at(world, 3, "train", 7, frame_px=16) not in others
    for film in films(world):
        places = np.array(film.sprites[0].places)
        assert places.shape == (FRAMES, 2) and places.min() >= 0 and places.max() <= LAST
        assert Film.from_truth(json.loads(json.dumps(film.truth()))) == film


def test_a_bouncing_sprite_flies_straight_and_turns_at_walls_only() -> None:
    for film in films("bouncing"):
        moves, places = steps(film), np.array(film.sprites[0].places)
        assert np.abs(moves).max() == 1
        turned = moves[1:] != moves[:-1]
        at_a_wall = (places[1:-1] == 0) | (places[1:-1] == LAST)
        assert not (turned & ~at_a_wall).any()
        assert np.array_equal(moves[1:][turned], -moves[:-1][turned])


def test_two_frames_say_all_that_follows_of_a_bouncing_sprite_and_not_of_one_that_bounces_at_random() -> None:
    follows: dict[str, dict[tuple[int, ...], set[tuple[int, ...]]]] = {"bouncing": {}, "bouncing-random": {}}
    for world, seen in follows.items():
        for film in films(world, 400):
            places = film.sprites[0].places
            for before, now, after in zip(places, places[1:], places[2:], strict=False):
                seen.setdefault((*before, *now), set()).add(after)
    assert max(map(len, follows["bouncing"].values())) == 1
    assert max(map(len, follows["bouncing-random"].values())) == 3


def test_a_joystick_moves_the_sprite_as_its_actions_say() -> None:
    for film in films("joystick"):
        places = film.sprites[0].places
        assert film.caption.split() == list(film.actions) and len(film.actions) == FRAMES - 1
        for before, action, after in zip(places, film.actions, places[1:], strict=False):
            assert moved(before, action, 16) == after
    done = [action for film in films("joystick") for action in film.actions]
    assert {action: done.count(action) > len(done) / 10 for action in ACTIONS} == dict.fromkeys(ACTIONS, True)


@pytest.mark.parametrize("world", WORLDS)
def test_every_place_is_read_back_from_its_frame_and_every_action_from_two_places(world: str) -> None:
    for film in films(world, 30):
        sprite = film.sprites[0]
        found = [place_of(frame, sprite) for frame in frames_of(film)]
        assert tuple(found) == sprite.places
        for before, action, after in zip(found, film.actions, found[1:], strict=False):
            read = action_between(before, after, 16)
            assert read is not None and moved(before, read, 16) == moved(before, action, 16)


def test_nothing_takes_a_sprite_two_pixels_away() -> None:
    assert action_between((4, 4), (6, 4), 16) is None


def test_a_sheet_has_the_frames_row_by_row() -> None:
    frames = frames_of(film_at("bouncing", 0, "train", 0, frame_px=16))
    sheet = sheet_of(frames)
    assert sheet.shape == (64, 64, 3)
    for index, frame in enumerate(frames):
        top, left = 16 * (index // 4), 16 * (index % 4)
        assert np.array_equal(sheet[top : top + 16, left : left + 16], frame)


def test_of_two_sprites_the_later_passes_in_front() -> None:
    for film in films("bouncing", 50, sprites=2):
        behind, front = film.sprites
        alone = frames_of(Film(16, (front,), ""))
        both = frames_of(film)
        assert np.array_equal(both[alone.any(3)], alone[alone.any(3)])
        assert film.caption.startswith(f"a {behind.colour} {behind.shape} and a {front.colour} {front.shape}")


def test_a_world_is_written_as_a_collection_of_sheets_with_their_truth(tmp_path: Path) -> None:
    made = write_moving("joystick", tmp_path / "made", pictures=20)
    assert {split: len(each) for split, each in made.splits.items()} == {"train": 20, "validation": 1}
    assert made.info["size_px"] == 64 and made.info["frames_per_row"] == 4
    first = film_at("joystick", 0, "train", 0, frame_px=16)
    assert made.splits["train"].captions[0] == (first.caption,)
    assert np.array_equal(made.splits["train"].arrays(64, 3, False)[0], sheet_of(frames_of(first)))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"world": "flying"}, "world"),
        ({"world": "bouncing", "frame_px": 4}, "frame_px"),
        ({"world": "bouncing", "sprites": 0}, "sprites"),
        ({"world": "joystick", "sprites": 2}, "sprites"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, fields: dict, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        write_moving(destination=tmp_path / "made", **fields)
    assert refused.value.field == field and refused.value.next_step
