"""What a training says of its time before the first step."""

from __future__ import annotations

import pytest

from mindseye.train.config import TrainConfig
from mindseye.train.estimate import time_line


@pytest.mark.parametrize(
    ("pictures", "speed", "said"),
    [
        (512, 16.0, "512 pictures to see at about 16 pictures a second: 32 s, "),
        (10, 16.0, "10 pictures to see at about 16 pictures a second: 4.0 s, "),  # a step is whole
        (1, 1234.0, "1 picture to see at about 1,234 pictures a second: less than a second, "),
        (100_000, 17.25, "100,000 pictures to see at about 17.2 pictures a second: 1 h 36 min, "),
    ],
)
def test_a_number_of_pictures_is_told_as_a_time_that_is_never_nothing(pictures: int, speed: float, said: str) -> None:
    line = time_line(TrainConfig(pictures=pictures), 0, 0.0, speed)
    assert line == said + "and what checkpoints and sheets take"


def test_a_time_is_told_as_a_number_of_pictures_in_two_digits() -> None:
    line = time_line(TrainConfig(minutes=45), 0, 0.0, 16.5)
    assert line.startswith("45 min 0 s to train at about 16.5 pictures a second: 45,000 pictures, fewer by ")


def test_a_training_that_goes_on_counts_what_is_left() -> None:
    assert time_line(TrainConfig(pictures=640), 320, 60.0, 16.0).startswith("320 pictures to see at ")
    assert time_line(TrainConfig(minutes=2), 320, 90.0, 16.0).startswith("30 s to train at ")
