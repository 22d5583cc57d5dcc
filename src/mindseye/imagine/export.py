"""A model of ours for programs without torch: `mindseye export MODEL --onnx FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mindseye.errors import BadInput
from mindseye.files import write_json, written_aside
from mindseye.imagine.families import family as family_named
from mindseye.learn.folder import find_model, load_model, weights_digest
from mindseye.observe.exporting import export_encoder
from mindseye.observe.text import load_text_encoder

FACTS = "export.json"


def export_onnx(name_or_path: str | Path, folder: Path) -> dict[str, Any]:
    """Writes a model's network, and what reads its prompts, as ONNX files into a folder, whole or not at all.

    The folder has `step.onnx` (one call of the network), `words.onnx` (the text encoder), `tokenizer.json`, and
    `export.json`, which is what this returns: `model`, `model_sha256`, `size_px`, `channels`, `token_limit`, and what a
    sampler should know.

    Raises:
        BadInput: there is no such model, its family has no export, or it reads prompts through another encoder.
        Unavailable: a package is missing, or the folder cannot be written.
    """
    path = find_model(name_or_path)
    family, model, about = load_model(path, family_named)
    if family.export is None:
        raise BadInput(
            f"{about.family} models have no export to ONNX", next_step="export a model of the family diffusion"
        )
    reference = about.text_encoder
    encoder = load_text_encoder(reference.name, token_limit=reference.token_limit, sha256=reference.sha256)
    with written_aside(folder) as aside:
        aside.mkdir()
        export_encoder(encoder, aside)
        facts = {
            "model": about.name,
            "model_sha256": weights_digest(path),
            "size_px": about.config["size_px"],
            "channels": about.config["channels"],
            "token_limit": encoder.token_limit,
            **family.export(model.eval(), aside),
        }
        write_json(aside / FACTS, facts)
    return facts
