"""The report: tables, comparisons and the leaderboard, made from records alone."""
