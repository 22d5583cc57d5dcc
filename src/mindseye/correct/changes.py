"""What a method changes, in a model of ours or in a pipeline of the diffusers library; nothing is written."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from mindseye.correct import beliefs, methods
from mindseye.correct.entrances import DiffusionEntrances, Entered
from mindseye.correct.memories import Memory, memory_of
from mindseye.correct.refact import refact
from mindseye.errors import BadInput
from mindseye.imagine.diffusion.model import Diffusion
from mindseye.imagine.edits import ENCODER, MODEL, Layer
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.painter import FamilyPainter

METHODS = ("TIME", "UCE", "ReFACT")
CAPTIONS = 500  # that ReFACT learns from what else there is
HELD_CAPTIONS = 100  # that tell TIME and UCE what else there is; with more of them they leave no more alone

Pair = tuple[str, str]


class Subject(Protocol):
    """What is corrected.

    Attributes:
        captions: prompts of all kinds of things, in an order by chance.
        parameters: numbers in it and its text encoders.
    """

    @property
    def captions(self) -> Sequence[str]: ...

    @property
    def parameters(self) -> int: ...

    def entrances(self) -> tuple[str, Entered]:
        """Whose they are, "model" or the name of a pipeline's component, and where words enter it.

        Raises:
            BadInput: that is not known.
        """
        ...

    def memories(self) -> Mapping[str, Memory]:
        """The MLPs that ReFACT changes, by whose they are.

        Raises:
            BadInput: they are of an unknown kind.
        """
        ...

    def weight(self, matrix: str) -> Tensor:
        """A matrix by the name that a change gives it, e.g. "model/..." or "unet/..."."""
        ...


@dataclass(frozen=True)
class Made:
    """The change that a method asks for.

    Attributes:
        layers: by matrix, "model/..." or "encoder/..."; of a pipeline by component, "unet/..." or "text_encoder/...".
        inputs: the kind of input that each matrix takes; those of one kind have one right factor.
        settings: of the method.
        seconds: what making it took, with reading the prompts.
        share_of_weights: numbers in the changed matrices, of all in model and text encoders.
    """

    layers: Mapping[str, Layer]
    inputs: Mapping[str, str]
    settings: Mapping[str, float]
    seconds: float
    share_of_weights: float


def make(
    subject: Subject, method: str, pairs: Sequence[Pair], *, preserve: Sequence[str] = (), lam: float | None = None,
    hold: float | None = None,
) -> Made:  # fmt: skip
    """The change that a method asks for; the subject is not touched.

    Args:
        subject: what is corrected.
        method: "TIME", "UCE" or "ReFACT".
        pairs: (source, destination) prompts; with ReFACT one.
        preserve: with TIME and UCE, prompts that are to mean what they mean.
        lam: with TIME and UCE, weight of staying as it is; theirs unless given.
        hold: with TIME and UCE, weight of captions of other things staying as they are; 0 is as in the papers, and
            `methods.HOLD` unless given.

    Raises:
        BadInput: the method cannot do this for these prompts or this subject.
    """
    if method not in METHODS:
        raise BadInput(f"there is no method {method!r}", next_step=f"choose one of {', '.join(METHODS)}")
    if not pairs:
        raise BadInput(
            "there is nothing to correct", next_step='give a source and a destination: "a rose" "a blue rose"'
        )
    if method == "ReFACT" and (len(pairs) > 1 or preserve or lam is not None or hold is not None):
        raise BadInput(
            "ReFACT corrects one pair at a time, and has neither lambda nor hold nor prompts to preserve",
            next_step="make an edit for each pair: they add up",
        )
    if hold is not None and not 0 <= hold < math.inf:
        raise BadInput(
            f"hold cannot be {hold:g}", next_step=f"give a number from 0 up; it is {methods.HOLD:g} by itself"
        )
    with torch.no_grad():
        if method == "ReFACT":
            return _by_refact(subject, pairs[0])
        return _closed(subject, method, pairs, preserve, lam, methods.HOLD if hold is None else hold)


def _closed(
    subject: Subject, method: str, pairs: Sequence[Pair], preserve: Sequence[str], lam: float | None, hold: float
) -> Made:
    owner, entrances = subject.entrances()
    solve, default = (methods.time, methods.TIME_LAMBDA) if method == "TIME" else (methods.uce, methods.UCE_LAMBDA)
    used = default if lam is None else lam
    began = time.perf_counter()
    held = methods.held_of(entrances, subject.captions[:HELD_CAPTIONS], hold)
    found = solve(entrances, pairs, preserve=preserve, lam=used, held=held)
    seconds = time.perf_counter() - began
    takes = {f"{owner}/{entrance.matrix}": entrance.takes for entrance in entrances.entrances}
    layers = {f"{owner}/{matrix}": layer for matrix, layer in found.items()}
    inputs = {matrix: takes[matrix] for matrix in layers}
    return Made(layers, inputs, {"lambda": used, "hold": hold}, seconds, share_of_weights(subject, layers))


def _by_refact(subject: Subject, pair: Pair) -> Made:
    memories, captions = subject.memories(), subject.captions[:CAPTIONS]
    layers: dict[str, Layer] = {}
    inputs: dict[str, str] = {}
    settings: dict[str, float] = {}
    began = time.perf_counter()
    for owner, memory in memories.items():
        matrix = f"{owner}/{memory.matrix}"
        with torch.enable_grad():
            layers[matrix], found = refact(memory, *pair, captions)
        inputs[matrix] = f"{owner} subject"
        of = f"{owner} " if len(memories) > 1 else ""
        settings |= {f"{of}probability": round(found.probability, 4), f"{of}steps": float(found.steps)}
    seconds = time.perf_counter() - began
    return Made(layers, inputs, settings, seconds, share_of_weights(subject, layers))


def share_of_weights(subject: Subject, changed: Iterable[str]) -> float:
    """Numbers in the changed matrices, of all in the subject."""
    return sum(subject.weight(matrix).numel() for matrix in changed) / subject.parameters


class OurModel:
    """A model of one of our families, with its text encoder; a `Subject`.

    Raises:
        BadInput: it learnt without captions.
    """

    def __init__(self, imaginer: Imaginer) -> None:
        self._imaginer, self._painter = imaginer, imaginer.ours
        if not self._painter.about.collection.captions:
            raise BadInput(f"{imaginer.name} learnt without captions", next_step="prompts change nothing there")

    @property
    def captions(self) -> Sequence[str]:
        """See `Subject`."""
        return beliefs.known_captions(self._imaginer)

    @property
    def parameters(self) -> int:
        """See `Subject`."""
        own: int = sum(each.numel() for each in self._painter.model.parameters())
        return own + self._painter.encoder.parameters

    def entrances(self) -> tuple[str, Entered]:
        """See `Subject`: those of a model of the family diffusion."""
        network = self._painter.model
        if not isinstance(network, Diffusion):
            raise BadInput(
                f"TIME and UCE do not know where words enter a {self._painter.kind} model",
                next_step="use ReFACT, which changes the text encoder, or a model of the family diffusion",
            )
        return MODEL, DiffusionEntrances(network, self._painter.encoder)

    def memories(self) -> Mapping[str, Memory]:
        """See `Subject`."""
        return {ENCODER: memory_of(self._painter.encoder)}

    def weight(self, matrix: str) -> Tensor:
        """See `Subject`."""
        owner, _, name = matrix.partition("/")
        found: Tensor = (
            self._painter.model.get_parameter(name) if owner == MODEL else self._painter.encoder.reader.weight(name)
        )
        return found


def subject_of(imaginer: Imaginer) -> Subject:
    """What of a loaded model is corrected.

    Raises:
        BadInput: it learnt without captions.
    """
    if isinstance(imaginer.painter, FamilyPainter):
        return OurModel(imaginer)
    from mindseye.correct.pipelines import PipelineParts  # opens the diffusers library, which takes seconds

    return PipelineParts.of(imaginer)
