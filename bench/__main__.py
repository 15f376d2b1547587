"""`python -m ser_unlearn`: the command line."""

from ser_unlearn.cli import main

# Processes that are spawned import this module anew.
if __name__ == "__main__":
    main(prog_name="python -m ser_unlearn")
