"""Logistic regression against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from training.heads.logistic import CannotFit, Linear, fit_logistic


def problem(count: int = 300, width: int = 7) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    features = rng.normal(3, 1, (count, width)) * np.geomspace(0.1, 10, width)
    labels = (rng.random(count) < 1 / (1 + np.exp(-(features[:, 0] - 0.3) * 9 - 0.1 * features[:, 5]))).astype(np.int64)
    return torch.from_numpy(features), torch.from_numpy(labels), torch.from_numpy(rng.uniform(0, 2, count))


@pytest.mark.parametrize("penalty", [0.6, 0.05, 0.002])
def test_it_equals_scikit_learns(penalty: float) -> None:
    features, labels, weights = problem()
    fitted = fit_logistic(features, labels, weights, penalty, iterations=200)

    share = (weights / weights.sum()).numpy()
    mean = share @ features.numpy()
    deviation = np.sqrt(share @ (features.numpy() - mean) ** 2) + 1e-3
    reference = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000)
    reference.fit((features.numpy() - mean) / deviation, labels.numpy(), sample_weight=share)

    expected = reference.decision_function((features.numpy() - mean) / deviation)
    np.testing.assert_allclose(fitted(features).numpy(), expected, atol=1e-3)
    np.testing.assert_allclose(fitted.weight_D.numpy() * deviation, reference.coef_[0], atol=1e-3)


def test_examples_without_weight_do_not_count_and_the_start_does_not_matter() -> None:
    features, labels, weights = problem()
    some = torch.cat([weights[:200], torch.zeros(100, dtype=weights.dtype)])
    alone = fit_logistic(features[:200], labels[:200], weights[:200], 0.1, iterations=200)

    masked = fit_logistic(features, labels, some, 0.1, iterations=200)
    warm = fit_logistic(features, labels, some, 0.1, iterations=200, start=Linear(torch.ones(7), torch.tensor(3.0)))

    for other in (masked, warm):
        torch.testing.assert_close(other(features), alone(features), atol=1e-4, rtol=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(bad: float) -> None:
    features, labels, weights = problem()
    features[5, 3] = bad

    with pytest.raises(CannotFit, match="numbers that are none"):
        fit_logistic(features, labels, weights, 0.1, iterations=10)


def test_one_label_is_refused() -> None:
    features, labels, weights = problem()

    with pytest.raises(CannotFit, match="real and fake pictures"):
        fit_logistic(features, torch.ones_like(labels), weights, 0.1, iterations=10)
    with pytest.raises(CannotFit, match="real and fake pictures"):
        fit_logistic(features, labels, weights * labels, 0.1, iterations=10)
