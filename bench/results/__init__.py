"""Results: records, the store, and what says whether either is still current."""
