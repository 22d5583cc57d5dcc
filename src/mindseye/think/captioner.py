"""What does this picture show, in words? A small captioner on the region features of a frozen picture encoder.

MirrorGAN (Qiao et al. 2019, arXiv 1903.05854) asks of a drawn picture that its re-description be the text that it was
drawn from. Here that is a judgement after the drawing: `Captioner.describe` says what a picture shows and
`Captioner.log_likelihood` how well a given caption would do as its description.

It speaks the words of the collection's own captions and no others. The first caption of a picture is its main one:
it begins with a mark of its own, and that is the mark with which a description begins, so the other captions teach
words but not their manner.
"""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.observe.vocabulary import words_of
from mindseye.randomness import SEED_LIMIT, rng_at
from mindseye.think.caption_network import (
    IGNORED,
    MAIN,
    SPOKEN,
    UNKNOWN,
    CaptionerConfig,
    CaptionNetwork,
    Dropout,
    build,
    tokens,
)

SECONDS = 90.0
PASSES = 40  # at most; the held-out pictures end it sooner
PATIENCE = 4  # passes without a better held-out likelihood before it ends
HELD_OUT = 1 / 16  # share of the concepts, rounded down
LONGEST = 24  # words of a caption that are read
PICTURES_AT_ONCE = 32
LEARNING_RATE = 2e-3
WARMUP_STEPS = 50
WEIGHT_DECAY = 0.02
GRADIENT_CLIP = 1.0
LABEL_SMOOTHING = 0.1  # Szegedy et al. 2016, arXiv 1512.00567, section 7
DROPOUT = 0.2
EMA_GAMMA = 6.94  # averages over about the last tenth of the training (Karras et al. 2024, arXiv 2312.02696, eq. 4)
BEAMS = 4
CONFIG = "config.json"
WEIGHTS = "model.safetensors"

Regions = Float[Tensor, "picture region width"] | Float[np.ndarray, "picture region width"]


@dataclass(frozen=True)
class Description:
    """What a captioner says of a picture.

    Attributes:
        text: words with single spaces between them, lower case; never empty.
        log_probability: mean nats a word, the end mark included; 0 is certain.
    """

    text: str
    log_probability: float


@dataclass(frozen=True)
class Progress:
    """Where a fit stands after a pass over the pictures.

    Attributes:
        passes: how many are done.
        seconds: since it began.
        loss: of this pass, with label smoothing, in nats a word.
        held_out: mean nats a word of the held-out main captions (lower is better); None when nothing is held out.
    """

    passes: int
    seconds: float
    loss: float
    held_out: float | None


@dataclass(frozen=True)
class Captioner:
    """A fitted captioner. Its weights are those of its file to the bit (rounded to bfloat16).

    Attributes:
        config: its vocabulary and its shape.
        network: in float32, on the CPU.
    """

    config: CaptionerConfig
    network: CaptionNetwork

    @torch.inference_mode()
    def describe(self, regions: Regions) -> list[Description]:
        """The most likely description of each picture, by beam search: four beams, the best mean a word wins.

        A search ends when no open beam has a better mean so far than the best complete one. Each picture is described
        alone, so the others given with it change nothing.

        Raises:
            BadInput: features that are not finite, or not of the shape it was fitted on.
        """
        return [self._describe(picture) for picture in self._checked(regions)[:, None]]

    @torch.inference_mode()
    def log_likelihood(self, regions: Regions, captions: Sequence[str]) -> Float[Tensor, "picture"]:
        """How likely each caption is as the description of its picture: mean nats a word, the end mark included.

        The mean of two probabilities: as a main caption, and as one of the others. A word that it does not know costs
        ln(words it knows + 1), as if guessed. An empty caption has its end mark alone, which it never expects first.

        Args:
            regions: features of the pictures.
            captions: one a picture.

        Raises:
            BadInput: as `describe`, or not one caption a picture.
        """
        features = self._checked(regions)
        if len(captions) != len(features):
            raise BadInput(
                f"{len(captions)} captions for {len(features)} pictures", next_step="give one caption a picture"
            )
        places = self.config.longest + 1
        said, next_word = tokens(self.config, [(caption, caption) for caption in captions], places)
        guessed = (said[:, 0] == UNKNOWN).sum(1) * np.log(len(self.config.words) + 1)
        totals = []
        for part in torch.arange(len(features)).split(PICTURES_AT_ONCE):
            states = self.network(self.network.look(features[part], Dropout()), said[part], Dropout())
            nats = F.cross_entropy(self.network.logits(states).movedim(-1, 1), next_word[part], reduction="none")
            totals.append((-nats.sum(2)).logsumexp(1) - np.log(2))
        asked = (next_word[:, 0] != IGNORED).sum(1) + (said[:, 0] == UNKNOWN).sum(1)
        likelihood: Tensor = (torch.cat(totals) - guessed.float()) / asked
        return likelihood

    def save(self, folder: Path) -> None:
        """Writes a folder (config.json, model.safetensors), whole or not at all; an existing one is replaced.

        Raises:
            Unavailable: the disk is full or refuses.
        """
        with written_aside(folder) as aside:
            aside.mkdir()
            (aside / CONFIG).write_text(self.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
            weights = {
                name: weight.to(torch.bfloat16).contiguous() for name, weight in self.network.state_dict().items()
            }
            save_file(weights, aside / WEIGHTS)
            (aside / WEIGHTS).chmod(0o644)  # that library makes it readable for its owner only

    def _checked(self, regions: Regions) -> Float[Tensor, "picture region width"]:
        features = _finite(regions)
        if features.shape[1:] != (self.config.regions, self.config.region_width):
            raise BadInput(
                f"the captioner reads {self.config.regions} regions of {self.config.region_width} features a picture, "
                f"{features.shape[1]} of {features.shape[2]} were given",
                next_step="encode the pictures with the encoder that it was fitted on",
            )
        return features

    def _describe(self, regions: Float[Tensor, "1 region width"]) -> Description:
        looks = self.network.look(regions, Dropout())
        said = torch.tensor([[MAIN]])  # the beams, best first
        nats = torch.zeros(1)
        best = Description("", -np.inf)
        for length in range(1, self.config.longest + 2):
            states = self.network(looks, said[None], Dropout())[0, :, -1]
            further = nats[:, None] + self.network.logits(states).log_softmax(-1)
            if length == 1:
                further[:, 0] = -torch.inf  # at least one word
            if length > self.config.longest:
                further[:, 1:] = -torch.inf  # no room for another
            scores, order = further.flatten().topk(min(2 * BEAMS, further.numel()))
            beam, word = order // further.shape[1], order % further.shape[1]
            ends = word == 0
            for row in torch.nonzero(ends & scores.isfinite())[:, 0].tolist():
                if float(scores[row]) / length > best.log_probability:
                    best = Description(self._text(said[beam[row]]), float(scores[row]) / length)
            going_on = torch.nonzero(~ends & scores.isfinite())[:BEAMS, 0]
            if not len(going_on) or float(scores[going_on[0]]) / length <= best.log_probability:
                break
            said = torch.cat([said[beam[going_on]], word[going_on, None] + SPOKEN], dim=1)
            nats = scores[going_on]
        return best

    def _text(self, said: Int[Tensor, "word"]) -> str:
        return " ".join(self.config.words[token - SPOKEN - 1] for token in said[1:].tolist())


def fit(
    regions: Regions,
    captions: Sequence[Sequence[str]],
    concepts: Sequence[str],
    *,
    seed: int = 0,
    seconds: float = SECONDS,
    passes: int = PASSES,
    log: Callable[[Progress], None] = lambda progress: None,
) -> Captioner:
    """Fits a captioner. The same seed gives the same weights, unless `seconds` end it first.

    In each pass a picture shows its main caption and one of the others. The weights are the running average that was
    best on held-out concepts; with fewer than 16 concepts nothing is held out and all passes are made.

    Args:
        regions: features of the pictures by a frozen encoder, all on one grid.
        captions: of each picture, the main one first; pictures without any word are left out.
        concepts: what each picture shows; pictures of one concept are held out together.
        seed: 0 to 2^32 - 1.
        seconds: it stops after the step in which they have passed.
        passes: the most it makes over the pictures.
        log: called after every pass.

    Raises:
        BadInput: no words to learn, features that are not finite, lists of unequal length.
    """
    began = time.monotonic()
    features = _finite(regions)
    if not len(features) == len(captions) == len(concepts):
        raise BadInput(
            f"{len(features)} pictures, {len(captions)} lists of captions and {len(concepts)} concepts do not match",
            next_step="give captions and a concept for each picture",
        )
    spoken = [[text for text in texts if words_of(text)] for texts in captions]
    told = [picture for picture, texts in enumerate(spoken) if texts]
    held_out, shown = _held_out(told, concepts, seed)
    config, frequency = _vocabulary(features, [text for picture in shown for text in spoken[picture]])
    network = build(config, seed)
    network.bias.data.copy_(frequency.log())  # what is said of a picture that it has not looked at
    average = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98), foreach=True
    )
    best, best_nats, best_pass, step, over = average, np.inf, 0, 0, False
    for number in range(1, passes + 1):
        losses = []
        chosen = rng_at(seed, "captioner captions", number).random(len(spoken))
        order = rng_at(seed, "captioner order", number).permutation(shown)
        for batch in torch.from_numpy(order).split(PICTURES_AT_ONCE):
            step += 1
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * min(1, step / WARMUP_STEPS)
            pairs = [_pair(spoken[picture], chosen[picture]) for picture in batch.tolist()]
            dropout = Dropout(DROPOUT, int(rng_at(seed, "captioner dropout", step).integers(SEED_LIMIT)))
            loss = _loss(network, config, features[batch], pairs, dropout, LABEL_SMOOTHING)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_CLIP)
            optimiser.step()
            _follow(average, network, step)
            losses.append(loss.item())
            if over := time.monotonic() - began > seconds:
                break
        nats = _nats(average, config, features, spoken, held_out) if held_out else None
        log(Progress(number, time.monotonic() - began, float(np.mean(losses)), nats))
        if nats is None:
            best = average
        elif nats < best_nats:
            best, best_nats, best_pass = copy.deepcopy(average), nats, number
        if over or (nats is not None and number >= best_pass + PATIENCE):
            break
    best.load_state_dict({name: weight.bfloat16().float() for name, weight in best.state_dict().items()})
    return Captioner(config, best.eval())


def load_captioner(folder: Path) -> Captioner:
    """Opens a folder that `Captioner.save` wrote.

    Raises:
        BadInput: the folder is missing or damaged.
    """
    try:
        config = CaptionerConfig.model_validate_json((folder / CONFIG).read_text(encoding="utf-8"))
        network = build(config, seed=0)
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, SafetensorError, ValidationError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"the captioner in {folder} cannot be opened",
            why=f"{CONFIG} or {WEIGHTS} is missing or damaged, or they do not belong together",
            next_step="fit and save it again",
        ) from error
    return Captioner(config, network.eval().requires_grad_(False))


def _finite(regions: Regions) -> Float[Tensor, "picture region width"]:
    features = torch.as_tensor(regions).detach().cpu().float()
    if features.ndim != 3 or 0 in features.shape[1:]:
        raise BadInput(
            f"features of the shape {list(features.shape)} are no regions of pictures",
            next_step="give [picture, region, width]",
        )
    if not features.isfinite().all():
        raise BadInput("features are not finite numbers", next_step="look at the pictures and at the encoder")
    return features


def _vocabulary(
    features: Float[Tensor, "picture region width"], captions: Sequence[str]
) -> tuple[CaptionerConfig, Float[Tensor, "spoken"]]:
    """The words that are met at least twice, the most frequent first; and how frequent the end mark and each word are.

    Raises:
        BadInput: there are none.
    """
    told = [words_of(caption) for caption in captions]
    counts = Counter(word for words in told for word in words)
    words = tuple(sorted((word for word in counts if counts[word] >= 2), key=lambda word: (-counts[word], word)))
    if not words:
        raise BadInput(
            "there are no words to learn",
            why="no word is met twice in the captions",
            next_step="give pictures with captions that share words",
        )
    longest = min(LONGEST, max(map(len, told)))
    config = CaptionerConfig(regions=features.shape[1], region_width=features.shape[2], words=words, longest=longest)
    frequency = torch.tensor([len(told), *(counts[word] for word in words)], dtype=torch.float32)
    return config, frequency / frequency.sum()


def _held_out(told: Sequence[int], concepts: Sequence[str], seed: int) -> tuple[list[int], list[int]]:
    """Pictures of a sixteenth of the concepts, and the others."""
    names = sorted({concepts[picture] for picture in told})
    order = rng_at(seed, "captioner held out").permutation(len(names))
    apart = {names[index] for index in order[: int(len(names) * HELD_OUT)]}
    held_out = [picture for picture in told if concepts[picture] in apart]
    return held_out, [picture for picture in told if concepts[picture] not in apart]


def _pair(captions: Sequence[str], chosen: float) -> tuple[str, str]:
    """The main caption and the one of the others that a number in [0, 1) chooses; where there is none, the main."""
    others = captions[1:] or captions
    return captions[0], others[int(chosen * len(others))]


def _loss(
    network: CaptionNetwork,
    config: CaptionerConfig,
    regions: Float[Tensor, "picture region width"],
    pairs: Sequence[tuple[str, str]],
    drop: Dropout,
    smoothing: float,
) -> Tensor:
    """Mean nats a word (teacher forcing)."""
    said, next_word = tokens(config, pairs)
    asked = next_word != IGNORED
    states = network(network.look(regions, drop), said, drop)[asked]
    return F.cross_entropy(network.logits(states), next_word[asked], label_smoothing=smoothing)


@torch.inference_mode()
def _nats(
    network: CaptionNetwork,
    config: CaptionerConfig,
    features: Float[Tensor, "picture region width"],
    captions: Sequence[Sequence[str]],
    pictures: Sequence[int],
) -> float:
    """Mean nats a word of the main captions of some pictures."""
    captioner, totals = Captioner(config, network), []
    for part in torch.tensor(pictures).split(PICTURES_AT_ONCE):
        totals.append(captioner.log_likelihood(features[part], [captions[picture][0] for picture in part.tolist()]))
    return -float(torch.cat(totals).mean())


@torch.no_grad()
def _follow(average: CaptionNetwork, network: CaptionNetwork, step: int) -> None:
    """average <- beta average + (1 - beta) network with beta = (1 - 1/step)^(gamma + 1), so the start is forgotten."""
    beta = (1 - 1 / step) ** (EMA_GAMMA + 1)
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - beta)
