"""Ways to teach the emoji model a word that lost to what `mindseye teach` does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import mindseye
from mindseye.correct.teach.learning import BATCH, WORDINGS, moved
from mindseye.imagine.diffusion.objective import draw, loss
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.painter import FamilyPainter
from mindseye.learn.batch import Batch
from mindseye.learn.overlay import with_parameters
from mindseye.observe.pictures import PictureEncoder
from mindseye.observe.taught import TaughtWord
from mindseye.observe.text import TextEncoder
from mindseye.randomness import rng_at
from record import say

WORD = "zorble"
RANK, LOW_RANK_RATE = 4, 3e-3
REGRESSED, REGRESSION_RIDGE = 1500, 0.1


def with_parts(imaginer: Imaginer, model: Any, encoder: TextEncoder) -> Imaginer:
    """The imaginer with another model, or another reader of its words."""
    ours = imaginer.ours
    painter = FamilyPainter(ours.path, ours.family, model, ours.about)
    painter.__dict__ |= {"encoder": encoder}
    return Imaginer(imaginer.path, imaginer.name, painter, imaginer.about)


def low_rank(imaginer: Imaginer, stands_in: str, picture: Tensor, pictures_seen: int) -> Imaginer:
    """The model with rank-4 layers through which its words enter, learnt on what `learn` sees."""
    model, encoder = imaginer.ours.model, imaginer.ours.encoder
    names = [f"network.blocks.{place}.caption_kv.weight" for place in range(len(model.network.blocks))]
    names.append("network.sentence_in.weight")
    weights = {name: model.get_parameter(name).detach() for name in names}
    rng = rng_at(0, "low-rank")
    right = {
        name: torch.from_numpy(rng.standard_normal((RANK, weight.shape[1]), np.float32) / weight.shape[1] ** 0.5)
        for name, weight in weights.items()
    }
    left = {name: torch.zeros(weight.shape[0], RANK) for name, weight in weights.items()}
    factors = [factor.requires_grad_() for factor in (*left.values(), *right.values())]
    optimiser = torch.optim.Adam(factors, LOW_RANK_RATE)
    read = encoder.knowing([TaughtWord(WORD, stands_in, torch.zeros(1, encoder.width))]).encode(
        [wording.format(WORD) for wording in WORDINGS]
    )
    frozen = {name: parameter.detach() for name, parameter in model.network.named_parameters()}
    for step in range(pictures_seen // BATCH):
        samples = range(step * BATCH, (step + 1) * BATCH)
        rngs = [rng_at(0, "teach", sample) for sample in samples]
        words = read.rows([int(each.integers(len(WORDINGS))) for each in rngs])
        seen = torch.stack([moved(picture, each, True) for each in rngs])
        numbers = [draw(rng_at(0, "teach noise", sample), model.config) for sample in samples]
        draws = {key: torch.from_numpy(np.stack([one[key] for one in numbers])) for key in numbers[0]}
        draws["without_caption"][:] = False
        changed = {name.removeprefix("network."): weights[name] + left[name] @ right[name] for name in names}
        network = partial(_called, model.network, {**frozen, **changed})
        batch = Batch(seen, words, torch.zeros(BATCH, dtype=torch.long))
        fit = loss(network, batch, draws, model.config)
        optimiser.zero_grad()
        fit.backward()
        optimiser.step()
    final = {name: (weights[name] + left[name] @ right[name]).detach() for name in names}
    knowing = encoder.knowing([TaughtWord(WORD, stands_in, torch.zeros(1, encoder.width))])
    return with_parts(imaginer, with_parameters(model, final), knowing)


def _called(network: torch.nn.Module, parameters: dict[str, Tensor], *inputs: Tensor) -> Tensor:
    clean: Tensor = torch.func.functional_call(network, parameters, inputs)
    return clean


class Regression:
    """From features of a picture to the mean state of a caption's words, in closed form."""

    def __init__(self, imaginer: Imaginer, encoder: PictureEncoder, cache: Path) -> None:
        path = cache / "regression.safetensors"
        if not path.exists():
            split = mindseye.open_collection("emoji").splits["train"]
            rows = rng_at(0, "regression").permutation(len(split))[:REGRESSED].tolist()
            say(f"features of {REGRESSED} training pictures, once")
            features = encoder.encode(split.arrays(imaginer.size, 4, rows=rows)).pooled
            sentences = imaginer.ours.encoder.encode_together([split.captions[row][0] for row in rows]).sentence
            save_file({"features": features, "sentences": sentences}, path)
        parts = load_file(path)
        x, y = parts["features"].double(), parts["sentences"].double()
        self.mean, self.answer = x.mean(0), y.mean(0)
        centred = x - self.mean
        gram = centred @ centred.T
        ridge = REGRESSION_RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
        self.weight = centred.T @ torch.linalg.solve(gram + ridge, y - self.answer)

    def word(self, features: Tensor, encoder: TextEncoder) -> TaughtWord:
        """The word that says what the picture's features say."""
        said = (self.answer + (features.double() - self.mean) @ self.weight).float()
        stands_in = encoder.encode(["a thing"]).tokens[0, 2]
        said = said * stands_in.norm() / said.norm()
        return TaughtWord(WORD, "thing", (said - stands_in)[None])
