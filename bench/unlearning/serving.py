"""Imported by the clean server alone, that it ends at once, and the methods that it forked with it.

To take down all that it has imported would take it a second, and many on a busy machine.
"""

import atexit
import os

atexit.register(os._exit, 0)
