"""Logits of two classes with a known margin, and what attacks make of them."""

import numpy as np
import scipy.special
import scipy.stats

from ser_unlearn.evaluation.membership import Outputs, View

# The project's bound for agreement with another implementation in double precision.
AGREEMENT = 1e-6


def of_margins(margins):
    """Logits of two classes whose scaled logit for class 0 is the margin."""
    margins = np.asarray(margins, float)
    return np.stack([margins, np.zeros_like(margins)], axis=-1)


def sure(margins):
    """What a model says of utterances of class 0."""
    return Outputs(of_margins(margins), np.zeros(len(margins), np.int64))


def of_probabilities(p):
    return scipy.special.logit(np.asarray(p, float))


def scores(attack, evidence):
    return attack.scores(View(evidence, attack.name, attack.sees))


def halves(models, count):
    """Each model is trained with every other utterance."""
    return np.arange(models)[:, None] % 2 == np.arange(count) % 2
