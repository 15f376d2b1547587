"""Unlearning: what a method is, what it is handed, and how it is run."""
