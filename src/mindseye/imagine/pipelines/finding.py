"""Where a pipeline is: in a folder, or on the model hub. Nothing heavy is imported before it is known to be one."""

from __future__ import annotations

import re
from pathlib import Path

from mindseye.errors import BadInput
from mindseye.learn.folder import find_ours

INDEX = "model_index.json"
HUB_NAME = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")  # as "owner/model"


def find_pipeline(name_or_path: str | Path) -> Path | None:
    """The folder of a pipeline that is no model of ours; None where this is neither a folder with one nor a hub name.

    A name like "owner/model" is asked for on the model hub where there is nothing of that name here, not even a folder
    "owner".

    Raises:
        BadInput: the hub does not give it.
    """
    folder = Path(name_or_path)
    if find_ours(name_or_path):
        return None
    if (folder / INDEX).is_file():
        return folder
    if HUB_NAME.fullmatch(str(name_or_path)) and not folder.exists() and not folder.parent.exists():
        return fetched(str(name_or_path))
    return None


def fetched(name: str) -> Path:
    """The folder of a pipeline on the model hub, once it is downloaded: weights as safetensors only.

    Raises:
        BadInput: it cannot be had.
    """
    from huggingface_hub.errors import HfHubHTTPError

    from mindseye.imagine.pipelines.opening import quiet

    try:
        with quiet():
            from diffusers import DiffusionPipeline

            return Path(DiffusionPipeline.download(name, use_safetensors=True))
    except (HfHubHTTPError, OSError, ValueError) as error:  # not found, no way to the hub, no safetensors, own code
        reason = str(error.__cause__ or error).strip().partition("\n")[0]
        raise BadInput(
            f"there is no model {name!r}",
            why=f"it is no folder here, and the model hub gives no pipeline of that name: {reason}",
            next_step="look at the spelling, download it where there is a network, or give the folder of a pipeline",
        ) from error
