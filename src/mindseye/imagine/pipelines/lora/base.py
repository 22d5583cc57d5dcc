"""The pipeline that adapters are built on: where it is, whether it can be, and what reads captions for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mindseye.errors import BadInput
from mindseye.imagine.pipelines.finding import INDEX, find_pipeline
from mindseye.imagine.pipelines.lora.config import LoraConfig
from mindseye.learn.batch import Words
from mindseye.learn.folder import weights_digest

SHAPES = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")
PREDICTIONS = ("epsilon", "v_prediction")
NOT_NEEDED: dict[str, Any] = {"safety_checker": None, "feature_extractor": None}  # to learn; some do not have them


def base_folder(config: LoraConfig) -> Path:
    """The folder of the base, with the weights that the adapters belong to.

    Raises:
        BadInput: there is no such pipeline, or it is another than it was.
    """
    if not config.base:
        raise BadInput(
            "model.base is missing: which pipeline is to learn?",
            next_step="add --set model.base=PATH (a diffusers pipeline's folder, or its name on the model hub)",
        )
    folder = find_pipeline(config.base)
    if folder is None:
        raise BadInput(
            f"model.base: {config.base} is not the folder of a diffusers pipeline",
            next_step="put it where it was, or begin again with another",
        )
    if config.base_sha256 and weights_digest(folder) != config.base_sha256:
        raise BadInput(
            f"model.base: {config.base} is not the pipeline that these adapters were trained on",
            why=f"its weights do not have the SHA-256 {config.base_sha256[:12]}…",
            next_step="put back the one they were trained on",
        )
    return folder


def settle(config: LoraConfig, pictures: NDArray[np.uint8], log: Callable[[str], None]) -> LoraConfig:
    """Looks at the base when a training begins: its digest, and its own size where none is asked for.

    Raises:
        BadInput: it is not there, or of a kind that cannot be learnt with.
    """
    folder = base_folder(config)
    shape = _read(folder / INDEX).get("_class_name")
    if shape not in SHAPES:
        raise BadInput(f"model.base: {shape} cannot be fine-tuned", next_step=f"use one of {', '.join(SHAPES)}")
    prediction = _read(folder / "scheduler" / "scheduler_config.json").get("prediction_type", PREDICTIONS[0])
    if prediction not in PREDICTIONS:
        raise BadInput(f"model.base: it predicts {prediction}", why=f"only {', '.join(PREDICTIONS)} can be trained")
    places, shrinks = (_read(folder / part / "config.json") for part in ("unet", "vae"))
    pixels_a_place = 2 ** (len(shrinks["block_out_channels"]) - 1)
    size_px = config.size_px or places["sample_size"] * pixels_a_place
    if size_px % pixels_a_place:
        raise BadInput(f"model.size_px: {size_px} is not a multiple of {pixels_a_place}")
    log(f"building on {config.base}, at {size_px} px")
    return config.model_copy(update={"base_sha256": weights_digest(folder), "size_px": size_px})


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"model.base: {path} cannot be read", next_step="see that the folder is whole") from error


class BaseText:
    """The base's own text encoders, frozen; a `learner.CaptionEncoder`.

    In the `Words` that it gives every place counts, those behind the caption's end as well: the UNet looks at them,
    too. `sentence` is the pooled caption of an SDXL base, and of no meaning elsewhere.
    """

    def __init__(self, config: LoraConfig) -> None:
        from mindseye.imagine.pipelines.opening import open_pipeline, quiet

        self._quiet = quiet
        self._pipeline = open_pipeline(base_folder(config), "cpu", unet=None, vae=None, **NOT_NEEDED)
        self.name = config.base
        self.sha256 = config.base_sha256
        self.token_limit = int(self._pipeline.tokenizer.model_max_length)

    @torch.no_grad()
    def encode_together(self, captions: Sequence[str]) -> Words:
        """See `CaptionEncoder`."""
        with self._quiet():
            told = self._pipeline.encode_prompt(
                prompt=list(captions), device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False
            )
        tokens = told[0].float()
        pooled = told[2].float() if len(told) > 2 else tokens.mean(1)
        return Words(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool), pooled)
