"""DAMSM, the deep attentional multimodal similarity model of AttnGAN (Xu et al. 2018): how well words fit a picture.

A text encoder gives a feature for every word and one for the sentence, a picture encoder one for every region and one
for the whole; a word looks at the regions that it is about. Read in this order: `config.py`, `network.py`,
`objective.py`; `folder.py` writes and reads it.
"""

from mindseye.learn.learner import CardText, Learner
from mindseye.observe.damsm.config import PRESETS, DamsmConfig
from mindseye.observe.damsm.folder import load, save
from mindseye.observe.damsm.network import Damsm, build

LEARNER = Learner(
    name="damsm",
    title="DAMSM: deep attentional multimodal similarity model (Xu et al. 2018)",
    config=DamsmConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    least_batch=64,
    card=CardText(
        library="mindseye",
        tag="image-text-matching",
        does="It tells how well a caption fits a {size} x {size} px {mode} picture, and which region a word is about.",
        usage='mindseye judge PICTURE --prompt "words of your own" --thinker path/to/this/folder',
        limits=(
            "It has seen {pictures:,} pictures; of others it knows little.",
            "It is a chooser of pictures, not an impartial judge: a model that is chosen by it must be measured with"
            " another.",
        ),
    ),
)

__all__ = ["LEARNER", "Damsm", "DamsmConfig"]
