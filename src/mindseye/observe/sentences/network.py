"""The networks (Bowman et al. 2016, section 3): an LSTM reads a sentence, a code is drawn, an LSTM writes it again.

Read `SentenceVae` downwards. Words are numbers (`words.py`), and both LSTMs have the same embedding of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mindseye.learn.learner import Objective
from mindseye.observe.sentences.config import PoolName, SentencesConfig
from mindseye.observe.sentences.objective import Posterior, draw, loss, scheduled
from mindseye.observe.sentences.words import MARKS, PAD

State = tuple[Tensor, Tensor]  # h and c of the decoder's LSTM, [1, batch, width] each


class SentenceVae(nn.Module):
    """q(z | x) and p(x | z) of sentences x.

    Attributes:
        kl: KL(q(z | x) || N(0, I)) of every dimension, in nats, the mean over the training pictures' first captions.
        variance: of the means of q(z | x), over the same: how far a dimension goes with the sentence.
        information: nats that the code and the sentence have in common, I_q (see `figures.py`).
    """

    kl: Float[Tensor, "code"]
    variance: Float[Tensor, "code"]
    information: Float[Tensor, ""]

    def __init__(self, config: SentencesConfig) -> None:
        super().__init__()
        self.config = config
        width, code, words = config.width, config.code, len(MARKS) + len(config.vocabulary)
        self.embedding = nn.Embedding(words, width, padding_idx=PAD)
        self.encoder = Encoder(config)
        self.to_posterior = nn.Linear(width * config.directions, 2 * code)
        self.to_state = nn.Linear(code, 2 * width)
        self.decoder = nn.LSTM(width + code, width, batch_first=True)
        self.to_words = nn.Linear(width, words)
        for name, size in (("kl", (code,)), ("variance", (code,)), ("information", ())):
            self.register_buffer(name, torch.zeros(size))

    def objectives(self) -> Sequence[Objective]:
        """One. The compiler leaves LSTMs as they are and gains nothing on the rest, so it is spared."""
        names = frozenset(name for name, _ in self.named_parameters())
        draws, costs = partial(draw, config=self.config), partial(loss, config=self.config)
        weight = partial(scheduled, config=self.config)
        return [Objective("loss", names, draws, costs, compiles=False, scheduled=weight)]

    def encode(self, ids: Int[Tensor, "batch token"], mask: Bool[Tensor, "batch token"]) -> Posterior:
        """q(z | x): the mean m and the log variance s of the code.

        Args:
            ids: numbers of the words, with `<eos>`.
            mask: True where one stands; what is padded has no part in anything.
        """
        mean, log_variance = self.to_posterior(self.encoder(self.embedding(ids), mask)).float().chunk(2, dim=1)
        return Posterior(mean, log_variance)

    def decode(
        self, codes: Float[Tensor, "batch code"], inputs: Int[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token word"]:
        """Logits of the word after each of `inputs`, which begin with `<bos>`."""
        logits, _ = self.step(codes, inputs, self.begin(codes))
        return logits

    def begin(self, codes: Float[Tensor, "batch code"]) -> State:
        """The decoder's state before any word: the code says how it begins ..."""
        h, c = torch.tanh(self.to_state(codes)).chunk(2, dim=1)
        return h[None].contiguous(), c[None].contiguous()

    def step(
        self, codes: Float[Tensor, "batch code"], inputs: Int[Tensor, "batch token"], state: State
    ) -> tuple[Float[Tensor, "batch token word"], State]:
        """... and stands beside every word, so that a long sentence does not forget it."""
        beside = codes[:, None].expand(-1, inputs.shape[1], -1)
        states, state = self.decoder(torch.cat([self.embedding(inputs), beside.to(codes.dtype)], dim=2), state)
        return self.to_words(states).float(), state


class Encoder(nn.Module):
    """An LSTM over the words, forwards or both ways, and one vector of its states.

    Two LSTMs and not one with `bidirectional=True`, whose states of both directions lie in one tensor: seen with the
    wrong shape, it mixes the sentences of a batch.
    """

    def __init__(self, config: SentencesConfig) -> None:
        super().__init__()
        self.pool = POOLS[config.pool]
        self.forwards = nn.LSTM(config.width, config.width, batch_first=True)
        self.backwards = nn.LSTM(config.width, config.width, batch_first=True) if config.directions == 2 else None

    def forward(
        self, words: Float[Tensor, "batch token width"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch pooled"]:
        ahead, _ = self.forwards(words)
        pooled = [self.pool(ahead, mask)]
        if self.backwards is not None:
            back, _ = self.backwards(reversed_words(words, mask))
            pooled.append(self.pool(back, mask))
        return torch.cat(pooled, dim=1)


def reversed_words(
    words: Float[Tensor, "batch token width"], mask: Bool[Tensor, "batch token"]
) -> Float[Tensor, "batch token width"]:
    """The words of each sentence from the last to the first; what is padded stays behind them."""
    places = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    mirrored = torch.where(mask, mask.sum(1, keepdim=True) - 1 - places, places)
    return words.gather(1, mirrored[..., None].expand_as(words))


def last(states: Float[Tensor, "batch token width"], mask: Bool[Tensor, "batch token"]) -> Float[Tensor, "batch width"]:
    """The state after the last word."""
    place = (mask.sum(1) - 1).clamp(min=0)
    return states.gather(1, place[:, None, None].expand(-1, 1, states.shape[2]))[:, 0]


def greatest(
    states: Float[Tensor, "batch token width"], mask: Bool[Tensor, "batch token"]
) -> Float[Tensor, "batch width"]:
    """The greatest value of each feature (Long et al. 2019); it is harder to ignore than the last state."""
    return states.masked_fill(~mask[..., None], -1.0).amax(1)  # an LSTM's states are above -1


def mean(states: Float[Tensor, "batch token width"], mask: Bool[Tensor, "batch token"]) -> Float[Tensor, "batch width"]:
    """The mean state."""
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


POOLS: dict[PoolName, Callable[[Tensor, Tensor], Tensor]] = {"last": last, "max": greatest, "mean": mean}


def build(config: SentencesConfig, seed: int) -> SentenceVae:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return SentenceVae(config)
