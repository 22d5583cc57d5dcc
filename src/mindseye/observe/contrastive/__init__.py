"""How well a caption fits a picture: CLIP (Radford et al. 2021) in small, over features of frozen networks.

Two towers give unit vectors of one space; their product is the similarity. The picture tower reads the features of the
frozen picture encoder. There are two text towers:

- `SentenceTower` reads the sentence vector of the frozen text encoder that the picture makers read, too;
- `BagOfWords` learns all its words itself, so that a judge made with it shares nothing with those whom it judges.

Read in this order: `config.py`, `network.py`, `objective.py`, `fit.py`; `folder.py` writes and reads a matcher, and
`judge.py` makes one the judge of what others draw.
"""

from mindseye.observe.contrastive.config import BagConfig, FitSettings, MatcherConfig, SentenceConfig
from mindseye.observe.contrastive.fit import Fitted, Pairs, fit
from mindseye.observe.contrastive.folder import load_matcher, save_matcher
from mindseye.observe.contrastive.judge import Judge, fit_judge, judge_for, load_judge
from mindseye.observe.contrastive.network import Matcher, joined

__all__ = [
    "BagConfig",
    "FitSettings",
    "Fitted",
    "Judge",
    "Matcher",
    "MatcherConfig",
    "Pairs",
    "SentenceConfig",
    "fit",
    "fit_judge",
    "joined",
    "judge_for",
    "load_judge",
    "load_matcher",
    "save_matcher",
]
