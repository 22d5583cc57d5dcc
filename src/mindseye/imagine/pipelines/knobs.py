"""What a pipeline can be told, read from the signature of its call; the library's pipelines agree on these names."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any

from mindseye.errors import BadInput
from mindseye.imagine.pipelines.opening import quiet

GUIDANCE = ("guidance_scale", "true_cfg_scale")  # the first of these that is a number by default
LEAST_MULTIPLE = 8  # most of the library asks for it, whatever the network
PLAIN = {"use_resolution_binning": False, "clean_caption": False}  # draw at the size asked for, what is written


@dataclass(frozen=True)
class Knobs:
    """The parameters of a pipeline's call, with their defaults."""

    defaults: dict[str, Any]

    @classmethod
    def of(cls, pipeline: Any) -> Knobs:
        parameters = inspect.signature(pipeline.__call__).parameters
        return cls({name: parameter.default for name, parameter in parameters.items()})

    def __contains__(self, name: str) -> bool:
        return name in self.defaults

    @property
    def guidance(self) -> str | None:
        """The name of the guidance weight."""
        return next((name for name in GUIDANCE if isinstance(self.defaults.get(name), int | float)), None)

    @property
    def negative_prompt(self) -> bool:
        """Whether guidance goes away from a negative prompt; not where its weight is only told to the network."""
        told = self.guidance == GUIDANCE[0] and GUIDANCE[1] in self
        return "negative_prompt" in self and self.guidance is not None and not told

    def only(self, **wanted: Any) -> dict[str, Any]:
        """Those arguments that the call takes."""
        return {name: value for name, value in {**PLAIN, **wanted}.items() if name in self}


def refuse_unless_text_to_image(pipeline: Any) -> None:
    """
    Raises:
        BadInput: it wants more than a prompt, or makes something else than pictures.
    """
    with quiet():
        from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING

    knobs = Knobs.of(pipeline)
    known = type(pipeline) in AUTO_TEXT2IMAGE_PIPELINES_MAPPING.values()
    wants_more = "controlnet" in pipeline.components or ("image" in knobs and not known)
    makes_pictures = all(name in knobs for name in ("prompt", "height", "width", "generator"))
    if wants_more or not makes_pictures or "num_frames" in knobs:
        raise BadInput(
            f"{type(pipeline).__name__} does not draw pictures from a prompt alone",
            next_step="use a text-to-image pipeline",
        )


def own_size(pipeline: Any) -> int:
    """The edge of the pictures that it draws unless told otherwise, in pixels.

    Raises:
        BadInput: it does not say.
    """
    height = Knobs.of(pipeline).defaults["height"]
    if isinstance(height, int):
        return height
    places = getattr(pipeline, "default_sample_size", None) or getattr(network(pipeline).config, "sample_size", None)
    if places is None:
        raise BadInput(f"{type(pipeline).__name__} does not say at which size it draws")
    return int(places if isinstance(places, int) else max(places)) * _pixels_a_place(pipeline)


def size_multiple(pipeline: Any) -> int:
    """What the edge of its pictures must be a multiple of, in pixels."""
    patch = getattr(network(pipeline).config, "patch_size", None)
    return math.lcm(LEAST_MULTIPLE, _pixels_a_place(pipeline) * (patch if isinstance(patch, int) else 1))


def network(pipeline: Any) -> Any:
    """What is called in every step."""
    return getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None) or pipeline


def _pixels_a_place(pipeline: Any) -> int:
    """Of its latent grid; a pipeline in pixel space has none."""
    return int(getattr(pipeline, "vae_scale_factor", 1))


def token_limit(pipeline: Any) -> int | None:
    """Tokens of a prompt that are read by the encoder that reads most, special ones included; None if unknown."""
    told = Knobs.of(pipeline).defaults.get("max_sequence_length")
    return told if isinstance(told, int) else getattr(tokeniser(pipeline), "model_max_length", None)


def tokeniser(pipeline: Any) -> Any:
    """That of the encoder that reads most: the last."""
    named = [name for name in sorted(pipeline.components) if name.startswith("tokenizer")]
    return getattr(pipeline, named[-1]) if named else None
