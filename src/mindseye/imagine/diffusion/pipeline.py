"""The model as a diffusers pipeline, for those who work with that library.

    import mindseye.imagine.diffusion                   # registers the pipeline class with diffusers
    from diffusers import DiffusionPipeline
    pictures = DiffusionPipeline.from_pretrained("path/to/model")("a smiling cat").images

`MindseyePipeline.from_pretrained` does the same without the first line. Neither needs `trust_remote_code`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from PIL import Image

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.model import Diffusion
from mindseye.imagine.diffusion.network import DiffusionTransformer
from mindseye.imagine.family import Settings
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.pictures.tensors import from_model


class MindseyePipeline(DiffusionPipeline):  # type: ignore[misc]
    """Prompt to picture. The frozen text encoder is not a component: the folder names it, its package holds it."""

    def __init__(self, transformer: DiffusionTransformer, scheduler: Any) -> None:
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
        config = DiffusionConfig(**about["config"])
        encoder = self._encoder = self._encoder or load_text_encoder(
            about["text_encoder"]["name"], token_limit=config.text_tokens, sha256=about["text_encoder"]["sha256"]
        )
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        negative = encoder.encode([negative_prompt] * len(prompts)) if negative_prompt else None
        settings = Settings(guidance=guidance_scale, steps=num_inference_steps)
        model = Diffusion(config, self.transformer.float(), self.scheduler)
        seeds = range(seed, seed + len(prompts))
        *_, last = model.draw(encoder.encode(prompts), negative, seeds, settings)
        return ImagePipelineOutput(images=[Image.fromarray(picture) for picture in from_model(last.pictures)])


diffusers.MindseyePipeline = MindseyePipeline  # where diffusers looks a pipeline class up by its name
