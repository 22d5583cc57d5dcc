"""Stage 3, pictures and words to features: frozen encoders and what they said, kept so that it is computed once."""
