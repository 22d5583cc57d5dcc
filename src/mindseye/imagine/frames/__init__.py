"""Next frames: given the first frames of a film, and what is done, predict the rest (Finn, Goodfellow & Levine 2016).

Read in this order: `config.py`, `films.py`, then `lstm.py` and `motion.py` for CDNA or `flow.py` for the flow network,
`objective.py`, `sample.py`; `model.py` puts all together, `folder.py` writes and reads it, `animate.py` takes the
frames and actions of a person. It is a learner and no family: it draws from frames, not from words.
"""

from mindseye.imagine.frames.config import PRESETS, FramesConfig
from mindseye.imagine.frames.films import ActionReader
from mindseye.imagine.frames.folder import load, save
from mindseye.imagine.frames.model import Frames, build
from mindseye.learn.learner import CardText, Learner

LEARNER = Learner(
    name="frames",
    title="Next-frame prediction: CDNA (Finn, Goodfellow & Levine 2016), or a flow conditioned on past frames",
    config=FramesConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    reads_with=ActionReader,
    card=CardText(
        library="mindseye",
        tag="image-to-video",
        does="It predicts how a film goes on from its first frames, with what it learnt from {size} x {size} px"
        " {mode} sheets of frames.",
        usage="mindseye animate path/to/this/folder FRAMES",
        limits=(
            "It has seen {pictures:,} films and knows how things move there. Errors add up: the further from the given"
            " frames, the less a frame is worth.",
            "Whether a film goes on as it should, nobody has judged but by the error of its pixels.",
        ),
    ),
)

__all__ = ["LEARNER", "Frames", "FramesConfig"]
