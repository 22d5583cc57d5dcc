"""Reading the caption: an LSTM over its words in both directions, and what each step of the drawing takes from it.

Words come as the frozen text encoder gives their tokens, where the paper has one-hot words: so words that no caption
had can be read, too. What is behind the last word has no part in anything.

The three readers are the paper's arms. `align` looks anew at the words in each step; `noalign` takes the mean of the
same word states, whatever has been drawn; `sentence` has no word states and takes the encoder's one vector of the whole
caption, as the arm with skip-thought vectors does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mindseye.imagine.aligndraw.config import AlignDrawConfig, ReaderName
from mindseye.learn.batch import Words


@dataclass(frozen=True)
class Language:
    """A caption as the steps find it.

    Attributes:
        states: h_lang, one a word, zero where there is none.
        keys: U h_lang, or the states again where nothing is compared.
        mask: True where a word stands.
        absent: True where no caption is to be read; nothing is looked at there.
    """

    states: Float[Tensor, "batch word state"]
    keys: Float[Tensor, "batch word key"]
    mask: Bool[Tensor, "batch word"]
    absent: Bool[Tensor, "batch"]


@dataclass(frozen=True)
class Look:
    """What one step took from the caption: s_t, and alpha_t, the share of each word in it."""

    sentence: Float[Tensor, "batch state"]
    shares: Float[Tensor, "batch word"]


class BothWays(nn.Module):
    """A bidirectional LSTM: h_lang_k is what was read up to word k from the left, and from the right."""

    def __init__(self, config: AlignDrawConfig) -> None:
        super().__init__()
        self.forwards = nn.LSTM(config.text_width, config.language, batch_first=True)
        self.backwards = nn.LSTM(config.text_width, config.language, batch_first=True)

    def forward(
        self, tokens: Float[Tensor, "batch word width"], mask: Bool[Tensor, "batch word"]
    ) -> Float[Tensor, "batch word state"]:
        ahead, _ = self.forwards(tokens)
        back, _ = self.backwards(reversed_words(tokens, mask))
        return torch.cat([ahead, reversed_words(back, mask)], dim=2) * mask[..., None]


def reversed_words(
    states: Float[Tensor, "batch word state"], mask: Bool[Tensor, "batch word"]
) -> Float[Tensor, "batch word state"]:
    """The words of each caption from the last to the first; what is padded stays behind them.

    (The published code reverses the batch instead, so that the backward LSTM reads other captions, forwards.)
    """
    length = mask.sum(1, keepdim=True)
    places = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    mirrored = torch.where(mask, length - 1 - places, places)
    return states.gather(1, mirrored[..., None].expand_as(states))


class Align(nn.Module):
    """alpha_t = softmax_k(v . tanh(U h_lang_k + W h_{t-1} + b)),  s_t = sum_k alpha_tk h_lang_k."""

    def __init__(self, config: AlignDrawConfig) -> None:
        super().__init__()
        self.words = BothWays(config)
        self.U = nn.Linear(2 * config.language, config.align, bias=False)
        self.W = nn.Linear(config.hidden, config.align)
        self.v = nn.Linear(config.align, 1, bias=False)

    def read(self, words: Words, absent: Bool[Tensor, "batch"]) -> Language:
        states = self.words(words.tokens, words.mask)
        return Language(states, self.U(states), words.mask, absent)

    def look(self, language: Language, h_dec: Float[Tensor, "batch hidden"]) -> Look:
        scores = self.v(torch.tanh(language.keys + self.W(h_dec)[:, None])).squeeze(2)
        shares = torch.softmax(scores.masked_fill(~language.mask, -1e9), dim=1)
        return taken(language, shares * language.mask)


class NoAlign(nn.Module):
    """s is the mean of the word states, in every step."""

    def __init__(self, config: AlignDrawConfig) -> None:
        super().__init__()
        self.words = BothWays(config)

    def read(self, words: Words, absent: Bool[Tensor, "batch"]) -> Language:
        states = self.words(words.tokens, words.mask)
        return Language(states, states, words.mask, absent)

    def look(self, language: Language, h_dec: Float[Tensor, "batch hidden"]) -> Look:
        return taken(language, language.mask / language.mask.sum(1, keepdim=True).clamp(min=1))


class Sentence(nn.Module):
    """s is the text encoder's vector of the whole caption, in every step; the one word there is to look at."""

    def __init__(self, config: AlignDrawConfig) -> None:
        super().__init__()
        self.sentence = nn.Linear(config.text_width, 2 * config.language)

    def read(self, words: Words, absent: Bool[Tensor, "batch"]) -> Language:
        states = self.sentence(words.sentence)[:, None]
        return Language(states, states, ~words.absent[:, None], absent)

    def look(self, language: Language, h_dec: Float[Tensor, "batch hidden"]) -> Look:
        return taken(language, language.mask.float())


def taken(language: Language, shares: Float[Tensor, "batch word"]) -> Look:
    """The word states by their shares; nothing of an absent caption."""
    shares = shares * ~language.absent[:, None]
    return Look((shares[..., None] * language.states).sum(1), shares)


READERS: dict[ReaderName, type[Align] | type[NoAlign] | type[Sentence]] = {
    "align": Align,
    "noalign": NoAlign,
    "sentence": Sentence,
}
