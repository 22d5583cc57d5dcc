"""A small predictor of frames, and films of the worlds as it sees them."""

from __future__ import annotations

import numpy as np
import torch

from mindseye.collection.builtin.moving.picture import frames_of, sheet_of
from mindseye.collection.builtin.moving.scene import film_at
from mindseye.imagine.frames.config import FramesConfig
from mindseye.imagine.frames.films import ActionReader
from mindseye.imagine.frames.model import Frames, build
from mindseye.learn.batch import Batch
from mindseye.learn.learner import PictureFormat
from mindseye.pictures.tensors import to_model

NETWORKS = ("cdna", "convlstm", "flow")
FORMAT = PictureFormat(size_px=32, channels=3)  # 4 x 4 frames of 8 px


def config_of(network: str, **fields: object) -> FramesConfig:
    tiny = FramesConfig.for_pictures(FORMAT, "tiny").model_dump()
    return FramesConfig.model_validate({**tiny, "network": network, **fields})


def model_of(network: str, **fields: object) -> Frames:
    return build(config_of(network, **fields), 0)


def batch_of(config: FramesConfig, world: str = "joystick", count: int = 3) -> Batch:
    films = [film_at(world, 0, "test", index, frame_px=config.frame_px) for index in range(count)]
    sheets = np.stack([sheet_of(frames_of(film)) for film in films])
    words = ActionReader(config).encode_together([film.caption for film in films])
    return Batch(to_model(sheets), words, torch.arange(count))
