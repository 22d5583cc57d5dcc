"""Sheets as films, captions as actions, and the settings that say how."""

from __future__ import annotations

import numpy as np
import pytest
from tests.imagine.frames.small import FORMAT, config_of

from mindseye.collection.builtin.moving.picture import frames_of, sheet_of
from mindseye.collection.builtin.moving.scene import film_at
from mindseye.errors import BadInput
from mindseye.imagine.frames.config import FramesConfig
from mindseye.imagine.frames.films import ActionReader, actions_of, film_of
from mindseye.learn.learner import PictureFormat
from mindseye.pictures.tensors import from_model, to_model
from mindseye.settings import checked


def test_a_sheet_is_taken_apart_into_its_frames() -> None:
    frames = frames_of(film_at("bouncing", 0, "test", 0, frame_px=16))
    [film] = film_of(to_model(sheet_of(frames))[None], 4)
    assert np.array_equal(from_model(film), frames)


def test_a_caption_of_actions_is_one_step_a_word_and_any_other_says_nothing() -> None:
    config = config_of("cdna")
    words = ActionReader(config).encode_together(["right up", "RIGHT stay", "a cat goes right", "", "up " * 40])
    assert words.absent.tolist() == [False, False, True, True, False]
    actions = actions_of(words, config)
    assert actions.shape == (5, 15, 5)
    assert [config.actions[i] for i in actions[0, :2].argmax(1)] == ["right", "up"]
    assert [config.actions[i] for i in actions[1, :2].argmax(1)] == ["right", "stay"]
    assert actions[0, 2:].abs().sum() == actions[2:4].abs().sum() == 0
    assert actions[4].sum() == 15


def test_without_action_words_every_caption_says_nothing() -> None:
    config = config_of("cdna", actions=())
    words = ActionReader(config).encode_together(["right up"])
    assert words.absent.all() and actions_of(words, config).shape == (1, 15, 0)


def test_other_words_are_another_reader() -> None:
    first, second = (ActionReader(config_of("cdna", actions=words)) for words in (("a", "b"), ("b", "a")))
    assert first.sha256 != second.sha256


@pytest.mark.parametrize(("size_px", "rows", "frame_px"), [(64, 4, 16), (128, 4, 32), (72, 3, 24), (16, 2, 8)])
def test_the_pictures_say_how_many_frames_are_likely_in_a_row(size_px: int, rows: int, frame_px: int) -> None:
    config = FramesConfig.for_pictures(PictureFormat(size_px, 3))
    assert (config.frames_per_row, config.frame_px, config.frames) == (rows, frame_px, rows**2)


def test_pictures_that_are_no_sheets_and_presets_that_are_not_there_are_refused() -> None:
    with pytest.raises(BadInput, match="no sheets"):
        FramesConfig.for_pictures(PictureFormat(20, 3))
    with pytest.raises(BadInput, match="no preset 'huge'"):
        FramesConfig.for_pictures(FORMAT, "huge")


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"frames_per_row": 3}, "multiple of 8"),
        ({"kernel_px": 4}, "odd"),
        ({"context": 16}, "nothing to predict"),
        ({"actions": ("up", "up")}, "twice"),
        ({"actions": ("Go up",)}, "single words"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(fields: dict, word: str) -> None:
    with pytest.raises(BadInput) as refused:
        checked(FramesConfig, {**config_of("cdna").model_dump(), **fields}, "model.")
    assert word in str(refused.value)
