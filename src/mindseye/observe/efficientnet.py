"""EfficientNet-Lite0, frozen: EfficientNet-B0 (Tan and Le 2019, table 1) without squeeze-and-excitation, with ReLU6.

Every convolution is followed by batch normalisation. As nothing is trained here, each normalisation is folded into the
convolution before it when the weights are read, so that the network is convolutions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

NORM_EPSILON = 1e-3


@dataclass(frozen=True)
class Stage:
    """One row of the paper's table 1: `repeats` inverted bottlenecks, of which the first one has the stride."""

    kernel: int
    stride: int
    expansion: int
    width: int
    repeats: int


STEM_WIDTH = 32
STAGES = (
    Stage(kernel=3, stride=1, expansion=1, width=16, repeats=1),
    Stage(kernel=3, stride=2, expansion=6, width=24, repeats=2),
    Stage(kernel=5, stride=2, expansion=6, width=40, repeats=2),
    Stage(kernel=3, stride=2, expansion=6, width=80, repeats=3),
    Stage(kernel=5, stride=1, expansion=6, width=112, repeats=3),
    Stage(kernel=5, stride=2, expansion=6, width=192, repeats=4),
    Stage(kernel=3, stride=1, expansion=6, width=320, repeats=1),
)
POOLED_WIDTH = 1280
STAGES_WIDTH = sum(stage.width for stage in STAGES)  # 784
CLASSES = 1000  # of ImageNet
EDGE_MULTIPLE = 32  # what the five strides divide an edge by


class Convolution(nn.Module):
    """A convolution with a bias; its output is as large as the input, divided by the stride.

    The border of zeros is TensorFlow's "same", with which the weights were trained: where it cannot be even, the right
    and lower edges have the odd line.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.stride, self.groups = stride, groups
        before = (kernel - stride) // 2
        self.border = (before, kernel - stride - before) * 2

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch outputs rows columns"]:
        if self.stride == 1:
            return F.conv2d(x, self.weight, self.bias, padding=self.border[0], groups=self.groups)
        return F.conv2d(F.pad(x, self.border), self.weight, self.bias, self.stride, groups=self.groups)


class Bottleneck(nn.Module):
    """MBConv: widen, look around in each channel alone, narrow again; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = inputs * stage.expansion
        self.expand = Convolution(inputs, wide, 1) if stage.expansion > 1 else None
        self.depthwise = Convolution(wide, wide, stage.kernel, stride, groups=wide)
        self.project = Convolution(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch outputs rows columns"]:
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """The network; `from_weights` makes one that is ready for use."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, STEM_WIDTH, 3, stride=2)
        self.stages = nn.ModuleList()
        width = STEM_WIDTH
        for stage in STAGES:
            blocks = nn.Sequential()
            for repeat in range(stage.repeats):
                blocks.append(Bottleneck(width, stage.width, stage, stage.stride if repeat == 0 else 1))
                width = stage.width
            self.stages.append(blocks)
        self.head = Convolution(width, POOLED_WIDTH, 1)
        self.classifier = nn.Linear(POOLED_WIDTH, CLASSES)

    def forward(
        self, x: Float[Tensor, "batch 3 edge edge"]
    ) -> tuple[Float[Tensor, "batch 784"], Float[Tensor, "batch 1280"]]:
        """The mean over the picture of every stage's output, and of the head's.

        Args:
            x: RGB in -127/128 to 1, which is (value - 127) / 128; the edge is a multiple of 32.
        """
        x, means = F.relu6(self.stem(x), inplace=True), []
        for stage in self.stages:
            x = stage(x)
            means.append(x.mean((2, 3)))
        return torch.cat(means, dim=1), F.relu6(self.head(x), inplace=True).mean((2, 3))

    def patches(self, x: Float[Tensor, "batch 3 edge edge"]) -> Float[Tensor, "batch 320 rows columns"]:
        """The last stage's output as it is, without a mean: one place for every 32 x 32 pixels."""
        x = F.relu6(self.stem(x), inplace=True)
        for stage in self.stages:
            x = stage(x)
        return x

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> EfficientNetLite0:
        """The network with the weights of a file that lists convolutions and normalisations in the order of use.

        A normalisation y = gamma (x - mean) / sqrt(variance + epsilon) + beta after a convolution W x is the
        convolution (s W) x + (beta - s mean) with s = gamma / sqrt(variance + epsilon).
        """
        kernels = [weight for weight in weights.values() if weight.ndim == 4]
        norms = [name.removesuffix(".running_mean") for name in weights if name.endswith(".running_mean")]
        network = cls()
        layers = [name for name, module in network.named_modules() if isinstance(module, Convolution)]
        folded = {"classifier.weight": weights["_fc.weight"], "classifier.bias": weights["_fc.bias"]}
        for layer, kernel, norm in zip(layers, kernels, norms, strict=True):
            scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + NORM_EPSILON).sqrt()
            folded[f"{layer}.weight"] = kernel * scale[:, None, None, None]
            folded[f"{layer}.bias"] = weights[f"{norm}.bias"] - scale * weights[f"{norm}.running_mean"]
        network.load_state_dict(folded)
        return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
