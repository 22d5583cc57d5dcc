"""Any text encoder that the `transformers` library can open, from a folder or by its hub name."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.learn.overlay import with_parameters
from mindseye.observe import minilm


class AnyTransformer:
    """A tokeniser and a network, or the text half of a larger one (BERT-, T5- and CLIP-like); a `text.Reader`.

    Attributes:
        width: features a token.
        tokeniser, network: of that library; frozen.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForTextEncoding, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # opening takes a moment only
        logging.set_verbosity_error()  # a caption longer than the network reads is cut by us, and said
        self.tokeniser = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        network = AutoModelForTextEncoding.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, attn_implementation="eager"
        )
        self.network = network.eval().requires_grad_(False)
        self.width = int(self.network.config.hidden_size)

    def tokens(self, captions: Sequence[str]) -> list[list[int]]:
        """The numbers of each caption's tokens, special ones included."""
        return [list(tokens) for tokens in self.tokeniser(list(captions))["input_ids"]]

    def words(self, caption: str) -> list[tuple[str, list[int]]]:
        """Each word of a caption with the places of its tokens."""
        encoding = self.tokeniser(caption)
        places: dict[int, list[int]] = {}
        for place, word in enumerate(encoding.word_ids()):
            if word is not None:  # as it is for begin and end
                places.setdefault(word, []).append(place)
        return [(caption[slice(*encoding.word_to_chars(word))], tokens) for word, tokens in places.items()]

    @property
    def parameters(self) -> int:
        """How many numbers it has learnt."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def weight(self, name: str) -> Tensor:
        """The parameter of this name.

        Raises:
            KeyError: there is none.
        """
        return dict(self.network.named_parameters())[name]

    def changed(self, weights: Mapping[str, Tensor]) -> AnyTransformer:
        """The same with other weights under these names; this one stays as it is."""
        other = copy.copy(self)
        other.network = with_parameters(self.network, weights)
        return other

    def states(
        self, tokens: Int[Tensor, "batch token"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token width"]:
        """The last hidden state of every token."""
        states: Tensor = self.network(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        return states.float()


def fetched(name: str) -> Path:
    """The folder of an encoder on the model hub, which is asked for it.

    Raises:
        BadInput: it cannot be had.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.txt", "*.model", "*.safetensors"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BadInput(
            f"there is no text encoder {name!r}",
            why=f"it is neither a folder nor a model that could be fetched by name ({type(error).__name__})",
            next_step=f"give a folder with config.json and model.safetensors, or use {minilm.NAME}",
        ) from error
