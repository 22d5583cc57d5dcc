"""A MaskGIT on disk: `codes/` and `transformer/`, a folder each."""

from __future__ import annotations

from pathlib import Path

from mindseye.imagine.maskgit.codes import PictureCodes
from mindseye.imagine.maskgit.config import MaskGitConfig
from mindseye.imagine.maskgit.model import MaskGit
from mindseye.imagine.maskgit.network import MaskedTransformer
from mindseye.learn.parts import load_part, save_parts


def save(model: MaskGit, folder: Path) -> None:
    """Writes a folder for each network."""
    save_parts(folder, "MaskGit", {"codes": (model.codes, model.config), "transformer": (model.network, model.config)})


def load(config: MaskGitConfig, folder: Path) -> MaskGit:
    """The model in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    codes, network = PictureCodes(config), MaskedTransformer(config)
    load_part(codes, folder / "codes")
    load_part(network, folder / "transformer")
    return MaskGit(config, codes, network).eval()
