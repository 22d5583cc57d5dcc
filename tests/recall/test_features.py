"""Features of a collection as hashers get them."""

from __future__ import annotations

import numpy as np
import torch

from mindseye.observe.features import CaptionFeatures
from mindseye.observe.pictures import PictureFeatures
from mindseye.recall.features import parts, plain, wide
from mindseye.recall.hashers.vtph import LAYOUT
from mindseye.recall.labels import label_table


def test_wide_features_are_the_whole_and_its_parts_each_of_length_one() -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = PictureFeatures(*(torch.rand(3, width, generator=generator) for width in (1280, 784, 1000)))
    tokens = torch.tensor([[1.0, -1], [3, 0], [-4, 5], [2, 2]])
    captions = CaptionFeatures(tokens, torch.tensor([0, 3, 3, 4]), torch.ones(3, 2), 8)
    looks, said = wide(pictures, captions)
    assert looks.shape == (3, 1280 + 784)
    assert said.shape == (3, 4 * 2)
    assert np.allclose(np.linalg.norm(looks, axis=1), np.sqrt(8))
    whole = plain(pictures, captions)[0]
    assert np.allclose(looks[:, :1280], whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6)
    # tokens: the maxima of (1, 3, -4) and (-1, 0, 5); pairs: of the means (2, -1/2), (-1/2, 5/2); threes: (0, 4/3)
    for part, wanted in zip(np.split(said[0], 4)[1:], ((3, 5), (2, 5 / 2), (0, 4 / 3)), strict=True):
        assert np.allclose(part, np.array(wanted) / np.linalg.norm(wanted), atol=1e-6)
    assert (said[1, 2:] == 0).all()  # no token
    assert np.allclose(said[2, 2:], np.tile(np.sqrt([0.5, 0.5]), 3))  # one token stands for pairs and threes, too


def test_patches_and_the_first_tokens_follow_the_whole_in_the_row() -> None:
    generator = torch.Generator().manual_seed(0)
    seen = [torch.rand(2, width, generator=generator) for width in (1280, 784, 1000)]
    patches = torch.rand(2, 25, 320, generator=generator).half()
    tokens = torch.arange(1.0, 24)[:, None].expand(23, 384).half()  # of the first caption 3, of the second 20
    captions = CaptionFeatures(tokens, torch.tensor([0, 3, 23]), torch.ones(2, 384).half(), 32)
    looks, said = parts(PictureFeatures(*seen, patches=patches), captions)
    assert (looks.dtype, said.dtype) == (np.float16, np.float16)
    read = LAYOUT.looks(looks)
    assert torch.equal(read.whole, seen[0].half())
    assert torch.equal(read.parts, patches)
    first = said[:, 384:].reshape(2, 16, 384)[:, :, 0]
    assert first[0].tolist() == [1, 2, 3, *[0] * 13]
    assert first[1].tolist() == list(range(4, 20))


def test_the_most_frequent_label_comes_first_and_equals_go_by_the_alphabet() -> None:
    table, names = label_table([{"b", "c"}, {"c"}, {"a"}, set()])
    assert names == ["c", "a", "b"]
    assert table.astype(int).tolist() == [[1, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]]
