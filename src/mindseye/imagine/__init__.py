"""Stage 4, features to pictures: one folder a family, all behind the contract of `family.py`."""
