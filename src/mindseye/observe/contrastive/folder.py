"""A matcher on disk: `config.json` and `model.safetensors`."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.observe.contrastive.config import MatcherConfig
from mindseye.observe.contrastive.network import Matcher

CONFIG, WEIGHTS = "config.json", "model.safetensors"


def save_matcher(matcher: Matcher, folder: Path) -> None:
    """Writes `config.json` and `model.safetensors` (bfloat16), whole or not at all.

    Raises:
        Unavailable: the disk is full or refuses.
    """
    with written_aside(folder) as aside:
        aside.mkdir()
        (aside / CONFIG).write_text(matcher.config.model_dump_json(indent=1) + "\n", encoding="utf-8")
        weights = {name: weight.to(torch.bfloat16).contiguous() for name, weight in matcher.state_dict().items()}
        save_file(weights, aside / WEIGHTS)
        (aside / WEIGHTS).chmod(0o644)


def load_matcher(folder: Path) -> Matcher:
    """The matcher in `folder`, in float32, ready for use.

    Raises:
        BadInput: a file is missing or damaged, or the text encoder is not the one it was trained with.
    """
    try:
        config = MatcherConfig.model_validate(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
        matcher = Matcher(config)
        matcher.load_state_dict({name: weight.float() for name, weight in load_file(folder / WEIGHTS).items()})
    except BadInput:
        raise
    except Exception as error:  # whatever pydantic, torch or safetensors find wrong with a damaged folder
        raise BadInput(
            f"the matcher in {folder} cannot be opened",
            why=f"{CONFIG} or {WEIGHTS} is missing, damaged or does not fit the other",
            next_step="copy the whole folder again, or train it again",
        ) from error
    return matcher.eval().requires_grad_(False)
