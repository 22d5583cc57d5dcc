"""Networks as ONNX files, which run without torch: the owner of the packages that this takes."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mindseye.errors import Unavailable

OPSET = 20
PACKAGES = ("onnx", "onnxscript")


def export_network(network: nn.Module, inputs: Mapping[str, Tensor], output: str, path: Path) -> None:
    """Writes `network(*inputs)` as one ONNX file with named inputs and output; their first axis may have any length.

    Args:
        network: in evaluation mode, float32, on the processor.
        inputs: examples by name, in the order of the arguments, with two rows or more.
        output: its name.
        path: the file.

    Raises:
        Unavailable: a package is missing.
    """
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise Unavailable(f"{package} is not installed", next_step="pip install 'mindseye[onnx]'")
    chatter = logging.getLogger("torch.onnx")
    level = chatter.level
    chatter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter's own insides
            torch.onnx.export(
                network,
                tuple(inputs.values()),
                path,
                input_names=list(inputs),
                output_names=[output],
                dynamic_shapes=tuple({0: torch.export.Dim("batch", min=1)} for _ in inputs),
                dynamo=True,
                external_data=False,
                opset_version=OPSET,
                verbose=False,
            )
    finally:
        chatter.setLevel(level)
