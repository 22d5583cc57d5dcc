"""Draws with an exported model: numpy, onnxruntime and tokenizers, no torch and no mindseye.

mindseye export emoji --onnx emoji-onnx
python docs/draw_with_onnx.py emoji-onnx "a smiling cat" 0 cat.png
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from tokenizers import Tokenizer


def read(folder, prompt, token_limit):
    """The prompt as the network takes it: a state for each token, and where a token stands."""
    tokeniser = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokeniser.no_padding()
    tokeniser.enable_truncation(token_limit)
    ids, mask = np.zeros((1, token_limit), np.int64), np.zeros((1, token_limit), bool)
    found = tokeniser.encode(prompt).ids
    ids[0, : len(found)], mask[0, : len(found)] = found, True
    encoder = onnxruntime.InferenceSession(f"{folder}/words.onnx")
    return encoder.run(None, {"ids": ids, "mask": mask})[0], mask


def draw(folder, prompt, noise):
    """From noise [channel, height, width] to a picture in [-1, 1], by Euler's method with guidance."""
    facts = json.loads((Path(folder) / "export.json").read_text())
    tokens, mask = read(folder, prompt, facts["token_limit"])
    tokens = np.concatenate([tokens, np.zeros_like(tokens)])  # with the caption, and without
    mask = np.concatenate([mask, np.zeros_like(mask)])
    network = onnxruntime.InferenceSession(f"{folder}/step.onnx")
    even = np.linspace(1, 0, 2 * facts["steps"] + 1)  # Euler takes twice the steps of the model's own Heun
    times = facts["shift"] * even / (1 + (facts["shift"] - 1) * even)
    x = noise.astype(np.float32)
    for t, following in zip(times[:-1], times[1:], strict=True):
        inputs = {"noisy": np.stack([x, x]), "t": np.full(2, t, np.float32), "tokens": tokens, "mask": mask}
        captioned, plain = network.run(None, inputs)[0]
        weight = facts["guidance"] if facts["guidance_low"] <= t <= facts["guidance_high"] else 1
        clean = np.clip(plain + weight * (captioned - plain), -1, 1)
        x = x + np.float32(following - t) * (x - clean) / np.float32(t)
    return x


def as_image(picture):
    """With straight alpha, where the model draws transparent pictures."""
    unit = np.clip((picture.transpose(1, 2, 0) + 1) / 2, 0, 1)
    if unit.shape[2] == 4:
        unit[..., :3] = np.clip(unit[..., :3] / np.maximum(unit[..., 3:], 1 / 255), 0, 1)
    return Image.fromarray((unit * 255).round().astype(np.uint8))


if __name__ == "__main__":
    folder, prompt, seed, path = sys.argv[1:]
    facts = json.loads((Path(folder) / "export.json").read_text())
    noise = np.random.default_rng(int(seed)).standard_normal((facts["channels"], facts["size_px"], facts["size_px"]))
    as_image(draw(folder, prompt, noise)).save(path)
