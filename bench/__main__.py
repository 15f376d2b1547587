"""`python -m ser_unlearn`: the command line."""

from ser_unlearn.cli import main

main(prog_name="python -m ser_unlearn")
