"""The DAMSM (Xu et al. 2018, section 3.2) that reads captions and looks at what is drawn: a given one, or a new one.

Given (`--set model.damsm=FOLDER`) it was trained beforehand with `mindseye train damsm` and stays as it is, as in the
paper. Else it is trained along, on real pictures, as one more objective.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mindseye.errors import BadInput
from mindseye.imagine.attngan.config import AttnGanConfig
from mindseye.learn.about import About
from mindseye.learn.folder import find_model, load_model, weights_digest
from mindseye.learn.learner import Learner
from mindseye.observe.damsm import LEARNER, Damsm
from mindseye.observe.text import load_text_encoder


def find_damsm(config: AttnGanConfig, pixels: NDArray[np.uint8], log: Callable[[str], None]) -> AttnGanConfig:
    """Looks at the DAMSM that was asked for, once, when a training begins; says which it will be.

    Returns:
        The settings with its settings and the digest of its weights filled in.

    Raises:
        BadInput: there is no such model, or it does not fit the pictures or the captions.
    """
    if not config.damsm:
        log(
            "no DAMSM was given, so one is trained along with the rest"
            if config.damsm_weight
            else "damsm_weight is 0: the DAMSM that is trained along reads captions and does not look at what is drawn"
        )
        return config
    matcher, about = opened(config)
    found: Any = matcher.config
    for field, here in (("channels", config.channels), ("text_width", config.text_width)):
        if getattr(found, field) != here:
            raise _misfit(config, f"its {field} are {getattr(found, field)}, here they are {here}")
    encoder = load_text_encoder(about.text_encoder.name, token_limit=about.text_encoder.token_limit)
    if encoder.sha256 != about.text_encoder.sha256:
        raise _misfit(config, f"it learnt with another version of the text encoder {about.text_encoder.name}")
    log(f"captions are read and pictures looked at by the DAMSM of {config.damsm}, which stays as it is")
    digest = weights_digest(find_model(config.damsm))
    return config.model_copy(update={"damsm_sha256": digest, "damsm_settings": found})


def given_damsm(config: AttnGanConfig) -> Damsm:
    """The DAMSM that `config` names, ready for use.

    Raises:
        BadInput: it is not there, or not the one that the training was begun with.
    """
    matcher, _ = opened(config)
    if config.damsm_sha256 != weights_digest(find_model(config.damsm)):
        raise BadInput(
            f"the DAMSM in {config.damsm} is not the one that this training was begun with",
            why=f"its weights do not have the SHA-256 {config.damsm_sha256[:12]}...",
            next_step="put the original back, or begin a new run",
        )
    return matcher


def opened(config: AttnGanConfig) -> tuple[Damsm, About]:
    """The DAMSM in the folder that `config` names, and what that folder says of itself.

    Raises:
        BadInput: there is no model, or it is none of this kind.
    """
    folder = find_model(Path(config.damsm))
    _, matcher, about = load_model(folder, _only_damsm)
    return matcher, about


def _only_damsm(name: str) -> Learner:
    if name != LEARNER.name:
        raise BadInput(
            f"model.damsm must be a DAMSM, and this is a model of the family {name}",
            next_step="train one: mindseye train damsm COLLECTION --out RUN",
        )
    return LEARNER


def _misfit(config: AttnGanConfig, why: str) -> BadInput:
    return BadInput(
        f"the DAMSM in {config.damsm} cannot be used here",
        why=why,
        next_step="train one on the same collection: mindseye train damsm COLLECTION --out RUN",
    )
