"""Tuning: better parameters of a method, found with the same number of trials for every method."""
