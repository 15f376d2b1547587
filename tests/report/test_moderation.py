"""Moderated variances: by hand, and what the prior finds in variances made to have one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import polygamma

from ser_unlearn.report.moderation import Prior, fit_prior, trigamma_inverse


@pytest.mark.parametrize("value", [1e-8, 1e-3, 0.3, 1.0, 17.0, 1e6, 1e9])
def test_the_inverse_of_trigamma(value):
    # Newton's last step is 1e-8 of the result; beyond 1e7 and below 1e-6, its first terms are.
    assert polygamma(1, trigamma_inverse(value)) == pytest.approx(value, rel=1e-4)


def test_a_moderated_variance_is_a_mean_weighted_by_degrees_of_freedom():
    # (4 * 2 + 6 * 7) / 10
    assert Prior(2.0, 4.0).moderate(7.0, 6) == pytest.approx(5.0, rel=1e-12)
    assert Prior(2.0, math.inf).moderate(7.0, 6) == 2.0


def test_variances_that_are_all_one_have_an_infinite_prior():
    found = fit_prior([3.0, 3.0, 3.0], [2, 2, 2])
    # mean e = log 3 - digamma(1) + log 1, and digamma(1) is minus Euler's constant.
    assert found.freedom == math.inf
    assert found.variance == pytest.approx(3 * math.exp(np.euler_gamma), rel=1e-9)


def test_the_prior_by_hand():
    # d = 2: e = log s^2 + Euler's constant, trigamma(1) = pi^2 / 6. With log s^2 = -a, a the mean
    # is 0 and the sample variance 2 a^2; of a^2 = (pi^2 / 6 + pi^2 / 6) / 2, trigamma(d0 / 2) is
    # pi^2 / 6, and d0 = 2. Then s0^2 = exp(Euler's + digamma(1) - log 1) = 1.
    a = math.sqrt(math.pi**2 / 6)
    found = fit_prior([math.exp(-a), math.exp(a)], [2, 2])
    assert found.freedom == pytest.approx(2, rel=1e-6)  # Newton's last step
    assert found.variance == pytest.approx(1, rel=1e-6)


def test_the_prior_of_variances_that_have_one():
    random = np.random.default_rng(0)
    freedom, variance, count = 6.0, 20.0, 4000
    true = freedom * variance / random.chisquare(freedom, size=count)
    seen = true * random.chisquare(5, size=count) / 5
    found = fit_prior(seen.tolist(), [5] * count)
    # log s^2 has variance trigamma(2.5) + trigamma(3) = 0.89, so that its mean over 4,000 has a
    # standard error of 0.015, and its variance one of about 0.03 (of trigamma(3) = 0.39: 8 %, and
    # of d0 about as much). Five of them.
    assert found.variance == pytest.approx(variance, rel=0.1)
    assert found.freedom == pytest.approx(freedom, rel=0.4)


def test_rows_that_do_the_same_say_nothing_of_others():
    known = [1.0, 2.0, 4.0]
    assert fit_prior([*known, 0.0, 1e-12], [5] * 5) == fit_prior(known, [5] * 3)


@pytest.mark.parametrize("variances", [[], [1.0], [0.0, 0.0, 0.0]])
def test_too_few_variances_have_no_prior(variances):
    assert fit_prior(variances, [5] * len(variances)) is None
