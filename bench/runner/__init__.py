"""The runner: from a suite to its records, by jobs that workers do side by side."""
