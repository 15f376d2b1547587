"""Imported by the clean server alone: how it ends, and what it says.

To take down all that it has imported would take it a second, and many on a busy machine; it ends at
once, and the methods that it forked with it. Of a process whose asker was killed before it had
said what to do, nothing is said.
"""

import atexit
import os
import pickle
import sys
from types import TracebackType

atexit.register(os._exit, 0)


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    # Nothing was told, or it broke off in the middle.
    if not issubclass(kind, (EOFError, pickle.UnpicklingError)):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _say
