"""RMIA: is the model surer of the utterance, against others, than it is of the population?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.evaluation.membership import signals
from ser_unlearn.evaluation.membership.attack import Attack
from ser_unlearn.evaluation.membership.evidence import Outputs, Shadows, View
from ser_unlearn.evaluation.membership.signals import Scores


@dataclass(frozen=True)
class RMIA(Attack):
    """Share of the population z over which an utterance x wins the pairwise likelihood ratio test.

    x wins over z where [p(x | model) / p(x)] / [p(z | model) / p(z)] >= gamma, with p(. | model)
    the probability of the label and p(.) its average over shadow models: half of it over those
    that were trained with the utterance, half over those that were not (online); or, from those
    that were not, ((1 + a) p_out + 1 - a) / 2 (offline). An utterance of the population that no
    shadow model was trained with gets the offline average online, too.

    The share grows with x's own ratio and has one step for each z: gamma and the population only
    say how coarse it is, and utterances that win over none or all are tied.

    Attributes:
        online: whether the attacker could train shadow models with the audited utterances.
        gamma: by how much an utterance must win.
        a: how much surer a model is of an utterance by training with it: 1 not at all, 0 wholly.
    """

    reference = "Zarifzadeh et al. 2024, arXiv:2312.03262"
    price = "standard"
    stage = "attacks.rmia"
    sees = frozenset({"population", "population_shadows", "shadows"})

    online: bool
    gamma: float = 2.0
    a: float = 0.3

    @property
    def name(self) -> str:
        """Which of the two it is."""
        return "rmia-online" if self.online else "rmia-offline"

    def scores(self, view: View) -> Scores:
        """Share of the population, [N], in 0..1."""
        audited = self._log_ratio(view.target, view.shadows)
        population = self._log_ratio(view.population, view.population_shadows)
        wanted = np.sort(population + np.log(self.gamma))
        won: Scores = np.searchsorted(wanted, audited, side="right") / len(wanted)
        return won

    def _log_ratio(self, outputs: Outputs, shadows: Shadows) -> Scores:
        """How much surer the model is than the average, as a log: [N]."""
        over_models = -signals.loss(shadows.logits, outputs.labels)
        without = _log_mean(over_models, ~shadows.mask)
        average = np.log(((1 + self.a) * np.exp(without) + 1 - self.a) / 2)
        if self.online:
            known = shadows.mask.any(axis=0)
            within = _log_mean(over_models[:, known], shadows.mask[:, known])
            average[known] = np.logaddexp(within, without[known]) - np.log(2)
        return -signals.loss(outputs.logits, outputs.labels) - average


def _log_mean(log_values: Scores, mask: NDArray[np.bool_]) -> Scores:
    """Log of the mean over the models that count: [K, N] to [N]."""
    from scipy.special import logsumexp

    count = mask.sum(axis=0)
    if not count.all():
        raise ValueError("Every utterance needs a shadow model that was trained without it.")
    mean: Scores = logsumexp(np.where(mask, log_values, -np.inf), axis=0) - np.log(count)
    return mean
