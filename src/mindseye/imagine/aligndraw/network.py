"""The recurrence: a canvas, written on T times by a generator that looks at the caption and chooses a code each time.

One step, in the paper's names (Mansimov et al. 2016, section 3):

    s_t = align(h_lang, h_dec_{t-1})                     what the step takes from the caption
    h_dec_t = LSTM([z_t, s_t])                           the generator
    c_t = c_{t-1} + write(W_c h_dec_t + b_c)             the canvas, of which the picture is sigmoid(c_T)
    mu_{t+1}, log sigma_{t+1} = tanh(W_p h_dec_t + b_p)  the prior of the next step's code; the first is N(0, I)

In drawing, z_t is a sample of the prior. In training it is a sample of the posterior, which sees the picture:

    r_t = read([x, x - sigmoid(c_{t-1})])                through a window that h_dec_{t-1} places
    h_enc_t = LSTM([r_t, h_dec_{t-1}])                   the inference; it does not see the caption
    q(z_t) = N(W h_enc + b, exp(W' h_enc + b'))

Everything runs in float32, also where products in bfloat16 would be faster: T steps add up what one step rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mindseye.imagine.aligndraw import window
from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.imagine.aligndraw.language import READERS, Language, Look
from mindseye.learn.batch import Words

Memory = tuple[Float[Tensor, "batch hidden"], Float[Tensor, "batch hidden"]]  # h and c of an LSTM


@dataclass(frozen=True)
class Gaussian:
    """N(mean, exp(log_sigma)^2), every dimension on its own. Everywhere in this family: the log of the STANDARD
    DEVIATION; the posterior's log variance, which the inference network gives, is halved once, where it is made."""

    mean: Float[Tensor, "batch code"]
    log_sigma: Float[Tensor, "batch code"]

    def sample(self, noise: Float[Tensor, "batch code"]) -> Float[Tensor, "batch code"]:
        """z = mu + sigma e."""
        return self.mean + self.log_sigma.exp() * noise


@dataclass(frozen=True)
class State:
    """Where a drawing stands after some steps.

    Attributes:
        canvas: c_t; the picture is its sigmoid.
        generator: of the LSTM that draws.
        prior: of the next step's code.
        look: what the last step took from the caption; None before the first.
    """

    canvas: Float[Tensor, "batch channel height width"]
    generator: Memory
    prior: Gaussian
    look: Look | None = None


class AlignDrawNetwork(nn.Module):
    """Inference, generator, windows and the reading of captions."""

    def __init__(self, config: AlignDrawConfig) -> None:
        super().__init__()
        self.config = config
        patch = config.channels * config.window**2
        shape = (config.channels, config.size_px, config.size_px)
        self.reader = READERS[config.reader](config)
        self.null_sentence = nn.Parameter(torch.zeros(2 * config.language))
        self.canvas = nn.Parameter(torch.tensor(config.blank)[:, None, None].expand(shape).clone())  # c_0
        self.inference = nn.LSTMCell(2 * patch + config.hidden, config.hidden)
        self.posterior = nn.Linear(config.hidden, 2 * config.code)
        self.generator = nn.LSTMCell(config.code + 2 * config.language, config.hidden)
        self.prior = nn.Linear(config.hidden, 2 * config.code)
        self.reading = nn.Linear(config.hidden, window.NUMBERS)
        self.writing = nn.Linear(config.hidden, window.NUMBERS)
        self.patch = nn.Linear(config.hidden, patch)

    @property
    def device(self) -> torch.device:
        return self.canvas.device

    def language(self, words: Words, without: Bool[Tensor, "batch"]) -> Language:
        """Captions as the steps read them; where `without` is True or there are no words in it, as none at all."""
        return self.reader.read(words, without | words.absent)

    def begin(self, count: int) -> State:
        """`count` drawings before the first step."""
        nothing = self.canvas.new_zeros(count, self.config.hidden)
        standard = self.canvas.new_zeros(count, self.config.code)
        canvas = self.canvas.expand(count, -1, -1, -1)
        return State(canvas, (nothing, nothing), Gaussian(standard, standard))

    def infer(
        self, pictures: Float[Tensor, "batch channel height width"], state: State, memory: Memory
    ) -> tuple[Gaussian, Memory]:
        """The posterior of the next step's code, given the pictures in [0, 1]; and the memory of the inference LSTM."""
        h_dec, _ = state.generator
        error = pictures - torch.sigmoid(state.canvas)
        placed = window.placed(self.reading(h_dec), self.config.size_px, self.config.window)
        seen = window.read(torch.cat([pictures, error], dim=1), placed).flatten(1)
        memory = self.inference(torch.cat([seen, h_dec], dim=1), memory)
        mean, log_variance = self.posterior(memory[0]).chunk(2, dim=1)
        return Gaussian(mean, log_variance / 2), memory

    def write(self, code: Float[Tensor, "batch code"], state: State, language: Language) -> State:
        """One step: the caption is looked at, the generator moves on, and a patch comes onto the canvas."""
        look = self.reader.look(language, state.generator[0])
        sentence = look.sentence + language.absent[:, None] * self.null_sentence
        generator = self.generator(torch.cat([code, sentence], dim=1), state.generator)
        h_dec, _ = generator
        placed = window.placed(self.writing(h_dec), self.config.size_px, self.config.window)
        patch = self.patch(h_dec).unflatten(1, (self.config.channels, self.config.window, self.config.window))
        mean, log_sigma = torch.tanh(self.prior(h_dec)).chunk(2, dim=1)
        return State(state.canvas + window.write(patch, placed), generator, Gaussian(mean, log_sigma), look)
