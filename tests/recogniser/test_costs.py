"""Costs: the cheap count of operations equals the dear one, and charges take their place."""

import copy
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ser_unlearn.recogniser.costs import Costs, FlopMeter, Meter
from ser_unlearn.recogniser.model import build, frozen_copy
from ser_unlearn.recogniser.recipe import load_recipe

CPU = torch.device("cpu")


class Net(nn.Module):
    """Convolutions over time [B, 4, T], a mean, and a linear layer: [B, 5]."""

    def __init__(self):
        super().__init__()
        self.front = nn.Sequential(
            nn.Conv1d(4, 6, 3), nn.BatchNorm1d(6), nn.ReLU(), nn.Conv1d(6, 8, 3, stride=2)
        )
        self.head = nn.Linear(8, 5)

    def forward(self, inputs):
        return self.head(self.front(inputs).mean(dim=2))


def forward_only(model):
    with torch.no_grad():
        for shape in [(2, 4, 20), (3, 4, 20), (2, 4, 33), (2, 4, 20)]:
            model(torch.randn(shape))


def training(model):
    model.train()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
    for shape in [(2, 4, 20), (5, 4, 31), (2, 4, 20)]:
        optimiser.zero_grad()
        model(torch.randn(shape)).square().mean().backward()
        optimiser.step()


def forward_with_gradients_that_are_never_asked_for(model):
    model(torch.randn(2, 4, 20))
    model(torch.randn(2, 4, 20)).sum().backward()


def attack_on_the_inputs(model):
    model.requires_grad_(False)
    inputs = torch.randn(2, 4, 25, requires_grad=True)
    for _ in range(3):
        model(inputs).square().sum().backward()
        inputs = (inputs + inputs.grad).detach().requires_grad_()
    model.requires_grad_(True)


def head_alone(model):
    model.front.requires_grad_(False)
    model(torch.randn(3, 4, 20)).sum().backward()
    model.front.requires_grad_(True)


def front_alone(model):
    model.head.requires_grad_(False)
    model(torch.randn(3, 4, 20)).sum().backward()
    model.head.requires_grad_(True)


def distillation(model):
    teacher = frozen_copy(model)
    inputs = torch.randn(4, 4, 22)
    (model(inputs) - teacher(inputs)).square().mean().backward()


def through_a_frozen_teacher(model):
    teacher = frozen_copy(model)
    inputs = torch.randn(2, 4, 22, requires_grad=True)
    teacher(inputs).sum().backward()
    model(inputs.detach()).sum().backward()


def a_trained_copy(model):
    training(copy.deepcopy(model))


def two_losses_of_one_model(model):
    first, second = model(torch.randn(2, 4, 20)), model(torch.randn(2, 4, 24))
    (first.sum() - second.sum()).backward()


def a_graph_walked_twice(model):
    loss = model(torch.randn(2, 4, 20)).sum()
    loss.backward(retain_graph=True)
    loss.backward()


def a_part_called_alone(model):
    model.front(torch.randn(2, 4, 20)).sum().backward()


WORK = [
    forward_only,
    training,
    forward_with_gradients_that_are_never_asked_for,
    attack_on_the_inputs,
    head_alone,
    front_alone,
    distillation,
    through_a_frozen_teacher,
    a_trained_copy,
    two_losses_of_one_model,
    a_graph_walked_twice,
    a_part_called_alone,
]


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_the_meter_counts_exactly_what_torch_counts(work):
    model = Net()
    reference = copy.deepcopy(model)
    meter = FlopMeter(model)
    work(model)
    meter.close()
    with FlopCounterMode(display=False) as counter:
        work(reference)
    assert counter.get_total_flops() > 0
    assert meter.total() == counter.get_total_flops()


def test_a_gradient_asked_for_with_autograd_grad_counts_as_one_from_backward():
    # torch's own counter cannot follow autograd.grad to inputs.
    totals = []
    for asked in ("backward", "grad"):
        model = Net().requires_grad_(False)
        meter = FlopMeter(model)
        inputs = torch.randn(2, 4, 25, requires_grad=True)
        loss = model(inputs).square().sum()
        loss.backward() if asked == "backward" else torch.autograd.grad(loss, inputs)
        meter.close()
        totals.append(meter.total())
    assert totals[0] == totals[1]


def test_a_linear_layer_by_hand():
    model = nn.Sequential(nn.Linear(3, 7, bias=False))
    meter = FlopMeter(model)
    model(torch.randn(5, 3)).sum().backward()
    meter.close()
    # Forward: 2 * 5 * 3 * 7 = 210. Backward: the weights' gradient, as much; none for the inputs.
    assert meter.total() == 420


def test_the_total_may_be_asked_for_at_any_time_and_more_than_once():
    model = nn.Sequential(nn.Linear(3, 7, bias=False))
    meter = FlopMeter(model)
    totals = []
    for _ in range(3):
        with torch.no_grad():
            model(torch.randn(5, 3))
        totals += [meter.total(), meter.total()]
    assert totals == [210, 210, 420, 420, 630, 630]


def test_nothing_is_counted_after_closing():
    model = Net()
    meter = FlopMeter(model)
    meter.close()
    forward_only(model)
    assert meter.total() == 0


def test_counting_changes_neither_weights_nor_randomness():
    torch.manual_seed(0)
    model = Net()
    state = copy.deepcopy(model.state_dict())
    meter = FlopMeter(model)
    forward_only(model.eval())
    meter.close()
    random = torch.get_rng_state()
    meter.total()
    assert torch.equal(torch.get_rng_state(), random)
    assert all(
        torch.equal(*pair) for pair in zip(state.values(), model.state_dict().values(), strict=True)
    )
    assert all(weight.device == CPU for weight in model.parameters())


def test_a_recipes_recogniser_is_counted_exactly():
    def work(model):
        model.train()
        for frames in (40, 55):
            inputs = torch.randn(3, frames, 40)
            model(inputs, torch.tensor([1.0, 0.5, 0.8])).sum().backward()

    model = build(load_recipe("tiny"), n_emotions=4, seed=0)
    reference = copy.deepcopy(model)
    meter = FlopMeter(model)
    work(model)
    meter.close()
    with FlopCounterMode(display=False) as counter:
        work(reference)
    assert meter.total() == counter.get_total_flops() > 0


# Meter


class Clocked(Meter):
    """A meter whose clock says what the test wants."""

    def __init__(self, *ticks):
        super().__init__(CPU)
        self.ticks = iter(ticks)

    def _now(self):
        return next(self.ticks)


@pytest.fixture
def no_memory(monkeypatch):
    """Memory is not looked at."""

    @contextmanager
    def nothing(device):
        yield lambda: 3.0

    monkeypatch.setattr("ser_unlearn.recogniser.costs._peak_memory", nothing)


@pytest.mark.usefixtures("no_memory")
def test_a_charge_takes_the_place_of_what_happened_inside():
    meter = Clocked(10, 12, 15, 20)
    model = nn.Sequential(nn.Linear(3, 7, bias=False))
    with meter.measure(model):  # at 10
        with torch.no_grad():
            model(torch.randn(5, 3))  # 210 operations
        with meter.charge(Costs(100.0, 1000, 7.0)):  # from 12 to 15
            pass
    # To 20: 10 s, of which 3 are replaced by 100.
    assert meter.costs() == Costs(107.0, 1210, 7.0)


@pytest.mark.usefixtures("no_memory")
def test_operations_so_far_are_those_before_they_were_asked_for():
    meter = Clocked(*range(10))
    model = nn.Sequential(nn.Linear(3, 7, bias=False))
    nothing = meter.flops_so_far()
    with meter.measure(model), torch.no_grad():
        model(torch.randn(5, 3))  # 210 operations
        once = meter.flops_so_far()
        with meter.charge(Costs(0.0, 1000, 0.0)):
            pass
        model(torch.randn(5, 3))
        twice = meter.flops_so_far()
        model(torch.randn(5, 3))
    assert [each() for each in (nothing, once, twice)] == [0, 210, 1420]
    assert meter.costs().flops == meter.flops_so_far()() == 1630


@pytest.mark.usefixtures("no_memory")
def test_costs_add_up_but_peaks_do_not():
    meter = Clocked(0, 1, 5, 7, 8, 8, 9, 9)
    for _ in range(2):
        with meter.measure(nn.Sequential()):
            pass
    for peak in (2.0, 1.0):
        with meter.charge(Costs(4.0, 5, peak)):
            pass
    # 1 + 2 s measured, 4 + 4 s charged; 3 MB was the highest peak.
    assert meter.costs() == Costs(11.0, 10, 3.0)


@pytest.mark.usefixtures("no_memory")
def test_time_counts_also_where_the_work_fails():
    meter = Clocked(0, 5)
    with pytest.raises(RuntimeError, match="out of luck"), meter.measure(nn.Sequential()):
        raise RuntimeError("out of luck")
    assert meter.costs().runtime_s == 5


def test_costs_by_name_are_those_of_the_fields():
    assert Costs(1.5, 2, 3.5).as_dict() == {"runtime_s": 1.5, "flops": 2, "peak_memory_mb": 3.5}


def test_the_clock_runs_in_seconds():
    meter = Meter(CPU)
    with meter.measure(nn.Sequential()):
        time.sleep(0.2)
    # A sleep is never shorter; how much longer it is depends on how busy the machine is.
    assert 0.2 <= meter.costs().runtime_s < 5


@pytest.mark.parametrize("kept", [True, False])
def test_peak_memory_sees_a_tensor_of_50_mb(kept):
    meter = Meter(CPU)
    with meter.measure(nn.Sequential()):
        tensor = torch.ones(12_500_000)  # 4 bytes each
        if not kept:
            time.sleep(0.2)  # memory is looked at every 0.02 s
            del tensor
    # Resident pages: glibc may hand out a few that were already there, and Python needs some
    # of its own.
    assert 45 < meter.costs().peak_memory_mb < 75


def test_memory_held_before_does_not_count():
    tensor = torch.ones(12_500_000)
    meter = Meter(CPU)
    with meter.measure(nn.Sequential()):
        tensor += 1  # in place
    assert meter.costs().peak_memory_mb < 25  # as above


# What is freed


FAULTS = """
import resource
import torch
from ser_unlearn.recogniser.costs import give_back_memory, hold_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.zeros(2**20) for _ in range(16)]
    del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

hold_memory()
first, again = faults(), faults()
give_back_memory()
print(first, again, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="speaks to glibc")
def test_memory_that_was_freed_is_held_until_it_is_given_back():
    found = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, check=True)
    first, again, later = (int(each) for each in found.stdout.split())
    assert again < first / 2
    assert again < later / 2
