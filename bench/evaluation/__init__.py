"""Evaluation: what an unlearned model is worth, from what it says of every utterance."""
