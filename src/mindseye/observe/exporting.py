"""The default text encoder as ONNX, with its tokeniser, so that a program without torch can read prompts."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mindseye.errors import BadInput
from mindseye.learn.exporting import export_network
from mindseye.observe import minilm
from mindseye.observe.text import TextEncoder

WORDS, TOKENISER = "words.onnx", "tokenizer.json"


class States(nn.Module):
    """The encoder's network as a module: zero where no token stands."""

    def __init__(self, reader: minilm.MiniLM) -> None:
        super().__init__()
        self._reader = reader

    def forward(
        self, tokens: Int[Tensor, "batch token"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token width"]:
        return self._reader.states(tokens, mask) * mask[..., None]


def export_encoder(encoder: TextEncoder, folder: Path) -> None:
    """Writes `words.onnx`, from token numbers to their states, and `tokenizer.json`, from a prompt to token numbers.

    Raises:
        BadInput: it is another encoder than the default.
        Unavailable: a package is missing.
    """
    if encoder.name != minilm.NAME:
        raise BadInput(
            f"a model that reads through {encoder.name} cannot be exported",
            why=f"only {minilm.NAME} is written out in a way that can be",
            next_step="train with the default text encoder",
        )
    if encoder.taught:
        raise BadInput(
            f"a model that was taught {', '.join(encoder.taught)} cannot be exported",
            why="other programs would not read taught words as it does",
            next_step="export the model that it was taught to, or take the words back: mindseye unteach MODEL WORD",
        )
    assert isinstance(encoder.reader, minilm.MiniLM)
    inputs = {
        "ids": torch.zeros(2, encoder.token_limit, dtype=torch.int64),
        "mask": torch.ones(2, encoder.token_limit, dtype=torch.bool),
    }
    export_network(States(encoder.reader).eval(), inputs, "tokens", folder / WORDS)
    shutil.copyfile(minilm.folder() / TOKENISER, folder / TOKENISER)
