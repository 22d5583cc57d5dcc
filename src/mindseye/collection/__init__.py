"""Stages 1 and 2, what the model is shown: reading, captions, cleaning, splits, built-in collections."""
