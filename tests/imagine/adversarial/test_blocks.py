"""The parts that generators share."""

import pytest
import torch

from mindseye.imagine.adversarial.blocks import Squashed
from mindseye.imagine.attngan import FAMILY as ATTNGAN
from mindseye.imagine.dfgan import FAMILY as DFGAN
from mindseye.imagine.family import Family
from mindseye.imagine.gan import FAMILY as GAN
from mindseye.learn.learner import PictureFormat


@pytest.mark.parametrize(
    ("family", "fields"),
    [(ATTNGAN, {}), (DFGAN, {}), (GAN, {"method": "dcgan"}), (GAN, {"method": "wgan-gp"})],
    ids=["attngan", "dfgan", "dcgan", "wgan-gp"],
)
def test_a_generator_that_draws_nothing_can_leave_it_in_half_precision_too(family: Family, fields: dict) -> None:
    config = family.config.for_pictures(PictureFormat(32, 4), preset="tiny").model_copy(update=fields)
    squashed = [part for part in family.build(config, 0).modules() if isinstance(part, Squashed)]
    assert squashed
    numbers = torch.tensor([-5.0], dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        pictures = squashed[-1](numbers)
    pictures.sum().backward()
    assert pictures.dtype == torch.float32 and -1 < pictures.item() < -0.999
    assert numbers.grad.item() == pytest.approx(1 - torch.tanh(torch.tensor(5.0)).item() ** 2, rel=0.01)
