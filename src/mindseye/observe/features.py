"""The feature cache: every caption of a collection is read by the frozen encoder once, ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mindseye.files import written_aside
from mindseye.learn.batch import Words
from mindseye.learn.learner import CaptionEncoder

CAPTIONS_AT_ONCE = 64


@dataclass(frozen=True)
class CaptionFeatures:
    """Features of many captions, without padding, in float16.

    Attributes:
        tokens: the token states of all captions, one after another.
        starts: where each caption begins in `tokens`; one entry more than captions.
        sentence: one vector a caption.
        token_limit: what `words` pads to.
    """

    tokens: Float[Tensor, "all_tokens width"]
    starts: Int[Tensor, "captions_and_one"]
    sentence: Float[Tensor, "caption width"]
    token_limit: int

    def words(self, captions: Sequence[int]) -> Words:
        """The features of the captions with these indices, padded to `token_limit`, float32."""
        rows = torch.as_tensor(captions)
        start, end = self.starts[rows], self.starts[rows + 1]
        position = torch.arange(self.token_limit)
        mask = position < (end - start)[:, None]
        states = self.tokens if len(self.tokens) else self.tokens.new_zeros(1, self.tokens.shape[1])  # no word at all
        index = (start[:, None] + position).clamp(max=len(states) - 1)
        tokens = states[index].float() * mask[..., None]
        return Words(tokens, mask, self.sentence[rows].float())

    @property
    def bytes(self) -> int:
        return sum(part.numel() * part.element_size() for part in (self.tokens, self.starts, self.sentence))


def caption_features(
    encoder: CaptionEncoder,
    captions: Sequence[str],
    cache: Path,
    log: Callable[[int, int], None] = lambda done, of: None,
) -> CaptionFeatures:
    """Features of `captions`, from the folder `cache` when they are there, computed and put there otherwise.

    Args:
        encoder: the frozen text encoder.
        captions: any number of captions; the cache knows them by their text, order and encoder.
        cache: a folder; made when absent.
        log: called with (captions done, captions in all) as the work goes on.
    """
    key = hashlib.sha256(json.dumps([encoder.sha256, encoder.token_limit, list(captions)]).encode()).hexdigest()
    path = cache / f"captions-{key[:24]}.safetensors"
    try:
        return CaptionFeatures(**load_file(path), token_limit=encoder.token_limit)
    except (OSError, SafetensorError):
        pass  # not there, or torn by a crash of an older kind: compute it
    features = _encode_all(encoder, captions, log)
    parts = {"tokens": features.tokens, "starts": features.starts, "sentence": features.sentence}
    with written_aside(path) as aside:
        save_file(parts, aside)
    return features


def _encode_all(encoder: CaptionEncoder, captions: Sequence[str], log: Callable[[int, int], None]) -> CaptionFeatures:
    """Captions of about one length go together, so that little is spent on padding."""
    order = sorted(range(len(captions)), key=lambda index: len(captions[index]))
    states: list[Tensor] = [torch.empty(0)] * len(captions)
    sentences: list[Tensor] = [torch.empty(0)] * len(captions)
    for begin in range(0, len(order), CAPTIONS_AT_ONCE):
        rows = order[begin : begin + CAPTIONS_AT_ONCE]
        words = encoder.encode_together([captions[row] for row in rows])
        for row, tokens, mask, sentence in zip(rows, words.tokens, words.mask, words.sentence, strict=True):
            states[row], sentences[row] = tokens[mask].half(), sentence.half()
        log(begin + len(rows), len(captions))
    starts = torch.tensor([0, *(len(tokens) for tokens in states)]).cumsum(0)
    return CaptionFeatures(torch.cat(states), starts, torch.stack(sentences), encoder.token_limit)
