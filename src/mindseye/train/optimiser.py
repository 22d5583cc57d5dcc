"""The optimisers and their learning rate.

Muon (`muon.py`) moves the hidden matrices, AdamW everything else: embeddings, gains, biases, first and last layer.
Muon's update is scaled to the size of AdamW's, so one learning rate serves both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mindseye.learn.device import has_bfloat16
from mindseye.learn.learner import Objective
from mindseye.train.config import TrainConfig
from mindseye.train.muon import Muon

WARMUP_SHARE = 0.05  # of a training, at most


@dataclass(frozen=True)
class Optimiser:
    """What moves the parameters of one objective.

    Attributes:
        parameters: by their names in the model.
        parts: "muon" and "adamw", where there is anything for them to do.
        learning_rate: at the height of the schedule.
    """

    parameters: dict[str, nn.Parameter]
    parts: dict[str, torch.optim.Optimizer]
    learning_rate: float

    def step(self, height: float) -> None:
        """One step, at `height` (0 to 1) of the learning rate."""
        for part in self.parts.values():
            for group in part.param_groups:
                group["lr"] = self.learning_rate * height
            part.step()

    def clear(self) -> None:
        """Forgets the gradients."""
        for parameter in self.parameters.values():
            parameter.grad = None

    def gradients(self) -> list[Tensor]:
        return [parameter.grad for parameter in self.parameters.values() if parameter.grad is not None]

    def state(self) -> Iterator[tuple[str, Tensor]]:
        """All state as named tensors, e.g. "adamw/exp_avg/blocks.0.gain"."""
        names = {id(parameter): name for name, parameter in self.parameters.items()}
        for part_name, part in self.parts.items():
            for parameter, values in part.state.items():
                for key, value in values.items():
                    yield f"{part_name}/{key}/{names[id(parameter)]}", value

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        for path, value in state.items():
            part_name, key, name = path.split("/", 2)
            parameter = self.parameters[name]
            where = torch.device("cpu") if value.ndim == 0 else parameter.device  # AdamW keeps its step count there
            self.parts[part_name].state[parameter][key] = value.clone().to(where)


def make_optimiser(model: nn.Module, objective: Objective, config: TrainConfig) -> Optimiser:
    """The optimiser of one objective of `model`."""
    parameters = {name: p for name, p in model.named_parameters() if name in objective.parameters}
    rate = config.learning_rate * objective.rate
    hidden = hidden_matrices(model)
    matrices = [p for name, p in parameters.items() if name in hidden]
    others = [p for name, p in parameters.items() if name not in hidden]
    parts: dict[str, torch.optim.Optimizer] = {}
    if matrices:
        fast = torch.bfloat16 if has_bfloat16(matrices[0].device.type) else torch.float32
        parts["muon"] = Muon(matrices, lr=rate, weight_decay=config.weight_decay, arithmetic=fast)
    if others:
        parts["adamw"] = torch.optim.AdamW(
            others, lr=rate, betas=objective.betas, weight_decay=config.weight_decay, fused=True
        )
    return Optimiser(parameters, parts, rate)


def hidden_matrices(model: nn.Module) -> set[str]:
    """The names of the parameters that Muon moves: what the model says, or else the matrices inside its blocks."""
    named = getattr(model, "hidden_matrices", None)
    if named is not None:
        return set(named())
    return {name for name, parameter in model.named_parameters() if parameter.ndim == 2 and "blocks" in name}


def height(pictures_seen: int, progress: float, config: TrainConfig) -> float:
    """How much of the learning rate applies, 0 to 1: warm-up, constant, then linear to 0 over the last part.

    Args:
        pictures_seen: so far.
        progress: 0 to 1, the share of the training done, in pictures or in minutes, whichever is its goal.
        config: `warmup_pictures` (cut to `WARMUP_SHARE` of a short training) and `decay_share`.
    """
    warm = (pictures_seen + config.batch_size) / max(config.warmup_pictures, config.batch_size)
    return min(1.0, max(warm, progress / WARMUP_SHARE)) * min(1.0, (1 - progress) / config.decay_share)
