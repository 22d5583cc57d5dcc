"""Recognising a new concept from a few pictures of it, with and without imagined ones: the arms that are compared.

    episodes.py      pools of concepts, and episodes: a few pictures shown, others asked about
    space.py         frozen features as all arms see them, and what the base concepts say of how pictures vary
    arms.py          where extra examples come from: one function an arm
    views.py         the standard augmentation, in pixels
    hallucinator.py  imagination: the meta-learned hallucinator of Wang et al. 2018
    classifier.py    the one classifier of all arms
    trial.py         which settings of an arm are tried, how one is chosen, and how an arm does in episodes
    extras.py        what extra examples are worth alone, whether they keep their class, whether they are copies
    paired.py        differences over the same episodes, with intervals, Holm's correction, and the rule of the claim

An arm gets the pictures shown and gives extra examples; the classifier is fitted on both, and asked. So anything that
makes pictures from a picture is an arm, too: `arms.from_pictures` takes the features of what it drew.
"""
