"""The page: one HTML file that shows the records, with all that it needs in it."""
