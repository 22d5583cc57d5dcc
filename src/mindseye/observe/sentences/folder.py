"""A model of sentences on disk: one file of weights; its settings and vocabulary stand in the folder's
`mindseye.json`."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mindseye.observe.sentences.config import SentencesConfig
from mindseye.observe.sentences.network import SentenceVae

WEIGHTS = "sentences/model.safetensors"


def save(model: SentenceVae, folder: Path) -> None:
    """Writes the weights in bfloat16, and what was measured of the codes in float32."""
    (folder / WEIGHTS).parent.mkdir(parents=True)
    measured = {name for name, _ in model.named_buffers()}
    weights = {
        name: (weight if name in measured else weight.to(torch.bfloat16)).contiguous()
        for name, weight in model.state_dict().items()
    }
    save_file(weights, folder / WEIGHTS)


def load(config: SentencesConfig, folder: Path) -> SentenceVae:
    """The model in `folder`, in float32, ready for use.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = SentenceVae(config)
    model.load_state_dict({name: weight.float() for name, weight in load_file(folder / WEIGHTS).items()})
    return model.eval().requires_grad_(False)
