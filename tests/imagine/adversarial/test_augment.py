"""What the critic is shown in place of a picture: changed, with nothing in it that the collection does not have."""

import numpy as np
import pytest
import torch

from mindseye.imagine.adversarial.augment import TRANSFORMATIONS, augmented, background, draw
from mindseye.randomness import rng_at

SIZE = 16


def draws(count: int, **fixed: object) -> dict[str, torch.Tensor]:
    """Of as many pictures; `fixed` numbers replace what was drawn."""
    each = [draw(rng_at(0, "augment", position), SIZE) for position in range(count)]
    drawn = {name: torch.from_numpy(np.stack([numbers[name] for numbers in each])) for name in each[0]}
    return drawn | {name: torch.tensor(value).expand(drawn[name].shape) for name, value in fixed.items()}


def pictures(count: int, channels: int) -> torch.Tensor:
    """Noise in the middle, in front of a background of one colour, with four channels an invisible one."""
    unit = torch.from_numpy(rng_at(0, "pictures").random((count, channels, SIZE, SIZE), dtype="float32"))
    made = unit[:, :, :1, :1].expand_as(unit).clone() if channels == 3 else torch.zeros_like(unit)
    made[:, :, 4:12, 4:12] = unit[:, :, 4:12, 4:12]
    if channels == 4:
        made = torch.cat([made[:, :3] * made[:, 3:], made[:, 3:]], dim=1)
    return made * 2 - 1


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("name", ["move", "cut"])
def test_what_comes_in_or_is_cut_out_has_the_colour_of_the_background(name: str, channels: int) -> None:
    before = pictures(32, channels)
    after = augmented(before, draws(32), (name,))
    assert not torch.equal(before, after)
    for old, new in zip(before, after, strict=True):  # no colour that was not there
        known = {tuple(colour) for colour in old.flatten(1).T.tolist()}
        assert {tuple(colour) for colour in new.flatten(1).T.tolist()} <= known


@pytest.mark.parametrize("channels", [3, 4])
def test_a_blank_picture_stays_blank_whatever_moves_or_is_cut(channels: int) -> None:
    blank = pictures(8, channels)[:, :, :1, :1].expand(-1, -1, SIZE, SIZE)
    assert torch.equal(augmented(blank, draws(8), ("move", "cut")), blank)


def test_the_background_is_nothing_or_the_median_of_the_border() -> None:
    assert torch.equal(background(pictures(3, 4)), torch.full((3, 4, 1, 1), -1.0))
    opaque = pictures(3, 3)
    opaque[:, :, 0, 3:9] = 1  # something touches the border
    assert torch.equal(background(opaque), opaque[:, :, -1:, -1:])


def test_a_move_is_a_move_by_rows_and_columns() -> None:
    before = pictures(1, 3)
    after = augmented(before, draws(1, shift=[1, -2]), ("move",))
    assert torch.equal(after[:, :, 1:, :-2], before[:, :, :-1, 2:])


def test_a_cut_takes_a_square_of_half_the_edge() -> None:
    after = augmented(torch.ones(1, 4, SIZE, SIZE), draws(1, middle=[8, 8]), ("cut",))
    assert (after[0, 0] == -1).sum() == 9 * 9  # |place - 8| <= 4
    assert (after[0, 0, 4:13, 4:13] == -1).all()


def test_colours_change_where_something_is_visible_and_nowhere_else() -> None:
    before = pictures(16, 4)
    after = augmented(before, draws(16), ("colour",))
    assert torch.equal(after[:, 3], before[:, 3])
    invisible = (before[:, 3:] == -1).expand_as(before)
    torch.testing.assert_close(after[invisible], before[invisible], rtol=0, atol=1e-6)
    assert (after - before).abs()[~invisible].mean() > 0.1


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_that_are_not_to_change_do_not(channels: int) -> None:
    before = pictures(4, channels)
    after = augmented(before, draws(4, brightness=0.0, saturation=1.0, contrast=1.0), ("colour",))
    torch.testing.assert_close(after, before, rtol=0, atol=1e-6)


def test_a_premultiplied_picture_is_changed_as_its_straight_colours_would_be() -> None:
    straight = pictures(1, 3).expand(4, -1, -1, -1)
    same = {name: float(value) for name, value in (("brightness", 0.2), ("saturation", 0.3), ("contrast", 1.4))}
    half = torch.cat([(straight + 1) / 4, torch.full_like(straight[:, :1], 0.5)], dim=1) * 2 - 1
    expected = (augmented(straight, draws(4, **same), ("colour",)) + 1) / 4 * 2 - 1
    torch.testing.assert_close(augmented(half, draws(4, **same), ("colour",))[:, :3], expected, rtol=0, atol=1e-6)


def test_the_generator_learns_through_every_change() -> None:
    made = pictures(8, 4).requires_grad_()
    augmented(made, draws(8), tuple(TRANSFORMATIONS)).sum().backward()
    assert made.grad is not None and (made.grad.flatten(1).abs().sum(1) > 0).all()


@pytest.mark.parametrize("often", [0.0, 0.3, 1.0])
def test_as_many_pictures_are_changed_as_asked_for(often: float) -> None:
    before = pictures(400, 3)
    after = augmented(before, draws(400, shift=[2, 1]), ("move",), often)
    changed = (before != after).flatten(1).any(1).float().mean().item()
    assert changed == pytest.approx(often, abs=0.08 if 0 < often < 1 else 0)
