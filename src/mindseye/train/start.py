"""Beginning with the weights of a trained model instead of chance: for few pictures of one's own, or to go on with a
model whose run folder is gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from mindseye.errors import BadInput
from mindseye.learn.about import About
from mindseye.learn.folder import find_model, load_model, read_about, weights_digest
from mindseye.learn.learner import Learner, PictureFormat


@dataclass(frozen=True)
class Start:
    """A finished model to begin from.

    Attributes:
        name: as it was asked for.
        sha256: digest of its weights.
    """

    name: str
    learner: Learner
    folder: Path
    about: About
    sha256: str

    @classmethod
    def find(cls, name: str, learner: Learner) -> Start:
        """The model called `name`, which `learner` could have trained.

        Raises:
            BadInput: there is none, or it is of another kind.
        """
        folder = find_model(name)
        about = read_about(folder)
        if about.family != learner.name:
            raise BadInput(
                f"a training of {learner.name} cannot begin from {name}, which is of the kind {about.family}",
                next_step=f"train {about.family}, or give another model",
                field="start",
            )
        return cls(name, learner, folder, about, weights_digest(folder))

    def agreed(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a training that go with the model: captions are read as it has learnt to read them.

        Raises:
            BadInput: what was asked contradicts that.
        """
        reader = self.about.text_encoder.name
        if "preset" in asked or asked.get("text_encoder", reader) != reader:
            field = "preset" if "preset" in asked else "text_encoder"
            raise BadInput(
                f"{field} cannot be chosen for a training that begins from {self.name}",
                why="size and text encoder are those of the model that it begins from",
                next_step=f"leave {field} out, or begin from nothing",
                field=field,
            )
        return {"text_encoder": reader}

    def read_with(self, sha256: str) -> None:
        """Makes sure that captions are read with the very weights that the model learnt from.

        Raises:
            BadInput: the text encoder of that name has the digest `sha256`, which is another.
        """
        learnt = self.about.text_encoder
        if learnt.sha256 != sha256:
            raise BadInput(
                f"{self.name} cannot be begun from: its text encoder {learnt.name} is not the one it was trained with",
                why=f"that one's weights have the SHA-256 {learnt.sha256[:12]}..., this one's {sha256[:12]}...",
                next_step="use the encoder's former version, or begin from nothing",
                field="start",
            )

    def settings_for(self, pictures: PictureFormat) -> dict[str, Any]:
        """The model's settings, for pictures of this format: patches grow and shrink with the picture, so that all
        between them stays as it is.

        Raises:
            BadInput: they cannot.
        """
        settings = dict(self.about.config)
        size = settings["size_px"]
        if pictures.size_px != size:
            patch, rest = divmod(settings.get("patch_px", 0) * pictures.size_px, size)
            if not patch or rest:
                raise BadInput(
                    f"a training at {pictures.size_px} px cannot begin from {self.name}, which draws at {size} px",
                    next_step=f"set size_px={size} (or its half or double)",
                    field="start",
                )
            settings["patch_px"] = patch
        return settings | {"size_px": pictures.size_px, "channels": pictures.channels}

    def give(self, model: nn.Module, sha256: str, log: Callable[[str], None]) -> None:
        """Copies into `model` every weight that has a place of the same shape there.

        Raises:
            BadInput: it is not the model that the training was planned with, or nothing fits.
        """
        if self.sha256 != sha256:
            raise BadInput(
                f"{self.name} is not what it was when this training was planned",
                why=f"its weights have the SHA-256 {self.sha256[:12]}..., not {sha256[:12]}...",
                next_step="begin a new run",
            )
        _, given, _ = load_model(self.folder, lambda _: self.learner)
        own, theirs = model.state_dict(), given.state_dict()
        fitting = {name: weight for name, weight in theirs.items() if name in own and own[name].shape == weight.shape}
        if not fitting:
            raise BadInput(
                f"no weight of {self.name} fits the model that is to be trained",
                why="its settings were changed too much",
                next_step="leave out what was set for the model, or begin from nothing",
            )
        model.load_state_dict(fitting, strict=False)
        taken = sum(weight.numel() for weight in fitting.values())
        log(f"begins from {self.name}: {taken / sum(weight.numel() for weight in own.values()):.0%} of its weights")
