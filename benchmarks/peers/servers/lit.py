"""LitServe with its own batching: up to 16 requests, gathered for 10 ms, drawn together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import litserve
import numpy as np
from answer import images
from PIL import Image

import mindseye


class Imagining(litserve.LitAPI):
    """Draws a batch with the same function that the benchmark's pure rate is measured with."""

    def setup(self, device: str) -> None:
        self.imaginer = mindseye.load(sys.argv[1])

    def decode_request(self, request) -> tuple[str, int]:  # type: ignore[no-untyped-def]  # LitServe reads its type
        return request["prompt"], request["seed"]

    def predict(self, batch: Sequence[tuple[str, int]]) -> np.ndarray:
        prompts, seeds = zip(*batch, strict=True)
        return self.imaginer.imagine_each(prompts, seeds)

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        return images(Image.fromarray(output))


if __name__ == "__main__":
    api = Imagining(max_batch_size=16, batch_timeout=0.01, api_path="/v1/images/generations")
    litserve.LitServer(api, accelerator="cpu", timeout=False).run(
        host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False
    )
