"""Checks: what every method must do, and the toy corpus that it is tried on."""
