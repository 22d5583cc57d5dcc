"""Real or imagined? A small classifier on features, and what its success says about the model.

If the best it can do is a guess, the generated pictures cannot be told from the real ones by these features: an area
under the curve of 0.5 means that the detector is fooled. (The classifier two-sample test, Lopez-Paz and Oquab 2017,
arXiv 1610.06545.)

The classifier is a logistic regression on standardised features whose scores are made into probabilities by Platt's
scaling (Platt 1999). Both are fitted with real and generated pictures weighing the same, however many there are of
each, so 0.5 means "cannot tell".
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch.nn import functional as F

from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.randomness import rng_at
from mindseye.think.features import Features, rows_of, two_sets
from mindseye.think.figure import DRAWS, Figure, block_numbers, bootstrap_interval, resampled

FOLDS = 5
FOLD_CORRELATION = math.sqrt(1 + FOLDS / (FOLDS - 1))  # how much wider an interval must be whose folds share pictures
LOGIT_SPREAD = 3.0  # the regularisation: what standard deviation a score has under the prior, whatever the width
CALIBRATION_BINS = 10
FACTS = "detector.json"
WEIGHTS = "detector.safetensors"


class DetectorFacts(BaseModel):
    """What a detector's folder says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str = Field(description="what its features come from; it understands no others")
    n_real: int = Field(ge=1, description="real pictures it was fitted on")
    n_generated: int = Field(ge=1, description="generated pictures it was fitted on")
    auc: float = Field(ge=0, le=1, description="out-of-fold area under the curve; 0.5 is a guess")


@dataclass(frozen=True)
class Detector:
    """A fitted detector: score = slope * (weight . (feature - mean) / scale + bias) + intercept, through a sigmoid.

    Attributes:
        facts: where it comes from.
        mean, scale, weight: one number a feature.
        bias, slope, intercept: single numbers, the last two of Platt's scaling.
    """

    facts: DetectorFacts
    mean: Float[np.ndarray, "width"]
    scale: Float[np.ndarray, "width"]
    weight: Float[np.ndarray, "width"]
    bias: float
    slope: float
    intercept: float

    def score(self, features: Features) -> Float[np.ndarray, "picture"]:
        """The probability that each picture is imagined, 0 to 1, if real and imagined are equally likely beforehand.

        Raises:
            BadInput: features that are not finite, or not of the width it was fitted on.
        """
        rows = rows_of(features, "given", fewest=1)
        if rows.shape[1] != len(self.mean):
            raise BadInput(
                f"the detector reads {len(self.mean)} features a picture, {rows.shape[1]} were given",
                next_step=f"encode the pictures with {self.facts.encoder}",
            )
        line = _Line(self.mean, self.scale, self.weight, self.bias)
        return _sigmoid(self.slope * line.logits(rows) + self.intercept)

    def save(self, folder: Path) -> None:
        """Writes a folder, whole or not at all; an existing one is replaced.

        Raises:
            Unavailable: the disk is full or refuses.
        """
        with written_aside(folder) as aside:
            aside.mkdir()
            (aside / FACTS).write_text(self.facts.model_dump_json(indent=2) + "\n", encoding="utf-8")
            platt = np.array([self.bias, self.slope, self.intercept])
            tensors = {"mean": self.mean, "scale": self.scale, "weight": self.weight, "bias_slope_intercept": platt}
            save_file(tensors, aside / WEIGHTS)
            (aside / WEIGHTS).chmod(0o644)  # that library makes it readable for its owner only


def load_detector(folder: Path, encoder: str) -> Detector:
    """Opens a folder that `Detector.save` wrote.

    Args:
        folder: where it is.
        encoder: the encoder whose features it will be given.

    Raises:
        BadInput: the folder is missing or damaged, or its detector reads the features of another encoder.
    """
    try:
        facts = DetectorFacts.model_validate_json((folder / FACTS).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
        mean, scale, weight = (tensors[name] for name in ("mean", "scale", "weight"))
        bias, slope, intercept = tensors["bias_slope_intercept"].tolist()
        if not mean.shape == scale.shape == weight.shape == (mean.size,):
            raise ValueError("the weights are not of one width")
    except (OSError, SafetensorError, ValidationError, ValueError, KeyError) as error:
        raise BadInput(
            f"the detector in {folder} cannot be opened",
            why=f"{FACTS} or {WEIGHTS} is missing or damaged",
            next_step="fit and save it again",
        ) from error
    if facts.encoder != encoder:
        raise BadInput(
            f"the detector in {folder} reads features of {facts.encoder}",
            why=f"these come from {encoder}",
            next_step="encode with the former, or fit a detector on the latter",
        )
    return Detector(facts, mean, scale, weight, bias, slope, intercept)


@dataclass(frozen=True)
class Detection:
    """What a detector makes of two sets of pictures, each judged by a detector that was not fitted on it.

    Attributes:
        real: probability of being imagined, for each real picture.
        generated: the same for each generated picture.
        auc: how often a generated picture scores above a real one; 0.5 is fooled, 1 is told apart every time.
        calibration_error: how far, on average, the probabilities are from how often they are right.
        detector: fitted on all pictures, for new ones.
    """

    real: Float[np.ndarray, "real"]
    generated: Float[np.ndarray, "generated"]
    auc: Figure
    calibration_error: Figure
    detector: Detector


def detect(
    real: Features,
    generated: Features,
    *,
    encoder: str,
    real_blocks: Sequence[Hashable] | None = None,
    generated_blocks: Sequence[Hashable] | None = None,
    seeds: str = "",
    seed: int = 0,
    draws: int = DRAWS,
) -> Detection:
    """Fits a detector in five folds, judges each picture out of fold, and fits one on all.

    Blocks (near-duplicates, pictures of one prompt) go to one fold as a whole, real and generated ones of one label
    together: no picture is judged by a detector that has seen its twin, nor by one that has learnt that what it shows
    is always real, or always imagined. The area under the curve counts only pairs of one fold, since scores of two
    detectors have no common scale. Its interval is a block bootstrap of the pictures, made 1.5 times as wide, since
    each picture that is judged in one fold also takes part in fitting the others (the correction of Nadeau and Bengio
    2003): without it, equal sets would be called different once in eight times. The interval of the
    calibration error is the bootstrap alone.

    Args:
        real: features of real pictures, at least 10. Leave out those that the generator was trained on, or a generator
            that learnt them by heart looks better than it is.
        generated: features of generated ones by the same encoder, at least 10.
        encoder: its name, for the record.
        real_blocks: a label a real picture, such as its concept; at least 5 blocks.
        generated_blocks: a label a generated picture, such as the concept that was asked for; at least 5 blocks. One
            label means the same on both sides.
        seeds: of the generated pictures, for the record.
        seed: of the folds and the bootstrap.
        draws: bootstrap draws.

    Raises:
        BadInput: features that are not finite, too few or of unequal width; too few blocks.
    """
    x = np.concatenate(two_sets(real, generated))
    n_real = len(real)
    n = (n_real, len(x) - n_real)
    imagined = (np.arange(len(x)) >= n_real).astype(np.float64)
    sides = (block_numbers(real_blocks, n[0]), block_numbers(generated_blocks, n[1]))
    fold = _folds(_common_blocks(real_blocks, generated_blocks, n), imagined, seed)
    logits = np.empty(len(x))
    for number in range(FOLDS):
        judged = fold == number
        logits[judged] = _fit(x[~judged], imagined[~judged]).logits(x[judged])
    probability = np.empty(len(x))
    for number in range(FOLDS):
        judged = fold == number
        slope, intercept = _platt(logits[~judged], imagined[~judged])
        probability[judged] = _sigmoid(slope * logits[judged] + intercept)

    w_real = resampled(sides[0], seed, "detector real", draws)
    w_generated = resampled(sides[1], seed, "detector generated", draws)
    areas = _areas(logits, fold, n_real, w_real, w_generated)
    areas = areas[0] + FOLD_CORRELATION * (areas - areas[0])
    errors = _calibration_errors(probability, imagined, w_real, w_generated)
    auc = Figure("auc", float(areas[0]), *bootstrap_interval(areas, (0, 1)), *n, encoder, seeds)
    error = Figure("calibration_error", float(errors[0]), *bootstrap_interval(errors, (0, 1)), *n, encoder, seeds)

    line = _fit(x, imagined)
    facts = DetectorFacts(encoder=encoder, n_real=n[0], n_generated=n[1], auc=auc.value)
    detector = Detector(facts, line.mean, line.scale, line.weight, line.bias, *_platt(logits, imagined))
    return Detection(probability[:n_real], probability[n_real:], auc, error, detector)


@dataclass(frozen=True)
class _Line:
    """A logistic regression on standardised features."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: float

    def logits(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = (rows - self.mean) / self.scale @ self.weight + self.bias
        return logits


def _fit(rows: NDArray[np.float64], imagined: NDArray[np.float64]) -> _Line:
    """The weights are a priori normal with the variance LOGIT_SPREAD^2 / width each, the bias is free."""
    mean, scale = rows.mean(0), rows.std(0)
    scale = np.where(scale > 1e-9 * (1 + np.abs(mean)), scale, 1)
    decay = rows.shape[1] / LOGIT_SPREAD**2
    weight, bias = _logistic((rows - mean) / scale, imagined, _balance(imagined), decay)
    return _Line(mean, scale, weight, bias)


def _platt(logits: NDArray[np.float64], imagined: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept that make logits out of fold into probabilities (Platt 1999, with his targets off 0 and 1).

    A slope that comes out negative says that the logits mean nothing; it becomes 0, "cannot tell".
    """
    positive = imagined.sum()
    negative = len(imagined) - positive
    targets = np.where(imagined == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    slope, intercept = _logistic(logits[:, None], targets, _balance(imagined), 0.0)
    return (float(slope[0]), intercept) if slope[0] > 0 else (0.0, 0.0)


def _balance(imagined: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights by which both kinds count the same, 1 on average."""
    share = imagined.mean()
    weights: NDArray[np.float64] = np.where(imagined == 1, 0.5 / share, 0.5 / (1 - share))
    return weights


def _logistic(
    rows: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64], decay: float
) -> tuple[NDArray[np.float64], float]:
    """The minimum of sum_i weight_i * cross-entropy_i + decay / 2 * |w|^2, by L-BFGS from zero: always the same."""
    x, t, per_row = (torch.from_numpy(np.ascontiguousarray(array)) for array in (rows, targets, weights))
    line = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [line], max_iter=500, tolerance_grad=1e-7, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        cross_entropy = F.binary_cross_entropy_with_logits(x @ line[:-1] + line[-1], t, per_row, reduction="sum")
        loss = (cross_entropy + decay / 2 * line[:-1].square().sum()) / len(x)
        loss.backward()
        return loss

    optimiser.step(closure)
    weight: NDArray[np.float64] = line.detach()[:-1].numpy()
    return weight, line[-1].item()


def _common_blocks(
    real: Sequence[Hashable] | None, generated: Sequence[Hashable] | None, n: tuple[int, int]
) -> Int[np.ndarray, "picture"]:
    """The number of each picture's block over both sides; a picture without a label is a block of its own."""
    labels: list[Hashable] = []
    for side, (given, count) in enumerate(zip((real, generated), n, strict=True)):
        labels += given if given is not None else [(side, number) for number in range(count)]
    return block_numbers(labels, sum(n))


def _folds(blocks: Int[np.ndarray, "picture"], imagined: NDArray[np.float64], seed: int) -> Int[np.ndarray, "picture"]:
    """The fold of each picture: blocks whole, in random order, each to the fold that lacks most of what it brings."""
    counts = np.stack([np.bincount(blocks[imagined == kind], minlength=blocks.max() + 1) for kind in (0, 1)], axis=1)
    for kind, several in zip(("real", "generated"), (counts > 0).sum(0), strict=True):
        if several < FOLDS:
            raise _too_few_blocks(f"the {kind} pictures are in {several} blocks")
    share = counts / counts.sum(0)
    filled = np.zeros((FOLDS, 2))
    of_block = np.empty(len(counts), dtype=np.int64)
    for block in rng_at(seed, "detector folds").permutation(len(counts)):
        brought = counts[block] > 0
        empty, full = ((filled == 0) & brought).sum(1), (filled * brought).sum(1)
        of_block[block] = np.lexsort((full, -empty))[0]
        filled[of_block[block]] += share[block]
    if not filled.all():
        raise _too_few_blocks("the pictures are in so few blocks that a fold has real or generated ones only")
    fold: NDArray[np.int64] = of_block[blocks]
    return fold


def _too_few_blocks(what: str) -> BadInput:
    return BadInput(
        what,
        why=f"each of {FOLDS} folds needs real and generated pictures of its own",
        next_step="give pictures of more prompts or groups",
    )


def _areas(
    logits: NDArray[np.float64],
    fold: NDArray[np.int64],
    n_real: int,
    w_real: Float[np.ndarray, "draw real"],
    w_generated: Float[np.ndarray, "draw generated"],
) -> Float[np.ndarray, "draw"]:
    """The share of pairs (real, generated) of one fold in which the generated scores higher.

    A tie is half, and so is a draw that leaves no pairs.
    """
    above, pairs = np.zeros(len(w_real)), np.zeros(len(w_real))
    for number in range(FOLDS):
        real, generated = fold[:n_real] == number, fold[n_real:] == number
        low, high = logits[:n_real][real], logits[n_real:][generated]
        wins = (high > low[:, None]) + 0.5 * (high == low[:, None])
        above += ((w_real[:, real] @ wins) * w_generated[:, generated]).sum(1)
        pairs += w_real[:, real].sum(1) * w_generated[:, generated].sum(1)
    area: NDArray[np.float64] = np.divide(above, pairs, out=np.full(len(pairs), 0.5), where=pairs > 0)
    return area


def _calibration_errors(
    probability: NDArray[np.float64],
    imagined: NDArray[np.float64],
    w_real: Float[np.ndarray, "draw real"],
    w_generated: Float[np.ndarray, "draw generated"],
) -> Float[np.ndarray, "draw"]:
    """Expected calibration error (Guo et al. 2017, arXiv 1706.04599, equation 3), ten bins, each kind weighing half."""
    halves = [side / side.sum(1, keepdims=True) / 2 for side in (w_real, w_generated)]
    weights = np.concatenate(halves, axis=1)
    bins = np.minimum((probability * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    error: NDArray[np.float64] = np.abs((weights * (probability - imagined)) @ np.eye(CALIBRATION_BINS)[bins]).sum(1)
    return error


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    probability: NDArray[np.float64] = 0.5 * (1 + np.tanh(logits / 2))
    return probability
