"""PixelRNN: pictures pixel by pixel, each from those before it (van den Oord et al. 2016), and its relatives.

Read in this order: `config.py`, `pixels.py` (what a pixel is), `network.py` (the contract of the networks) and `gpt.py`
(the default one), `objective.py`, `sample.py`; `model.py` puts them together and `folder.py` writes and reads them. The
other networks, each in one file beside them, are for comparison: `recurrent.py`, `convolutional.py`, `rows.py`,
`diagonals.py`.
"""

from mindseye.imagine.family import CARD, Family
from mindseye.imagine.pixelrnn.config import PRESETS, PixelRNNConfig
from mindseye.imagine.pixelrnn.folder import load, save
from mindseye.imagine.pixelrnn.model import ABILITIES, PixelRNN, build, measure
from mindseye.imagine.pixelrnn.sample import TOGETHER

FAMILY = Family(
    name="pixelrnn",
    title="Autoregressive model of pixels in reading order (PixelRNN and relatives)",
    abilities=ABILITIES,
    config=PixelRNNConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    card=CARD,
    measure=measure,
    at_once=TOGETHER,
)

__all__ = ["FAMILY", "PixelRNN", "PixelRNNConfig"]
