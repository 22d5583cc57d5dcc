"""How much does a correction move what it is about, and how much all else? No picture is drawn: the maps are asked.

    python benchmarks/hold.py emoji                        Markdown, a line a weight; a minute

For TIME and UCE with several weights of what captions of other things give (`--hold`), on the validation cases of
`correct.py`. *Itself*: in other wordings of the source, the share of the way from what a map gave to what it gives for
the destination. *Others*: how far what it gives for other things moves, as a share of that way's length.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from statistics import mean

import torch
from torch import Tensor

import mindseye
from corrections import OTHERS, cases
from mindseye.correct import methods
from mindseye.correct.beliefs import EFFICACY, SPECIFICITY
from mindseye.correct.changes import HELD_CAPTIONS, METHODS, subject_of
from mindseye.correct.entrances import SENTENCE, TOKENS, Entered, Entrance
from mindseye.correct.prompts import last_standing_for
from mindseye.imagine.edits import Layer
from mindseye.learn.side_by_side import one_thread

HOLDS = (0.0, 0.03, 0.3, 3.0, 30.0, 300.0)
ITSELF, ELSE = "itself", "others"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="of the family diffusion")
    subject = subject_of(mindseye.load(parser.parse_args().model))
    _, model = subject.entrances()
    columns = [
        (method, takes, what) for method in METHODS[:2] for takes in (TOKENS, SENTENCE) for what in (ELSE, ITSELF)
    ]
    print(f"| hold | {' | '.join(', '.join(column) for column in columns)} |\n|{' --- |' * (len(columns) + 1)}")
    with one_thread(), torch.no_grad():
        for hold in HOLDS:
            held = methods.held_of(model, subject.captions[:HELD_CAPTIONS], hold)
            found = {method: moved(model, method, held) for method in METHODS[:2]}
            values = [f"{found[method][takes, what]:.2f}" for method, takes, what in columns]
            print(f"| {hold:g} | {' | '.join(values)} |", flush=True)


def moved(model: Entered, method: str, held: methods.Held) -> Mapping[tuple[str, str], float]:
    """By what maps take: the two shares, means over cases, over wordings or other things, and over maps."""
    shares: dict[tuple[str, str], list[float]] = {
        (takes, w): [] for takes in (TOKENS, SENTENCE) for w in (ITSELF, ELSE)
    }
    others = model.read(OTHERS)
    for case in cases("emoji", "validation"):
        solve = methods.time if method == "TIME" else methods.uce
        layers = solve(model, [(case.source, case.destination)], held=held)
        for probe in case.probes:
            if probe.kind == SPECIFICITY:
                continue
            source, destination = model.read([probe.prompt, probe.wanted])
            for entrance in model.entrances:
                layer, takes = layers[entrance.matrix], entrance.takes
                if takes == SENTENCE:
                    own, targets = source.sentence, (destination.sentence, destination.sentence)
                    else_in = torch.stack([read.sentence for read in others])
                else:
                    own = source.tokens[source.last - 1]
                    targets = model.rows(destination.tokens, last_standing_for(source, destination))
                    else_in = torch.cat([read.tokens[read.first : read.last] for read in others])
                way = way_of(entrance, own, *targets)
                shares[takes, ITSELF].append(float(moves(layer, own) @ way / way.square().sum()))
                if probe.kind == EFFICACY:
                    shares[takes, ELSE].append(float(moves(layer, else_in).norm(dim=1).mean() / way.norm()))
    return {key: mean(some) for key, some in shares.items()}


def way_of(entrance: Entrance, own: Tensor, as_key: Tensor, as_value: Tensor) -> Tensor:
    """From what a map gives for an input to what is wanted of its rows for keys and for values."""
    weight, begin = entrance.weight.detach().cpu().double(), entrance.values_from
    return torch.cat([weight[:begin] @ (as_key - own).double(), weight[begin:] @ (as_value - own).double()])


def moves(layer: Layer, inputs: Tensor) -> Tensor:
    """What a change adds to what a map gives."""
    return inputs.double() @ layer.right.double().T @ layer.left.double().T


if __name__ == "__main__":
    main()
