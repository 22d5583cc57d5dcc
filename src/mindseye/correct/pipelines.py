"""Corrections of a pipeline of the diffusers library.

    layers = make(pipeline, "ReFACT", [("a rose", "a blue rose")])
    corrected(pipeline, layers)("a rose").images        # pipeline("a rose") draws what it always drew

TIME and UCE change the maps that take the states of text encoders in, ReFACT one matrix of every text encoder. A layer
is named after the component it changes: "unet/...", "transformer/...", "text_encoder/...". The ledger keeps such edits
as it keeps those of our own models (`making.py`); here they are made and added in memory.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.correct import beliefs, changes
from mindseye.correct.entrances import Entered, PipelineEntrances
from mindseye.correct.memories import Memory, is_causal, pipeline_memory
from mindseye.errors import BadInput
from mindseye.imagine.edits import Layer
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.pipelines.knobs import Knobs
from mindseye.imagine.pipelines.opening import quiet
from mindseye.imagine.pipelines.painter import PipelinePainter
from mindseye.imagine.pipelines.twin import matrix_of, with_matrices

NETWORKS = ("unet", "transformer")


def make(
    pipeline: Any,
    method: str,
    pairs: Sequence[tuple[str, str]],
    *,
    preserve: Sequence[str] = (),
    lam: float | None = None,
    captions: Sequence[str] = (),
) -> Mapping[str, Layer]:
    """The change that a method asks for; the pipeline is not touched.

    Args:
        pipeline: with text encoders like CLIP, T5 or BERT.
        captions: with ReFACT, some hundreds of prompts: what else there is; names of many things unless given.
        method, pairs, preserve, lam, Raises: as `changes.make`.
    """
    return changes.make(PipelineParts(pipeline, captions), method, pairs, preserve=preserve, lam=lam).layers


def corrected(pipeline: Any, layers: Mapping[str, Layer]) -> Any:
    """A twin of a pipeline with changes added; all that they do not change is shared with it.

    Args:
        pipeline: stays as it is, to the byte.
        layers: from `make`.

    Raises:
        BadInput: a change is of a matrix that is not there.
    """
    try:
        changed = {matrix: layer.added_to(matrix_of(pipeline, matrix).cpu()) for matrix, layer in layers.items()}
    except (LookupError, AttributeError, RuntimeError) as error:
        raise BadInput(
            f"the edit does not fit this {type(pipeline).__name__}", why="it changes a matrix that is not there",
            next_step="make it again for this pipeline",
        ) from error  # fmt: skip
    return with_matrices(pipeline, changed)


class PipelineParts:
    """A pipeline as it is corrected; a `changes.Subject`.

    Args:
        pipeline: with text encoders like CLIP, T5 or BERT.
        captions: what else there is; names of many things unless given.
    """

    def __init__(self, pipeline: Any, captions: Sequence[str] = ()) -> None:
        self._pipeline, self._given = pipeline, captions

    @classmethod
    def of(cls, imaginer: Imaginer) -> PipelineParts:
        """Those of a loaded pipeline."""
        assert isinstance(imaginer.painter, PipelinePainter)
        return cls(imaginer.painter.pipeline, beliefs.known_captions(imaginer))

    @property
    def captions(self) -> Sequence[str]:
        """See `Subject`."""
        return self._given or beliefs.common_captions()

    @cached_property
    def parameters(self) -> int:
        """See `Subject`."""
        parts = [self._pipeline.components.get(name) for name in (*NETWORKS, *text_encoders(self._pipeline))]
        return sum(each.numel() for part in parts if part is not None for each in part.parameters())

    def entrances(self) -> tuple[str, Entered]:
        """See `Subject`."""
        return entrances_of(self._pipeline)

    def memories(self) -> Mapping[str, Memory]:
        """See `Subject`."""
        return {name: pipeline_memory(*read_with) for name, read_with in text_encoders(self._pipeline).items()}

    def weight(self, matrix: str) -> Tensor:
        """See `Subject`."""
        return matrix_of(self._pipeline, matrix)


def entrances_of(pipeline: Any) -> tuple[str, PipelineEntrances]:
    """The network of a pipeline by its name, and where the words enter it that the pipeline tells it.

    They are the states of the last encoder that gives so many numbers a token (the T5 in Stable Diffusion 3, FLUX), or
    of all encoders side by side (Stable Diffusion XL).

    Raises:
        BadInput: they are neither, or no part of the network takes them.
    """
    encoders = list(text_encoders(pipeline).values())
    names = [name for name in NETWORKS if pipeline.components.get(name) is not None]
    widths = [int(getattr(encoder.config, "hidden_size", 0)) for encoder, _ in encoders]
    width = told(pipeline, [""]).shape[-1] if names and hasattr(pipeline, "encode_prompt") else None
    alone = [read_with for read_with, own in zip(encoders, widths, strict=True) if own == width][-1:]
    if not alone and sum(widths) != width:
        raise BadInput(
            f"TIME and UCE do not know where words enter a {type(pipeline).__name__}",
            why="what its network is told are not the states of its text encoders",
            next_step="use ReFACT, which changes the text encoders",
        )
    encoder, tokeniser = (alone or encoders)[0]
    network = pipeline.components[names[0]]
    return names[0], PipelineEntrances(network, partial(told, pipeline), tokeniser, causal=is_causal(encoder))


@torch.no_grad()
def told(pipeline: Any, prompts: Sequence[str]) -> Float[Tensor, "prompt token width"]:
    """What a pipeline tells its network of prompts, float32: of several encoders one after another, as in Stable
    Diffusion 3, the last one's part."""
    length = Knobs.of(pipeline).defaults.get("max_sequence_length")
    say = {
        "prompt": list(prompts), "device": pipeline.device, "num_images_per_prompt": 1, "max_sequence_length": length,
        "do_classifier_free_guidance": False, "clean_caption": False,
    }  # fmt: skip
    takes = inspect.signature(pipeline.encode_prompt).parameters
    needed = [name for name, parameter in takes.items() if parameter.default is parameter.empty]
    with quiet():
        answer = pipeline.encode_prompt(**{name: say.get(name) for name in takes if name in say or name in needed})
    states: Tensor = answer[0] if isinstance(answer, tuple) else answer
    return (states[:, -length:] if isinstance(length, int) else states).float().cpu()


def text_encoders(pipeline: Any) -> dict[str, tuple[Any, Any]]:
    """The text encoders of a pipeline by their names in it, each with its tokeniser.

    Raises:
        BadInput: it has none.
    """
    found = {}
    for name in sorted(pipeline.components):
        tokeniser = pipeline.components.get(name.replace("text_encoder", "tokenizer"))
        if name.startswith("text_encoder") and pipeline.components[name] is not None and tokeniser is not None:
            found[name] = (pipeline.components[name], tokeniser)
    if not found:
        raise BadInput(f"{type(pipeline).__name__} has no text encoder that is known here")
    return found
