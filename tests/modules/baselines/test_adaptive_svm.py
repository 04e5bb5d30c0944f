"""Adaptive SVM against general solvers: its duality gap, scipy's bounded optimiser, liblinear."""

import logging

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import LinearSVC

from modules.baselines import adaptive_svm, inner, svm
from schemas.errors import UserError

TIGHT = 1e-10


def _problem(seed, *, clips=40, features=5):
    """One binary problem: features, y, f_s."""
    random = np.random.default_rng(seed)
    signs = np.where(random.random(clips) < 0.4, 1.0, -1.0)
    values = random.normal(size=(clips, features)) + 0.7 * signs[:, None]
    return values, signs, random.normal(size=clips) + 0.5 * signs


def _solve(kernel, signs, source, c, **options):
    return adaptive_svm.solve(kernel, signs[:, None], source[:, None], c, **options)


@pytest.mark.parametrize("c", [0.05, 1.0, 30.0])
def test_dual_is_the_one_that_a_general_solver_finds(c):
    values, signs, source = _problem(0)
    kernel = rbf_kernel(values, gamma=0.2)
    hessian = kernel * np.outer(signs, signs)
    linear = 1 - signs * source
    found = minimize(
        lambda alpha: 0.5 * alpha @ hessian @ alpha - linear @ alpha,
        np.full(len(signs), c / 2),
        jac=lambda alpha: hessian @ alpha - linear,
        bounds=[(0, c)] * len(signs),
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 20_000, "maxfun": 50_000},
    )
    ours = _solve(kernel, signs, source, c, tolerance=TIGHT)
    assert ours.dual.item() == pytest.approx(-found.fun, rel=1e-8)
    np.testing.assert_allclose(
        kernel @ (ours.alphas[:, 0] * signs), kernel @ (found.x * signs), atol=1e-4
    )
    assert ours.alphas.min() >= 0
    assert ours.alphas.max() <= c


@pytest.mark.parametrize("c", [0.05, 1.0, 30.0])
def test_gap_closes_and_bounds_what_is_left(c):
    values, signs, source = _problem(1)
    kernel = rbf_kernel(values, gamma=0.2)
    best = _solve(kernel, signs, source, c, tolerance=TIGHT)
    assert 0 <= best.gap.item() + 1e-9 < 1e-8 * max(best.primal.item(), 1)
    rough = _solve(kernel, signs, source, c, tolerance=0.05)
    assert rough.sweeps < best.sweeps
    assert rough.dual <= best.dual + 1e-9
    assert best.primal <= rough.primal + 1e-9
    assert rough.gap <= 0.05 * np.maximum(rough.primal, 1)


def test_primal_objective_by_its_definition():
    # An explicit feature space, where the norm and the margins can be written down.
    values, signs, source = _problem(2)
    solution = _solve(values @ values.T, signs, source, 0.7, tolerance=0.05)
    weights = values.T @ (solution.alphas[:, 0] * signs)
    margins = signs * (source + values @ weights)
    expected = 0.5 * weights @ weights + 0.7 * np.maximum(0, 1 - margins).sum()
    assert solution.primal.item() == pytest.approx(expected)


@pytest.mark.parametrize("c", [0.01, 1.0])
def test_without_a_source_it_is_a_machine_without_bias(c):
    values, signs, _ = _problem(3)
    solution = _solve(values @ values.T, signs, np.zeros(len(signs)), c, tolerance=TIGHT)
    machine = LinearSVC(
        C=c, loss="hinge", fit_intercept=False, dual=True, tol=1e-10, max_iter=1_000_000
    ).fit(values, signs)
    np.testing.assert_allclose(
        values.T @ (solution.alphas[:, 0] * signs), machine.coef_[0], atol=1e-5
    )


def test_a_source_that_knows_it_all_is_left_alone():
    values, signs, _ = _problem(4)
    solution = _solve(rbf_kernel(values), signs, 1.01 * signs, 10.0)
    assert not solution.alphas.any()
    assert solution.primal.item() == solution.dual.item() == 0


def test_problems_solved_together_are_those_solved_alone():
    values, signs, source = _problem(5)
    other = np.roll(signs, 7)
    kernel = rbf_kernel(values, gamma=0.2)
    both = adaptive_svm.solve(
        kernel,
        np.stack([signs, other], axis=1),
        np.stack([source, source], axis=1),
        np.array([1.0, 20.0]),
        tolerance=TIGHT,
    )
    for column, (y, c) in enumerate([(signs, 1.0), (other, 20.0)]):
        alone = _solve(kernel, y, source, c, tolerance=TIGHT)
        np.testing.assert_allclose(both.alphas[:, [column]], alone.alphas, atol=1e-3)
        assert both.dual[column] == pytest.approx(alone.dual.item(), rel=1e-8)


def test_an_unfinished_solution_is_told(caplog):
    values, signs, source = _problem(6)
    with caplog.at_level(logging.WARNING):
        solution = _solve(
            rbf_kernel(values, gamma=0.01), signs, source, 100.0, tolerance=TIGHT, max_sweeps=2
        )
    assert solution.sweeps == 2
    assert "duality gap" in caplog.text


# --- adapt ----------------------------------------------------------------------------------------

TRAIN, TEST = np.arange(70), np.arange(70, 140)


def _domain(seed, *, emotions=range(6), rotation=0.0):
    """A synthetic domain of 6 features; `rotation` moves its classes away from the others'."""
    random = np.random.default_rng(seed)
    labels = random.choice(emotions, 140)
    centres = 2.0 * np.eye(6)
    centres = (1 - rotation) * centres + rotation * np.roll(centres, 1, axis=0)
    values = centres[labels] + random.normal(size=(140, 6))
    return values, labels, random.integers(0, 8, 140).astype(str)


def _source(**options):
    features, labels, groups = _domain(0, **options)
    return svm.fit(features, labels, label_count=6, train=np.arange(140), groups=groups, seed=0)


@pytest.fixture(scope="module")
def source():
    return _source()


@pytest.fixture(scope="module")
def target():
    return _domain(1, rotation=0.6)


@pytest.fixture(scope="module")
def adapted(source, target):
    features, labels, groups = target
    return adaptive_svm.adapt(source, features, labels, train=TRAIN, groups=groups, seed=0)


def test_adapted_scores_are_the_sources_plus_the_kernel_sum(source, target, adapted):
    features, labels, _ = target
    scaled = (features - source.scaler.mean_) / source.scaler.scale_
    kernel = rbf_kernel(scaled[TEST], scaled[TRAIN], gamma=source.gamma)
    signs = np.where(labels[TRAIN, None] == np.arange(6), 1, -1)
    expected = source.scores(features[TEST]) + kernel @ (adapted.solution.alphas * signs)
    np.testing.assert_allclose(adapted.scores(features[TEST]), expected, atol=1e-8)
    assert (adapted.solution.gap <= 1e-3 * np.maximum(adapted.solution.primal, 1)).all()
    assert adapted.c in adaptive_svm.C_GRID
    assert adapted.solution.alphas.max() <= adapted.c


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_c_is_the_best_of_the_inner_folds(source, target, adapted):
    features, labels, groups = (values[TRAIN] for values in target)
    scaled = (features - source.scaler.mean_) / source.scaler.scale_
    kernel = rbf_kernel(scaled, gamma=source.gamma)
    signs, prior = np.where(labels[:, None] == np.arange(6), 1, -1), source.scores(features)
    uars = []
    for c in adaptive_svm.C_GRID:
        of_folds = []
        for learnt, held_out in inner.splits(labels, groups, seed=0):
            alphas = adaptive_svm.solve(
                kernel[learnt][:, learnt], signs[learnt], prior[learnt], c, tolerance=1e-4
            ).alphas
            scores = prior[held_out] + kernel[held_out][:, learnt] @ (alphas * signs[learnt])
            of_folds.append(balanced_accuracy_score(labels[held_out], scores.argmax(axis=1)))
        uars.append(np.mean(of_folds))
    assert adapted.c == adaptive_svm.C_GRID[np.argmax(uars)]
    assert adapted.inner_uar == pytest.approx(max(uars), abs=0.03)


def test_adaptation_helps_where_the_target_differs(source, target, adapted):
    features, labels, _ = target
    uars = [
        balanced_accuracy_score(labels[TEST], machine.scores(features[TEST]).argmax(axis=1))
        for machine in (source, adapted)
    ]
    assert uars[1] > uars[0] + 0.1


def test_other_rows_have_no_influence(source, target, adapted):
    poisoned, wrong, strangers = (values.copy() for values in target)
    poisoned[TEST], wrong[TEST], strangers[TEST] = 1e9, 0, "p"
    other = adaptive_svm.adapt(source, poisoned, wrong, train=TRAIN, groups=strangers, seed=0)
    features = target[0][TEST]
    np.testing.assert_array_equal(adapted.scores(features), other.scores(features))


def test_emotions_that_only_one_side_or_neither_knows():
    features, labels, groups = _domain(1, emotions=(1, 2, 3))
    model = adaptive_svm.adapt(
        _source(emotions=(0, 1, 2)), features, labels, train=TRAIN, groups=groups, seed=0
    )
    scores = model.scores(features[TEST])
    np.testing.assert_array_equal(np.isneginf(scores).all(axis=0), [0, 0, 0, 0, 1, 1])
    predicted = np.array([1, 2, 3])[scores[:, [1, 2, 3]].argmax(axis=1)]
    # Happiness, 3, is learnt without any help of the source.
    assert recall_score(labels[TEST], predicted, average=None).min() > 0.6


def test_too_few_clips(source, target):
    features, labels, groups = target
    with pytest.raises(UserError, match="1 clips of 1 emotions"):
        adaptive_svm.adapt(source, features, labels, train=TRAIN[:1], groups=groups, seed=0)
