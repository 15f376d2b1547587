"""Data: corpora and their cards, recordings, splits and forget sets."""
