"""mindseye's side. The one file here that knows its insides; everything else goes through its public names."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from mindseye.collection.collection import Collection
from mindseye.imagine.diffusion import FAMILY
from mindseye.imagine.diffusion.sample import weight_at
from mindseye.imagine.family import Settings
from mindseye.learn.batch import Words
from mindseye.learn.device import has_bfloat16, processor_name
from mindseye.learn.learner import PictureFormat
from mindseye.observe.features import CaptionFeatures, caption_features
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.pictures.tensors import from_model
from mindseye.randomness import rng_at
from mindseye.train.config import TrainConfig
from mindseye.train.data import CaptionList, Feed, Pictures
from mindseye.train.distributed import World
from mindseye.train.loop import Training
from mindseye.train.machine import Machine, compiled
from mindseye.train.plan import Resolved
from mindseye.train.run import RunFolder
from mindseye.train.setup import Ready
from mindseye.train.signals import StopRequest
from race import Runner
from record import say

__all__ = ["compiled", "from_model", "has_bfloat16", "processor_name"]  # the peers use these as they are

CAPTION_TOKENS = 12  # of the made-up captions; they are padded to the encoder's limit in any case
TEXT_WIDTH, TEXT_TOKENS = 384, 32  # of all-MiniLM-L6-v2, and as our encoder pads them


def fast_precision() -> torch.dtype:
    """What our loop computes in on this machine: bfloat16 where the processor has it, float32 elsewhere."""
    return torch.bfloat16 if has_bfloat16("cpu") else torch.float32


def fast_arithmetic() -> AbstractContextManager[None]:
    """The same as a context, for the peers."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bfloat16("cpu"))


# ------------------------------------------------------------------------------------------------- speed


def training(
    folder: Path,
    *,
    size_px: int = 64,
    channels: int = 4,
    token_px: int | None = None,
    batch_size: int = 64,
    collection_size: int = 1000,
) -> Runner:
    """Our loop's own step on made-up pictures: batch from the feed, loss, gradient, clipping, Muon and AdamW, average.

    Args:
        folder: for the run's events.
        size_px, channels, token_px: of the `base` preset; the pixels a side of a token are chosen by the size unless
            given.
        batch_size: pictures a step.
        collection_size: pictures in the made-up collection.
    """
    form = PictureFormat(size_px, channels)
    config = FAMILY.config.for_pictures(form, "base")
    if token_px is not None:
        config = config.model_copy(update={"patch_px": token_px >> len(config.levels)})
    token_px = config.patch_px << len(config.levels)
    train = TrainConfig(minutes=60, batch_size=batch_size, preview_pictures=0, held_out_pictures=0)
    machine = Machine.choose(train, lambda line: None)
    model = FAMILY.build(config, 0)
    objectives = list(model.objectives())
    feed = Feed(*_made_up(collection_size, form), objectives, 0, batch_size, slice(batch_size))
    folder.mkdir(parents=True, exist_ok=True)
    resolved: Any = Resolved(None, train, config, form, machine, None)  # type: ignore[arg-type]
    ready = Ready(resolved, model, objectives, feed, None, [], None)
    loop = Training(RunFolder(folder), ready, World(), StopRequest(), say, lambda progress: None)

    def step() -> None:
        torch.use_deterministic_algorithms(True)  # as our loop does on a CPU; the peers go without
        if not loop.position.pictures_seen:
            loop._compile()
        loop._advance(0.5)
        torch.use_deterministic_algorithms(False)

    name = f"mindseye base, {token_px} px a token, {machine.precision}{', compiled' if machine.compiled else ''}"
    return Runner(name, sum(p.numel() for p in model.parameters()), batch_size, step)


def forward_flops(size_px: int = 64, channels: int = 4) -> int:
    """Floating-point operations of one picture in the forward pass: products of matrices and convolutions only."""
    form = PictureFormat(size_px, channels)
    model = FAMILY.build(FAMILY.config.for_pictures(form, "base"), 0)
    objective = model.objectives()[0]
    feed = Feed(*_made_up(4, form), [objective], 0, 2, slice(2))
    prepared = feed.make(0)
    feed.close()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        objective.loss(model, prepared.batch, prepared.draws[objective.name])
    return counter.get_total_flops() // 2


def drawing(*, size_px: int = 64, channels: int = 4, count: int = 4) -> tuple[Runner, int]:
    """Our drawing at its default settings, guidance included; and how often it calls the network for a picture."""
    model = FAMILY.build(FAMILY.config.for_pictures(PictureFormat(size_px, channels), "base"), 0).eval()
    words = made_up_words(count)

    def draw(count: int = count) -> None:
        for _ in model.draw(words.rows(range(count)), None, list(range(count)), Settings()):
            pass

    calls = 0

    def counted(*_: object) -> None:
        nonlocal calls
        calls += 1

    hook = model.network.register_forward_pre_hook(counted)
    draw(1)
    hook.remove()
    name = f"mindseye base, {model.settings(Settings()).sampler}"
    return Runner(name, sum(p.numel() for p in model.parameters()), count, draw), calls


def guidance_at(t: float) -> float:
    """The weight of guidance that we draw with by default at noise level t, for the peers."""
    config = FAMILY.config.for_pictures(PictureFormat(64, 4), "base")
    return weight_at(t, config.guidance, config.guidance_interval)


def made_up_words(count: int, token_limit: int = TEXT_TOKENS) -> Words:
    """Captions of random states, as the peers get them, too."""
    states = torch.from_numpy(rng_at(0, "made-up words").standard_normal((count, token_limit, TEXT_WIDTH), np.float32))
    mask = (torch.arange(token_limit) < CAPTION_TOKENS).expand(count, -1)
    states = states * mask[..., None]
    return Words(states, mask, states.sum(1) / CAPTION_TOKENS)


def _made_up(count: int, form: PictureFormat) -> tuple[Pictures, CaptionFeatures]:
    rng = rng_at(0, "made-up pictures")
    pixels = rng.integers(0, 256, (count, form.size_px, form.size_px, form.channels), np.uint8)
    names = [f"{index}.png" for index in range(count)]
    tokens = torch.from_numpy(rng.standard_normal((count * CAPTION_TOKENS, TEXT_WIDTH), np.float32)).half()
    starts = torch.arange(count + 1) * CAPTION_TOKENS
    sentence = tokens.unflatten(0, (count, CAPTION_TOKENS)).float().mean(1).half()
    return Pictures(pixels, [[row] for row in range(count)], names, names), CaptionFeatures(
        tokens, starts, sentence, 32
    )


# ----------------------------------------------------------------------------------------------- quality


def picture_format(collection: Collection) -> PictureFormat:
    """How our training would see a collection unless told otherwise; the peers see it the same way."""
    info = collection.info
    return PictureFormat(info["size_px"], 4 if info["transparent"] else 3, info["pixel_art"])


def feed(collection: Collection, folder: Path, seed: int, batch_size: int) -> Feed:
    """The batches that our training would see, for a peer: same pictures, captions, features and order."""
    captions = CaptionList()
    pictures = captions.read(collection.splits["train"], picture_format(collection))
    features = caption_features(_encoder(), captions.texts, folder.parent / "features")  # all cells share it
    return Feed(pictures, features, [], seed, batch_size, slice(batch_size))


def encode(prompts: Sequence[str]) -> Words:
    """Prompts as the text encoder reads them."""
    return _encoder().encode(list(prompts))


def generator(seed: int, purpose: str, position: int = 0) -> torch.Generator:
    """A torch generator that depends on (seed, purpose, position) alone."""
    return torch.Generator().manual_seed(int(rng_at(seed, purpose, position).integers(2**63)))


@functools.cache
def _encoder() -> TextEncoder:
    return load_text_encoder()
