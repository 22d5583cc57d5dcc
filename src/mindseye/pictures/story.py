"""How a picture was made, written inside it: our own record, and a line that other programs read.

Every PNG of ours carries its `Story` as JSON under the text key "mindseye", and the same in the notation of the A1111
web UI under "parameters", which galleries and picture viewers know. `read_story` reads both back, and what ComfyUI,
InvokeAI, Fooocus and A1111 write.
"""

from __future__ import annotations

import io
import json
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mindseye import files
from mindseye.errors import BadInput
from mindseye.pictures import other_tools
from mindseye.pictures.exif import user_comment
from mindseye.pictures.opener import open_container

KEY = "mindseye"
LARGEST_BYTES = 64 * 2**10  # of all texts in one picture


class NearPicture(BaseModel):
    """A training picture that a drawn one looks like."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file_name: str = Field(description="within its collection; of a whole path only the last part is kept")
    cosine: float = Field(ge=-1, le=1, description="between what a frozen picture encoder sees in the two, -1 to 1")

    def __str__(self) -> str:
        return f"{self.file_name} ({self.cosine:.3f})"

    @field_validator("file_name")
    @classmethod
    def _of_no_machine(cls, name: str) -> str:
        path = PureWindowsPath(name)  # which knows both kinds of slash
        return path.name if path.anchor else name


class Story(BaseModel):
    """How one picture was made. It names nothing of the machine: no path, no host, no user."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a later version's story may say more

    prompt: str = Field(description="what was asked for")
    negative_prompt: str = Field("", description="what was asked to stay away")
    seed: int = Field(ge=0, lt=2**32, description="of this picture, not of the request it was part of")
    model: str = Field(description="the model's name; of a path only the last part is kept")
    model_sha256: str = Field("", description="of the model's weights")
    family: str = Field("", description="of the model")
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    guidance: float | None = None
    steps: int | None = None
    sampler: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    given_sha256: str = Field("", description="of the picture file that was gone on from")
    keep: float | None = Field(None, description="share of that picture that was kept, from the top")
    masked: bool = Field(False, description="whether a mask said what of it was kept")
    strength: float | None = Field(None, description="how far this picture went from it, 0 to 1")
    edits: tuple[str, ...] = Field((), description="corrections it was drawn with: name, and digits of the SHA-256")
    mindseye_version: str = ""
    candidates: int = Field(1, ge=1, description="how many were drawn for this one to be chosen")
    asked_seed: int | None = Field(None, description="the seed that was asked for, where another candidate was chosen")
    thought: str = Field("", description="why it was chosen")
    nearest: tuple[NearPicture, ...] = Field((), description="training pictures most like it, where known")
    notes: tuple[str, ...] = Field((), description="what a person should know, e.g. words the model never saw")

    @field_validator("model")
    @classmethod
    def _without_folders(cls, model: str) -> str:
        return model.replace("\\", "/").rstrip("/").rpartition("/")[2]


def png_bytes(picture: NDArray[np.uint8] | Image.Image, story: Story | None) -> bytes:
    """A PNG with its story inside, or with none. The same picture and story give the same bytes.

    Args:
        picture: a uint8 array `[h, w, 3 or 4]`, or an image of mode RGB, RGBA or P.
        story: how it was made.

    Raises:
        BadInput: the story is longer than 64 KiB.
    """
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    texts = PngImagePlugin.PngInfo()
    if story is not None:
        record = json.dumps(story.model_dump(mode="json"), ensure_ascii=False)
        line = parameters_line(story)
        if len((record + line).encode()) > LARGEST_BYTES:
            raise BadInput(
                "the story of this picture is too long to go inside it",
                why=f"its prompt, negative prompt and notes take more than {LARGEST_BYTES // 2**10} KiB",
                next_step="shorten the prompt, or leave the story out",
            )
        texts.add_itxt(KEY, record)
        texts.add_text("parameters", line)
    file = io.BytesIO()
    bare = image.copy()
    bare.info = {}  # without what else the image may carry
    bare.save(file, "PNG", pnginfo=texts)
    return file.getvalue()


def save_png(path: Path, picture: NDArray[np.uint8] | Image.Image, story: Story | None) -> None:
    """Writes `png_bytes` to a file, whole or not at all.

    Raises:
        BadInput: the story is longer than 64 KiB.
        Unavailable: the file cannot be written.
    """
    data = png_bytes(picture, story)
    with files.written_aside(path) as aside:
        aside.write_bytes(data)


def parameters_line(story: Story) -> str:
    """The story as A1111 writes it: the prompt, the negative prompt, and one line of settings."""
    settings = {
        "Steps": story.steps,
        "Sampler": story.sampler,
        "CFG scale": story.guidance,
        "Denoising strength": story.strength,
        "Seed": story.seed,
        "Size": f"{story.width}x{story.height}",
        "Model hash": story.model_sha256[:10] or None,
        "Model": story.model,
        "Version": f"mindseye {story.mindseye_version}".strip(),
    }
    line = ", ".join(f"{key}: {_quoted(value)}" for key, value in settings.items() if value is not None)
    negative = [f"Negative prompt: {story.negative_prompt}"] if story.negative_prompt else []
    return "\n".join([story.prompt, *negative, line])


def _quoted(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if set(text) & set(',:\n"') else text


def read_story(source: Path | bytes) -> dict[str, Any]:
    """How a picture was made, as far as the picture says, whichever tool wrote it.

    Args:
        source: a picture file or its bytes: a PNG, or a JPEG or WebP with an EXIF comment.

    Returns:
        `tool` ("mindseye", "A1111", "ComfyUI", "InvokeAI" or "Fooocus") and those of `prompt`, `negative_prompt`,
        `seed`, `steps`, `guidance`, `sampler`, `width`, `height`, `model` and `version` that it tells; what else it
        tells is under further keys. Empty if the picture tells nothing.

    Raises:
        PictureError: the file is no picture, or is damaged.
    """
    container = open_container(source)
    texts = dict(container.texts)
    if KEY in texts:
        try:
            told = Story.model_validate_json(texts[KEY]).model_dump(mode="json", exclude_none=True)
            told["version"] = told.pop("mindseye_version")
            return {"tool": "mindseye", **told}
        except ValidationError:
            pass  # not written by us, whatever the key says
    if container.exif:
        texts.setdefault("parameters", user_comment(container.exif))
    return other_tools.read(texts)
