"""FSQ: levels, indices and the gradient by hand; and that pictures go through codes and back."""

from __future__ import annotations

import itertools

import pytest
import torch
from tests.imagine.maskgit.small import CONFIG, batch, model

from mindseye.imagine.maskgit import MaskGitConfig
from mindseye.imagine.maskgit.codes import Fsq
from mindseye.learn.learner import PictureFormat

LEVELS = (8, 5, 3, 2)


def test_every_code_has_an_index_of_its_own_and_comes_back_from_it() -> None:
    fsq = Fsq(LEVELS)
    index = torch.arange(8 * 5 * 3 * 2)
    shares = fsq.shares(index)
    assert torch.equal(fsq.index(shares), index)
    assert len({tuple(row) for row in shares.tolist()}) == len(index)
    by_hand = {(a / 4 - 1, b / 2 - 1, float(c - 1), float(d - 1)) for a, b, c, d in
               itertools.product(range(8), range(5), range(3), range(2))}  # fmt: skip
    assert {tuple(row) for row in shares.tolist()} == by_hand


def test_numbers_go_to_the_nearest_level_and_the_outermost_are_reached() -> None:
    fsq = Fsq(LEVELS)
    assert torch.equal(fsq(torch.zeros(4)), torch.zeros(4)), "0 is the level in the middle"
    assert fsq(torch.full((4,), 100.0)).tolist() == [0.75, 1, 1, 0]  # an even number of levels has one more below
    assert fsq(torch.full((4,), -100.0)).tolist() == [-1, -1, -1, -1]
    numbers = torch.linspace(-4, 4, 4001)[:, None].expand(-1, 4)
    assert all(len(fsq(numbers)[:, column].unique()) == count for column, count in enumerate(LEVELS))
    assert torch.equal(fsq.bounded(numbers).round(), fsq(numbers) * torch.tensor([4, 2, 1, 1]))


def test_the_gradient_passes_the_rounding() -> None:
    fsq = Fsq((5,))
    numbers = torch.tensor([[0.3], [-1.2]], requires_grad=True)
    fsq(numbers).sum().backward()
    half = 2 * 1.001
    by_hand = half * (1 - numbers.detach().tanh() ** 2) / 2
    assert numbers.grad is not None
    torch.testing.assert_close(numbers.grad, by_hand)


def test_a_picture_s_codes_are_looked_at_cell_by_cell_and_decoded_at_its_size() -> None:
    codes, pictures = model().codes, batch().pictures
    shares = codes.encode(pictures)
    assert shares.shape == (6, CONFIG.cells, 2)
    assert torch.equal(codes.fsq.shares(codes.fsq.index(shares)), shares)
    assert codes.decode(shares).shape == pictures.shape
    other = codes.decode(codes.fsq.shares((codes.fsq.index(shares) + 1) % CONFIG.codes))
    assert not torch.equal(other, codes.decode(shares))


@pytest.mark.parametrize(("size_px", "cell_px"), [(16, 1), (20, 1), (32, 2), (64, 4), (96, 6), (128, 8)])
def test_pictures_of_any_size_have_about_16_by_16_cells(size_px: int, cell_px: int) -> None:
    config = MaskGitConfig.for_pictures(PictureFormat(size_px, 4))
    assert config.cell_px == cell_px and config.codes == 1000


@pytest.mark.parametrize(
    ("field", "value", "match"),
    [("cell_px", 5, "does not divide"), ("heads", 3, "do not divide"), ("levels", (1, 8), "2 or more")],
)
def test_settings_that_do_not_fit_are_refused(field: str, value: object, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        MaskGitConfig.model_validate(CONFIG.model_dump() | {field: value})
