"""Tiny pipelines of the diffusers library with random weights, each in the shape of a famous one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from string import ascii_lowercase
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

SIZE_PX = 32
WIDTH = 32  # features of a text encoder
TOKENS = 77
VAE_FACTOR = 2
BLOCKS = {
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 4,
    "sample_size": SIZE_PX // VAE_FACTOR,
}


def stable_diffusion(**scheduler: Any) -> StableDiffusionPipeline:
    """In the shape of Stable Diffusion 1 and 2: a UNet that looks at the states of a CLIP text encoder."""
    with seeded():
        return StableDiffusionPipeline(
            vae=vae(4),
            text_encoder=CLIPTextModel(clip_config()),
            tokenizer=clip_tokenizer(),
            unet=UNet2DConditionModel(**BLOCKS, cross_attention_dim=WIDTH),
            scheduler=DDIMScheduler(
                beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1, **scheduler
            ),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )


def stable_diffusion_xl() -> StableDiffusionXLPipeline:
    """In the shape of SDXL: two text encoders, and a pooled caption and sizes beside the time."""
    with seeded():
        return StableDiffusionXLPipeline(
            vae=vae(4),
            text_encoder=CLIPTextModelWithProjection(clip_config()),
            text_encoder_2=CLIPTextModelWithProjection(clip_config()),
            tokenizer=clip_tokenizer(),
            tokenizer_2=clip_tokenizer(),
            unet=UNet2DConditionModel(
                **BLOCKS,
                cross_attention_dim=2 * WIDTH,
                addition_embed_type="text_time",
                addition_time_embed_dim=4,
                projection_class_embeddings_input_dim=6 * 4 + WIDTH,
            ),
            scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear"),
        )


def stable_diffusion_3() -> StableDiffusion3Pipeline:
    """In the shape of Stable Diffusion 3: a transformer of picture and words, two CLIP encoders and a T5."""
    with seeded():
        return StableDiffusion3Pipeline(
            transformer=SD3Transformer2DModel(
                sample_size=SIZE_PX // VAE_FACTOR,
                patch_size=2,
                in_channels=16,
                num_layers=1,
                attention_head_dim=8,
                num_attention_heads=4,
                joint_attention_dim=2 * WIDTH,
                caption_projection_dim=32,
                pooled_projection_dim=2 * WIDTH,
                out_channels=16,
                pos_embed_max_size=32,
            ),
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=vae(16, shift_factor=0.05),
            text_encoder=CLIPTextModelWithProjection(clip_config()),
            tokenizer=clip_tokenizer(),
            text_encoder_2=CLIPTextModelWithProjection(clip_config()),
            tokenizer_2=clip_tokenizer(),
            text_encoder_3=t5(2 * WIDTH),
            tokenizer_3=t5_tokenizer(),
        )


def pixart() -> PixArtAlphaPipeline:
    """In the shape of PixArt: a DiT that looks at the states of a T5."""
    with seeded():
        return PixArtAlphaPipeline(
            tokenizer=t5_tokenizer(),
            text_encoder=t5(WIDTH),
            vae=vae(4),
            transformer=PixArtTransformer2DModel(
                sample_size=SIZE_PX // VAE_FACTOR,
                num_layers=1,
                patch_size=2,
                attention_head_dim=8,
                num_attention_heads=4,
                in_channels=4,
                out_channels=8,
                cross_attention_dim=32,
                caption_channels=WIDTH,
                norm_num_groups=4,
                use_additional_conditions=False,
            ),
            scheduler=DPMSolverMultistepScheduler(),
        )


def flux() -> FluxPipeline:
    """In the shape of FLUX: a transformer of picture and words, a CLIP for the whole prompt, a T5 for its tokens."""
    with seeded():
        return FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=vae(4, shift_factor=0.05),
            text_encoder=CLIPTextModel(clip_config()),
            tokenizer=clip_tokenizer(),
            text_encoder_2=t5(2 * WIDTH),
            tokenizer_2=t5_tokenizer(),
            transformer=FluxTransformer2DModel(
                in_channels=4 * 4,
                num_layers=1,
                num_single_layers=1,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=2 * WIDTH,
                pooled_projection_dim=WIDTH,
                axes_dims_rope=(4, 4, 8),
            ),
        )


MAKERS: dict[str, Callable[[], Any]] = {
    "stable-diffusion": stable_diffusion,
    "stable-diffusion-xl": stable_diffusion_xl,
    "stable-diffusion-3": stable_diffusion_3,
    "pixart": pixart,
}


@contextmanager
def seeded() -> Iterator[None]:
    """Random weights that are the same every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def vae(latent_channels: int, **settings: Any) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * VAE_FACTOR,
        up_block_types=("UpDecoderBlock2D",) * VAE_FACTOR,
        latent_channels=latent_channels,
        norm_num_groups=4,
        sample_size=SIZE_PX,
        **settings,
    )


def clip_config() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(clip_tokenizer()),
        hidden_size=WIDTH,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        projection_dim=WIDTH,
        bos_token_id=len(clip_tokenizer()) - 2,
        eos_token_id=len(clip_tokenizer()) - 1,
        pad_token_id=len(clip_tokenizer()) - 1,
    )


def clip_tokenizer() -> CLIPTokenizer:
    """A token for each letter."""
    letters = list(ascii_lowercase + "0123456789")
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=TOKENS)


def t5(width: int) -> T5EncoderModel:
    config = T5Config(
        vocab_size=len(t5_tokenizer()), d_model=width, d_kv=8, d_ff=48, num_layers=1, num_heads=4, dropout_rate=0.0
    )
    return T5EncoderModel(config)


def t5_tokenizer() -> T5Tokenizer:
    """A token for each letter."""
    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -10.0), ("▁", -2.0)]
    return T5Tokenizer(vocab=[*special, *((letter, -3.0) for letter in ascii_lowercase)], extra_ids=0)
