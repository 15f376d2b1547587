"""Plots: Vega-Lite charts of the standings, the same for the page, the leaderboard and papers."""
