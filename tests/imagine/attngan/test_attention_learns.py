"""The word attention learns which region a word is about, from the pictures alone."""

from __future__ import annotations

import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mindseye.imagine.attngan.network import WordAttention
from mindseye.randomness import rng_at

COLOURS, SIDE, WIDTH, NGF = 6, 8, 24, 16
GROUND, FIRST, SECOND = 0, 1, 2


def scenes(begin: int, count: int) -> tuple[Int[Tensor, "scene row column"], Int[Tensor, "scene 2"]]:
    """Where the ground, the first and the second thing of each scene are; and the colours of both things."""
    places = torch.full((count, SIDE, SIDE), GROUND)
    colours = []
    for row in range(count):
        rng = rng_at(0, "scene", begin + row)
        colours.append(rng.choice(COLOURS, 2, replace=False).tolist())
        for thing, left in ((FIRST, rng.integers(0, 2)), (SECOND, rng.integers(4, 6))):
            top = rng.integers(0, SIDE - 2)
            places[row, top : top + 3, left : left + 3] = thing
    return places, torch.tensor(colours)


class Painter(nn.Module):
    """A grid that knows where things are, words that know what they are called; the attention has to join them."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = nn.Embedding(3, NGF)
        self.words = nn.Embedding(COLOURS, WIDTH)
        self.order = nn.Embedding(5, WIDTH)  # "a", first colour, "and", "a", second colour
        self.attend = WordAttention(WIDTH, NGF)
        self.to_colour = nn.Linear(NGF, COLOURS + 1)

    def forward(
        self, places: Int[Tensor, "scene row column"], colours: Int[Tensor, "scene 2"]
    ) -> tuple[Float[Tensor, "scene row column colour"], Float[Tensor, "scene word row column"]]:
        words = self.order.weight.repeat(len(places), 1, 1)
        named = torch.zeros_like(words)
        named[:, [1, 4]] = self.words(colours)
        mask = torch.ones(words.shape[:2], dtype=torch.bool)
        context, beta = self.attend(self.grid(places).permute(0, 3, 1, 2), words + named, mask)
        return self.to_colour(context.permute(0, 2, 3, 1)), beta


@pytest.fixture(scope="module")
def painter() -> Painter:
    """Has learnt to paint each place in its colour, the ground in that of no word."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        made = Painter()
        nn.init.normal_(made.grid.weight, std=0.1)  # at first every place looks at all words alike
    places, colours = scenes(0, 90)
    target = torch.cat([torch.full((90, 1), COLOURS), colours], dim=1).gather(1, places.flatten(1))
    worth = torch.ones(COLOURS + 1)
    worth[COLOURS] = 0.1  # there is a lot of ground
    optimiser = torch.optim.Adam(made.parameters(), lr=0.03)
    for _ in range(300):
        painted, _ = made(places, colours)
        optimiser.zero_grad()
        nn.functional.cross_entropy(painted.flatten(0, 2), target.flatten(), weight=worth).backward()
        optimiser.step()
    return made


@torch.no_grad()
def test_most_of_a_colour_word_s_attention_is_on_the_thing_of_that_colour(painter: Painter) -> None:
    places, colours = scenes(10**6, 100)
    _, beta = painter(places, colours)
    for word, thing in ((1, FIRST), (4, SECOND)):
        there = (places == thing).float()
        share = (beta[:, word] * there).sum((1, 2)) / beta[:, word].sum((1, 2))
        assert there.mean() < 0.2 and share.mean() > 0.5


@torch.no_grad()
def test_the_region_that_a_word_drew_takes_on_the_colour_of_another_word_in_its_place(painter: Painter) -> None:
    places, colours = scenes(10**6, 100)
    other = torch.stack([(colours[:, 0] + 1) % COLOURS, colours[:, 1]], dim=1)
    painted, _ = painter(places, colours)
    repainted, _ = painter(places, other)
    there = places == FIRST
    right = repainted.argmax(3) == other[:, 0, None, None]
    assert right[there].float().mean() > 0.9
    assert (repainted.argmax(3) == painted.argmax(3))[places == SECOND].float().mean() > 0.9
