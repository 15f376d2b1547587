"""A method at work: the model that it unlearns, its contract, and its meter."""

from __future__ import annotations

import torch

from ser_unlearn.recogniser import counting
from ser_unlearn.recogniser.costs import Meter
from ser_unlearn.recogniser.model import load
from ser_unlearn.unlearning.brief import Brief, Supplies, as_tensors
from ser_unlearn.unlearning.line import Work
from ser_unlearn.unlearning.registry import load_class
from ser_unlearn.unlearning.task import Task


def perform(brief: Brief, supplies: Supplies) -> Work:
    """Run a method here and now.

    Args:
        brief: what the method is handed.
        supplies: gives what few methods ask for.
    """
    device = torch.device(brief.device)
    meter = Meter(device)
    counting.know(brief.counts)
    task = Task(brief, meter, supplies)
    method = load_class(brief.method, brief.path)(**brief.parameters)
    model = load(brief.recipe, brief.n_emotions, as_tensors(brief.start, device), device)
    with torch.random.fork_rng():
        # For what the model itself draws, such as dropout.
        torch.manual_seed(brief.seed)
        with meter.measure(model):
            result = method.unlearn(model, task)
    state, costs, curve = result.state_dict(), meter.costs(), task.curve
    return Work(state, costs, curve, counting.calls_beyond(brief.counts))
