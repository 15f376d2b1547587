"""Imported by the clean server alone: what it imports for others, how it ends, and what it says.

To take down all that it has imported would take it a second, and many on a busy machine; it ends at
once, and the methods that it forked with it. Of a process whose asker was killed before it had
said what to do, nothing is said.
"""

import atexit
import gc
import importlib
import os
import pickle
import sys
from types import TracebackType

IMPORTED = [
    "ser_unlearn.unlearning.perform",
    # What workers do, and what started them.
    "ser_unlearn.cli",
    "ser_unlearn.runner.trainings",
    "ser_unlearn.runner.unlearnings",
    "safetensors.torch",
    # What tables and metrics need.
    "pandas",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.svm",
    # What recipes name, and what runs them.
    "hyperpyyaml",
    "speechbrain.lobes.features",
    "speechbrain.lobes.models.ECAPA_TDNN",
    # The first optimiser of a process imports it, for a second, and on the method's time.
    "torch._dynamo",
]
"""It takes seconds, and to fork what has it a few hundredths of one."""


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    # Nothing was told, or it broke off in the middle.
    if not issubclass(kind, (EOFError, pickle.UnpicklingError)):
        sys.__excepthook__(kind, error, trace)


# Nothing of it is garbage: to look for some takes a second here, and in every process that is
# forked it would copy all pages.
gc.disable()
for _name in IMPORTED:
    importlib.import_module(_name)
gc.freeze()
gc.enable()

# After all imports, that it is asked first.
atexit.register(os._exit, 0)
sys.excepthook = _say
