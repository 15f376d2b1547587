"""Unlearn from the forget set alone, by the change of weights that speech notices least."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ser_unlearn import Batch, Method, Recogniser, Task, frozen_copy
from ser_unlearn.methods._aims import check_stop
from ser_unlearn.methods._measure import Measure, symmetric, without_smallest
from ser_unlearn.methods._perturbations import perturbed

SHARES = (2 / 3, 1.0, 4 / 3)
"""How much of `pruned` is pruned, round by round: it is to hold for less and for more as well."""

SLACK = 1e-3
"""The smaller, the closer leads come to what they should be; above 0, so that it can be solved."""

NEAR = 0.1
"""A lead that is so near to what is wanted needs no further step."""


@dataclass(frozen=True)
class LeastChange(Method):
    """Give each forget utterance the lead that it should have, at the least cost to other speech.

    In each of a few rounds, theta <- theta + d, with

    min_d  sum over layers of tr(d_l M_l d_l^T) + |J d - (t - z)|^2 / (SLACK k)
           + hold |R d - r|^2 / k,   M_l = A_l + floor I

    z: the leads of D_f, the true emotion's logit minus the best wrong one's; J: their gradients;
    t: what they should be. A_l: the mean of x x^T over the inputs x of layer l, of D_f and of
    perturbed copies of it, divided by its mean diagonal: what speech looks like to the layer. A
    change is measured by how much it moves the outputs of every layer on speech in general, beside
    how large the layer's inputs are, so it goes where speech seldom is. R: gradients of random
    projections of the logits of further copies; r: what is to be made good there, so that they stay
    the original's. k: the mean of the diagonal of J M^-1 J^T. The solution is d = M^-1 [J; R]^T a,
    with a of as many numbers as there are rows: nothing of the model's size is inverted.

    As if never heard, t = stretch * (z_o - c): the original's leads z_o, lowered by the one number
    c >= 0 at which the share of D_f that stays right is the original's accuracy on unseen
    utterances; of what is known no better than these, c is 0. To wipe out, t is at most -margin,
    also of weights that have been pruned.

    Attributes:
        rounds: how often the model is linearised.
        copies: perturbed copies a round, drawn anew each time.
        projections: of the logits of each copy.
        frames: length of a copy.
        floor: of how little speech there is in any direction.
        hold: how much the copies weigh.
        margin: by how much the best wrong logit is to exceed the true one.
        pruned: the share of the weights that change, the smallest, without which a model that is
            wiped out has to have forgotten too; 0 for whole weights alone.
        stretch: how much more strangers' leads vary.
        layers: how many of the last layers change; 0 for all.
        stop: the aim: "unseen", as if never heard, or "zero", wiped out.
    """

    reference = (
        "This project; measure: Martens & Grosse 2015, arXiv:1503.05671; "
        "editing by it: Meng et al. 2022, arXiv:2202.05262"
    )
    needs = frozenset({"forget"})
    variants = {"zero": {"stop": "zero", "rounds": 4, "floor": 0.65, "hold": 32.0, "stretch": 1.7}}
    smoke = {"rounds": 2, "copies": 4}
    search_space = {
        "rounds": (3, 4, "int"),
        "projections": [1, 2, 3],
        "floor": (1e-3, 1.0, "log"),
        "hold": (1.0, 100.0, "log"),
        "stretch": (1.0, 2.0, "linear"),
    }
    presets = {"transformer": {"frames": 16000, "copies": 16, "layers": 7}}

    rounds: int = 3
    copies: int = 48
    projections: int = 3
    frames: int = 100
    floor: float = 0.12
    hold: float = 87.0
    margin: float = 1.0
    pruned: float = 0.3
    stretch: float = 1.2
    layers: int = 0
    stop: str = "unseen"

    def __post_init__(self) -> None:
        check_stop(self.stop)

    def unlearn(self, model: Recogniser, task: Task) -> Recogniser:
        original = frozen_copy(model)
        forget = list(task.forget.batches(1, shuffle=False, crop=False))
        measure = Measure(model, [self._copies(task), *forget], self.floor, self.layers)
        for number in range(self.rounds):
            leads, rows = self._leads(model, forget, measure)
            if number == 0:
                wanted = self._wanted(leads, task)
            if self.stop == "zero" and self.pruned:
                share = self.pruned * SHARES[number % len(SHARES)]
                with without_smallest(measure.weights, share) as kept:
                    others, slopes = self._leads(model, forget, measure)
                leads, rows = torch.cat([leads, others]), torch.cat([rows, slopes * kept])
            missing = wanted - leads if self.stop == "unseen" else (wanted - leads).clamp_max(0)
            if missing.abs().max() <= NEAR:
                break
            amiss, held = self._held(model, original, self._copies(task), measure, task)
            every = torch.cat([rows, held])
            weighed = measure.weigh(every)
            gram = symmetric(every, weighed)
            scale = gram.diagonal()[: len(rows)].mean()
            slack = torch.full_like(gram[0], SLACK)
            slack[len(rows) :] = 1 / self.hold
            system = (gram + scale * slack.diag()).double()
            solution = torch.linalg.solve(system, torch.cat([missing, amiss]).double())
            measure.move(weighed.T @ solution.to(weighed))
        return model

    def _wanted(self, leads: Tensor, task: Task) -> Tensor:
        """What the leads should be, [N]; [2 N] where those under pruned weights are asked too."""
        if self.stop == "zero":
            return torch.full_like(leads, -self.margin).repeat(2 if self.pruned else 1)
        lowered = leads.quantile(1 - task.unseen_accuracy).clamp_min(0)
        return self.stretch * (leads - lowered)

    def _copies(self, task: Task) -> Batch:
        return perturbed(task.forget.whole(), self.copies, self.frames, task.generator)

    def _leads(
        self, model: Recogniser, forget: list[Batch], measure: Measure
    ) -> tuple[Tensor, Tensor]:
        """The leads of the forget set, [N], and their gradients, [N, P]."""
        leads, rows = [], []
        for each in forget:
            found = lead(model, each).squeeze()
            leads.append(found.detach())
            rows.append(measure.gradient(found))
        return torch.stack(leads), torch.stack(rows)

    def _held(
        self, model: Recogniser, original: nn.Module, copies: Batch, measure: Measure, task: Task
    ) -> tuple[Tensor, Tensor]:
        """What of some projections of copies' logits is to be made good, [M], and their gradients.

        A projection takes no notice of what all logits have in common.
        """
        amiss, rows = [], []
        for inputs, length in zip(copies.inputs.split(1), copies.lengths.split(1), strict=True):
            with torch.no_grad():
                before = original(inputs, length)
            logits = model(inputs, length)
            for _ in range(self.projections):
                way = torch.randn(logits.shape, generator=task.generator).to(logits)
                way = way - way.mean()
                way = way * (way.numel() ** 0.5 / way.norm())
                amiss.append(((before - logits.detach()) * way).sum())
                rows.append(measure.gradient((logits * way).sum()))
        return torch.stack(amiss), torch.stack(rows)


def lead(model: nn.Module, batch: Batch) -> Tensor:
    """By how much the true emotion's logit exceeds the best wrong one's: [B]."""
    logits = model(batch.inputs, batch.lengths)
    true = one_hot(batch.labels, logits.shape[1]).bool()
    found: Tensor = logits[true] - logits.masked_fill(true, -torch.inf).amax(dim=1)
    return found
