"""What a batch says of its captions."""

from __future__ import annotations

import pytest
import torch

from mindseye.learn.batch import Batch, Words


@pytest.mark.parametrize(
    ("concepts", "silent", "wrong"),
    [
        ((0, 1, 2), (False, False, False), (True, True, True)),
        ((0, 0, 1), (False, False, False), (True, False, True)),  # the first has the caption of the last
        ((0, 1, 2), (True, False, False), (True, False, True)),
        ((0, 1, 2), (True, True, True), (False, False, False)),
    ],
)
def test_the_caption_before_is_wrong_where_it_is_of_another_concept_and_says_something(
    concepts: tuple[int, ...], silent: tuple[bool, ...], wrong: tuple[bool, ...]
) -> None:
    mask = ~torch.tensor(silent)[:, None].expand(-1, 2)
    words = Words(torch.zeros(3, 2, 4), mask, torch.zeros(3, 4))
    batch = Batch(torch.zeros(3, 3, 2, 2), words, torch.tensor(concepts))
    assert batch.others_caption_is_wrong.tolist() == list(wrong)
