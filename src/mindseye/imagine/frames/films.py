"""A film as the rest of the program stores it, and as a network sees it: a sheet with a caption, frames with actions.

A sheet is one square picture, n x n frames row by row, as pixel artists keep their animations. The actions of a film
are the words of its caption, one a step: the first says what led from the first frame to the second. A caption that is
anything else than action words says nothing of them, and then every action is zero.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.frames.config import FramesConfig
from mindseye.learn.batch import Words


def film_of(
    sheets: Float[Tensor, "film channel sheet_height sheet_width"], frames_per_row: int
) -> Float[Tensor, "film frame channel height width"]:
    """The frames of sheets, row by row."""
    cut = (frames_per_row, sheets.shape[-1] // frames_per_row)
    cells = sheets.unflatten(3, cut).unflatten(2, cut)  # film, channel, row, y, column, x
    return cells.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)


def unit(pictures: Tensor) -> Tensor:
    """From [-1, 1] to [0, 1], where 0 is black, or nothing at all: what lies outside a frame."""
    return (pictures + 1) / 2


class ActionReader:
    """Reads a caption as actions, each a 1 among zeros; see `learn.learner.CaptionEncoder`."""

    def __init__(self, config: FramesConfig) -> None:
        self.actions = config.actions
        self.name = "actions"
        self.token_limit = config.frames - 1
        self.sha256 = hashlib.sha256(json.dumps(["one-hot actions", *self.actions]).encode()).hexdigest()

    def encode_together(self, captions: Sequence[str]) -> Words:
        """The actions of captions, one a step, as many as a film has steps; none where one is no series of them."""
        tokens = torch.zeros(len(captions), self.token_limit, len(self.actions))
        mask = torch.zeros(len(captions), self.token_limit, dtype=torch.bool)
        for row, caption in enumerate(captions):
            words = caption.lower().split()
            if not words or any(word not in self.actions for word in words):
                continue
            for step, word in enumerate(words[: self.token_limit]):
                tokens[row, step, self.actions.index(word)] = 1
                mask[row, step] = True
        return Words(tokens, mask, tokens.sum(1) / mask.sum(1, keepdim=True).clamp(min=1))


def actions_of(words: Words, config: FramesConfig) -> Float[Tensor, "film step action"]:
    """What led from each frame of a film to the next; zeros where nothing is known of it."""
    steps = config.frames - 1
    actions = words.tokens.new_zeros(len(words.tokens), steps, len(config.actions))
    known = min(steps, words.tokens.shape[1])
    actions[:, :known] = words.tokens[:, :known]
    return actions
