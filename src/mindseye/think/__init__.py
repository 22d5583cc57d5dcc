"""Stage 5, what to make of a picture: figures with intervals, copies of training pictures, real or imagined."""
