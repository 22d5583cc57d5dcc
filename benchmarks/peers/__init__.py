"""The other arms of the race, one short file each.

An arm has `train(collection, minutes, folder, seed, learning_rate=...) -> Trained`, whose `draw(prompts, seeds)` gives
uint8 [n, h, w, c]; those that also race for speed have `training(...)` and `drawing(...)`, each giving a `race.Runner`.
"""
