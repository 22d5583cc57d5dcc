"""The base's UNet with adapters beside its attention's matrices: W x + B A x, of which only A and B learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mindseye.errors import BadInput, Unavailable
from mindseye.imagine.family import Given, Progress, Seed, Settings
from mindseye.imagine.pipelines.lora.base import NOT_NEEDED, BaseText, base_folder
from mindseye.imagine.pipelines.lora.config import LoraConfig
from mindseye.imagine.pipelines.lora.objective import draw, loss, sizes
from mindseye.imagine.pipelines.opening import open_pipeline, quiet
from mindseye.imagine.pipelines.painter import PipelinePainter
from mindseye.learn.batch import Words
from mindseye.learn.learner import Objective

WITHOUT_WORDS: dict[str, Any] = {
    "text_encoder": None, "tokenizer": None, "text_encoder_2": None, "tokenizer_2": None,
}  # fmt: skip


class Shared:
    """Holds something that every copy of a model has in common."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __deepcopy__(self, memo: dict[int, Any]) -> Shared:
        return self


class Lora(nn.Module):
    """UNet and VAE of the base, frozen, with adapters that learn.

    Attributes:
        signal: abar_t, how much of the clean latent is left at each step of the noising.
        prediction: "epsilon" or "v_prediction".
    """

    signal: Tensor

    def __init__(self, config: LoraConfig, pipeline: Any, nothing: Words | None) -> None:
        super().__init__()
        self.config = config
        self.unet, self.vae = pipeline.unet, pipeline.vae
        self.prediction = pipeline.scheduler.config.prediction_type
        self.register_buffer("signal", pipeline.scheduler.alphas_cumprod.float(), persistent=False)
        self._pipeline, self._nothing = Shared(pipeline), nothing

    def forward(self, noisy: Tensor, step: Tensor, words: Words) -> Tensor:
        """What the UNet says of noisy latents at these steps."""
        more = {}
        if self.unet.config.addition_embed_type == "text_time":
            more = {"text_embeds": words.sentence, "time_ids": sizes(self.config.size_px, len(noisy), noisy.device)}
        said: Tensor = self.unet(noisy, step, words.tokens, added_cond_kwargs=more).sample
        return said

    def objectives(self) -> Sequence[Objective]:
        side = self.config.size_px // 2 ** (len(self.vae.config.block_out_channels) - 1)
        shape = (self.vae.config.latent_channels, side, side)
        return [
            Objective(
                name="loss",
                parameters=frozenset(name for name, each in self.named_parameters() if each.requires_grad),
                draw=partial(draw, steps=len(self.signal), shape=shape),
                loss=loss,  # type: ignore[arg-type]  # it is given this model
                compiles=False,
            )
        ]

    def hidden_matrices(self) -> frozenset[str]:
        """None: adapters are AdamW's."""
        return frozenset()

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """The adapters, which are all that a checkpoint has to keep."""
        return {name: value for name, value in super().state_dict(*args, **kwargs).items() if ".lora_" in name}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Takes back what `state_dict` gave."""
        wrong = set(state_dict) ^ set(self.state_dict())
        if wrong and strict:
            raise KeyError(f"adapters that do not fit: {', '.join(sorted(wrong)[:3])}")
        return super().load_state_dict(state_dict, strict=False, assign=assign)

    def pipeline(self, **components: Any) -> Any:
        """The base's pipeline with this UNet; without anything that reads words, unless it is given."""
        held = self._pipeline.held
        with quiet():
            return type(held).from_pipe(held, unet=self.unet, vae=self.vae, **components)

    def settings(self, asked: Settings) -> Settings:
        """See `family.Model.settings`."""
        return PipelinePainter(self._pipeline.held).settings(asked)

    def draw(
        self,
        words: Words,
        negative: Words | None,
        seeds: Sequence[Seed],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """See `family.Model.draw`: for the sample sheets of a training, where captions are already read."""
        against = negative or self._nothing
        assert against is not None
        rows = [
            {
                **_told(words.rows([row]), self.unet, ""),
                **_told(against.to(words.tokens.device).rows([row if negative else 0]), self.unet, "negative_"),
            }
            for row in range(len(seeds))
        ]
        return PipelinePainter(self.pipeline()).draw_told(
            rows, seeds, settings.model_copy(update={"size": self.config.size_px}), given
        )


def _told(words: Words, unet: Any, which: str) -> dict[str, Tensor]:
    """Captions that are already read, as a pipeline's call takes them."""
    pooled = {f"{which}pooled_prompt_embeds": words.sentence}
    return {
        f"{which}prompt_embeds": words.tokens,
        **(pooled if unet.config.addition_embed_type == "text_time" else {}),
    }


def build(config: LoraConfig, seed: int) -> Lora:
    """The base with fresh adapters, which change nothing as yet; the same seed gives the same ones.

    Raises:
        BadInput: the base is not there.
        Unavailable: peft is not installed.
    """
    _adapters(config)  # before anything is opened
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return with_adapters(config, BaseText(config).encode_together([""]))


def with_adapters(config: LoraConfig, nothing: Words | None = None) -> Lora:
    """The base with adapters, for whose first weights torch's random numbers are used.

    Args:
        nothing: the empty caption, where it is to draw from captions that are read already.
    """
    adapters = _adapters(config)
    pipeline = open_pipeline(base_folder(config), "cpu", **WITHOUT_WORDS, **NOT_NEEDED)
    for part in (pipeline.unet, pipeline.vae):
        part.requires_grad_(False)
    if not hasattr(pipeline.scheduler, "alphas_cumprod"):
        raise BadInput(f"model.base: {type(pipeline.scheduler).__name__} has no steps of noising to learn from")
    pipeline.unet.add_adapter(adapters)
    return Lora(config, pipeline, nothing)


def _adapters(config: LoraConfig) -> Any:
    """As peft takes the settings; alpha is the rank, so that B A x is added as it is."""
    try:
        import peft
    except ImportError:
        raise Unavailable("peft is not installed", next_step="pip install 'mindseye[pipelines]'") from None
    return peft.LoraConfig(r=config.rank, lora_alpha=config.rank, target_modules=list(config.layers))
