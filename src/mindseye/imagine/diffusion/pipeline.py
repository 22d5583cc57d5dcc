"""The model as a diffusers pipeline, for those who work with that library.

    import mindseye.imagine.diffusion.pipeline          # registers the pipeline class with diffusers
    from diffusers import DiffusionPipeline
    pictures = DiffusionPipeline.from_pretrained("path/to/model")("a smiling cat").images

`MindseyePipeline.from_pretrained` does the same without the first line. Neither needs `trust_remote_code`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import diffusers
import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler, ImagePipelineOutput
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from PIL import Image
from torch import Tensor, nn

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.model import NETWORK_FIELDS, Diffusion
from mindseye.imagine.diffusion.network import DiffusionTransformer
from mindseye.imagine.family import Settings, last_pictures
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.pictures.tensors import from_model


class PipelineTransformer(DiffusionTransformer, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """The network as diffusers knows one: with its settings in a `config.json` beside its weights."""

    @register_to_config
    def __init__(
        self,
        size_px: int,
        channels: int,
        patch_px: int,
        width: int,
        depth: int,
        heads: int,
        hidden: int,
        bottleneck: int,
        text_width: int,
        text_tokens: int,
        levels: Sequence[int] = (),
        own_modulation: bool = False,
        layout: int = 0,
        told: int = 0,
    ) -> None:
        super().__init__(
            size_px, channels, patch_px, width, depth, heads, hidden, bottleneck, text_width, text_tokens, levels,
            own_modulation, layout, told,
        )  # fmt: skip


class MindseyePipeline(DiffusionPipeline):  # type: ignore[misc]
    """Prompt to picture. The frozen text encoder is not a component: the folder names it, its package holds it."""

    def __init__(self, transformer: PipelineTransformer, scheduler: FlowMatchEulerDiscreteScheduler) -> None:
        super().__init__()
        self.register_modules(transformer=transformer, scheduler=scheduler)
        self._encoder: TextEncoder | None = None

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        negative_prompt: str | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        seed: int = 0,
    ) -> ImagePipelineOutput:
        """Draws one picture a prompt; picture i uses `seed + i`. `.images` are PIL pictures."""
        about = json.loads((Path(self.config._name_or_path) / "mindseye.json").read_text())
        config = DiffusionConfig(**about["config"]).model_copy(update={"shift": self.scheduler.config.shift})
        encoder = self._encoder = self._encoder or load_text_encoder(
            about["text_encoder"]["name"], token_limit=config.text_tokens, sha256=about["text_encoder"]["sha256"]
        )
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        negative = encoder.encode([negative_prompt] * len(prompts)) if negative_prompt else None
        settings = Settings(guidance=guidance_scale, steps=num_inference_steps)
        model = Diffusion(config, self.transformer.float())
        seeds = range(seed, seed + len(prompts))
        pictures = last_pictures(model.draw(encoder.encode(prompts), negative, seeds, settings))
        return ImagePipelineOutput(images=[Image.fromarray(picture) for picture in from_model(pictures)])


def as_pipeline(config: DiffusionConfig, weights: Mapping[str, Tensor], dtype: torch.dtype) -> MindseyePipeline:
    """A pipeline of a network with these weights, which are stored as `dtype`."""
    network = PipelineTransformer(**{name: getattr(config, name) for name in NETWORK_FIELDS})
    network.load_state_dict(weights)
    nn.Module.to(network, dtype)  # not ModelMixin.to, which warns of what it might have kept in float32
    return MindseyePipeline(transformer=network, scheduler=FlowMatchEulerDiscreteScheduler(shift=config.shift))


diffusers.MindseyePipeline = MindseyePipeline  # where diffusers looks a pipeline class up by its name
