"""Corrections of a pipeline of the diffusers library: made of it as it is in memory, and added to a twin of it.

    layers = make(pipeline, "ReFACT", [("a rose", "a blue rose")], captions=captions)
    corrected(pipeline, layers)("a rose").images        # pipeline("a rose") draws what it always drew

TIME and UCE change the maps that take the states of a text encoder in, ReFACT one matrix of every text encoder. A layer
is named after the component it changes: "unet/...", "transformer/...", "text_encoder/...".
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from mindseye.correct import methods
from mindseye.correct.entrances import PipelineEntrances, taking
from mindseye.correct.memories import pipeline_memory
from mindseye.correct.refact import refact
from mindseye.errors import BadInput
from mindseye.imagine.edits import Layer
from mindseye.learn.overlay import with_parameters

METHODS = ("TIME", "UCE", "ReFACT")
NETWORKS = ("unet", "transformer")


@torch.no_grad()
def make(
    pipeline: Any,
    method: str,
    pairs: Sequence[tuple[str, str]],
    *,
    preserve: Sequence[str] = (),
    lam: float | None = None,
    captions: Sequence[str] = (),
) -> dict[str, Layer]:
    """The change that a method asks for; the pipeline is not touched.

    Args:
        pipeline: with text encoders like CLIP, T5 or BERT.
        method: "TIME", "UCE" or "ReFACT".
        pairs: (source, destination) prompts; with ReFACT one.
        preserve: with TIME and UCE, prompts that are to mean what they mean.
        lam: with TIME and UCE, weight of staying as it is; theirs unless given.
        captions: with ReFACT, some hundreds of other prompts: what else there is.

    Raises:
        BadInput: the method cannot do this for these prompts or this pipeline.
    """
    if method == "ReFACT":
        if len(pairs) != 1 or preserve or lam is not None:
            raise BadInput(
                "ReFACT corrects one pair at a time, and has neither lambda nor prompts to preserve",
                next_step="make an edit for each pair: they add up",
            )
        return _by_refact(pipeline, pairs[0], captions)
    if method not in METHODS:
        raise BadInput(f"there is no method {method!r}", next_step=f"choose one of {', '.join(METHODS)}")
    solve, default = (methods.time, methods.TIME_LAMBDA) if method == "TIME" else (methods.uce, methods.UCE_LAMBDA)
    name, entrances = entrances_of(pipeline)
    layers = solve(entrances, pairs, preserve=preserve, lam=default if lam is None else lam)
    return {f"{name}/{matrix}": layer for matrix, layer in layers.items()}


def _by_refact(pipeline: Any, pair: tuple[str, str], captions: Sequence[str]) -> dict[str, Layer]:
    layers = {}
    for name, (text_encoder, tokeniser) in text_encoders(pipeline).items():
        memory = pipeline_memory(text_encoder, tokeniser)
        with torch.enable_grad():
            layer, _ = refact(memory, *pair, captions)
        layers[f"{name}/{memory.matrix}"] = layer
    return layers


def corrected(pipeline: Any, layers: Mapping[str, Layer]) -> Any:
    """A twin of a pipeline with changes added; all that they do not change is shared with it.

    Args:
        pipeline: stays as it is, to the byte.
        layers: from `make`, or the sum of several.

    Raises:
        BadInput: a change is of a matrix that is not there.
    """
    by_component: dict[str, dict[str, torch.Tensor]] = {}
    for matrix, layer in layers.items():
        component, _, name = matrix.partition("/")
        try:
            weight = pipeline.components[component].get_parameter(name)
        except (KeyError, AttributeError) as error:
            raise BadInput(
                f"the edit does not fit this {type(pipeline).__name__}", why=f"it has no matrix {matrix}",
                next_step="make it again for this pipeline",
            ) from error  # fmt: skip
        added = layer.added_to(weight.detach().cpu())
        by_component.setdefault(component, {})[name] = added.to(weight.device, weight.dtype)
    twin = copy.copy(pipeline)
    twin.register_modules(
        **{name: with_parameters(pipeline.components[name], weights) for name, weights in by_component.items()}
    )
    return twin


def entrances_of(pipeline: Any) -> tuple[str, PipelineEntrances]:
    """The network of a pipeline by its name, and where the words of a text encoder enter it.

    Of several encoders it is the last whose states the network takes as they are: the T5 in Stable Diffusion 3, FLUX.

    Raises:
        BadInput: there is no such encoder, as in Stable Diffusion XL, which takes the states of two side by side.
    """
    for name in NETWORKS:
        network = pipeline.components.get(name)
        for text_encoder, tokeniser in reversed(text_encoders(pipeline).values()) if network is not None else ():
            if taking(network, int(text_encoder.config.hidden_size)):
                length, masked = _padding(pipeline, text_encoder, tokeniser)
                return name, PipelineEntrances(network, text_encoder, tokeniser, length, masked=masked)
    raise BadInput(
        f"TIME and UCE do not know where words enter a {type(pipeline).__name__}",
        why="no part of it takes the states of one of its text encoders as they are",
        next_step="use ReFACT, which changes the text encoders",
    )


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


def _padding(pipeline: Any, text_encoder: Any, tokeniser: Any) -> tuple[int, bool]:
    """To how many tokens the pipeline pads its prompts, and whether it tells the encoder which of them are padding."""
    length = inspect.signature(pipeline.__call__).parameters.get("max_sequence_length")
    told = length.default if length else None
    masked = "prompt_attention_mask" in inspect.signature(pipeline.encode_prompt).parameters
    masked = masked or bool(getattr(text_encoder.config, "use_attention_mask", False))
    return told if isinstance(told, int) else int(tokeniser.model_max_length), masked
