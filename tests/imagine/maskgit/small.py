"""A small MaskGIT for tests: 16 px, 4 x 4 cells, 12 codes."""

from __future__ import annotations

import torch

from mindseye.imagine.maskgit import MaskGit, MaskGitConfig
from mindseye.imagine.maskgit.model import build
from mindseye.learn.batch import Batch, Words

CONFIG = MaskGitConfig(
    size_px=16, channels=4, cell_px=4, levels=(4, 3), features=8, width=16, depth=2, heads=2, hidden=16, steps=4
)


def model() -> MaskGit:
    """Fresh, but for branches that begin at zero: they have a say, so that everything has an effect."""
    made = build(CONFIG, seed=0)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(1)
        for parameter in made.parameters():
            if not parameter.any():
                parameter.normal_(std=0.2)
    return made.eval()


def words(count: int = 1) -> Words:
    """Captions of one to five tokens."""
    generator = torch.Generator().manual_seed(2)
    tokens = torch.randn(count, 5, CONFIG.text_width, generator=generator)
    mask = torch.arange(5)[None] <= torch.arange(count)[:, None] % 5
    return Words(tokens * mask[..., None], mask, tokens[:, 0])


def batch(count: int = 6) -> Batch:
    """Pictures whose cells have one of four colours each."""
    generator = torch.Generator().manual_seed(3)
    inks = torch.tensor([[-1.0, -1, -1, -1], [1, 1, 1, 1], [0.8, -1, -1, 1], [-1, -0.5, 0.9, 1]])
    cells = inks[torch.randint(4, (count, 4, 4), generator=generator)].movedim(-1, 1)
    pictures = cells.repeat_interleave(4, 2).repeat_interleave(4, 3)
    return Batch(pictures, words(count), torch.arange(count))
