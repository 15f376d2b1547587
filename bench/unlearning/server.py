"""What the clean server imports, from which every method's process is forked.

To import torch takes seconds, and to fork a process that has it a few hundredths of one.
"""

import importlib

import speechbrain.lobes.features
import speechbrain.lobes.models.ECAPA_TDNN  # noqa: F401
import torch

torch.set_num_threads(1)
# The first optimiser of a process imports it, for a second, and would do so on a method's time.
importlib.import_module("torch._dynamo")
