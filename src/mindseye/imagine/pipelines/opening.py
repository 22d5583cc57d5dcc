"""Opens a pipeline in its folder, and what the diffusers library has for the same weights beside it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from mindseye.errors import BadInput
from mindseye.learn.device import has_bfloat16


def open_pipeline(folder: Path, device: str, **components: Any) -> Any:
    """The pipeline in `folder`: float32, on a graphics card bfloat16 where it has that.

    Args:
        folder: with a `model_index.json`.
        device: where it computes.
        components: those to take instead of its own; None leaves one out.

    Raises:
        BadInput: it is incomplete or damaged, has weights in a format that could run code, or needs code of its own.
    """
    try:
        with quiet():
            from diffusers import DiffusionPipeline

            pipeline = DiffusionPipeline.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, **components
            )
    except Exception as error:  # whatever diffusers and transformers find wrong with a folder
        raise BadInput(
            f"the pipeline in {folder} cannot be opened",
            why=f"diffusers says: {str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}",
            next_step="see that the folder is whole and its weights are .safetensors; one that needs code of its own is"
            " not opened",
        ) from error
    on_card = device == "cuda" and has_bfloat16(device)
    with quiet():
        return pipeline.to(device, torch.bfloat16 if on_card else torch.float32)


def completing(pipeline: Any) -> Any | None:
    """The inpainting pipeline of the same weights; None where the library has none."""
    return _relative("AutoPipelineForInpainting", pipeline)


def varying(pipeline: Any) -> Any | None:
    """The image-to-image pipeline of the same weights; None where the library has none."""
    return _relative("AutoPipelineForImage2Image", pipeline)


def _relative(kind: str, pipeline: Any) -> Any | None:
    import diffusers

    try:
        with quiet():
            return getattr(diffusers, kind).from_pipe(pipeline)
    except ValueError:
        return None


@contextmanager
def quiet() -> Iterator[None]:
    """Without those libraries' bars and remarks, some of them made while they are imported, which are not for the
    person at the prompt."""
    levels = [(part, part.get_verbosity()) for part in (diffusers_logging, transformers_logging)]
    for part, _ in levels:
        part.set_verbosity_error()
        part.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for part, level in levels:
            part.set_verbosity(level)
