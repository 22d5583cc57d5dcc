"""The training loop of every family, its run folder, checkpoints and engines."""
