"""SVM-IS against scikit-learn's own pipeline."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from modules.baselines import inner, svm
from schemas.errors import UserError


def _clips(seed, *, clips=120, features=12, emotions=(0, 1, 2, 3, 4, 5), speakers=8):
    """Synthetic features with classes that overlap, of very unequal scale."""
    random = np.random.default_rng(seed)
    labels = random.choice(emotions, clips)
    centres = random.normal(size=(6, features))
    values = centres[labels] + random.normal(size=(clips, features)) * 1.3
    values = values * np.logspace(-3, 3, features) + 5
    return values, labels, random.integers(0, speakers, clips).astype(str)


@pytest.mark.parametrize("by_speaker", [True, False])
def test_equals_scikit_learns_grid_search(by_speaker):
    features, labels, speakers = _clips(0)
    train, test = np.arange(90), np.arange(90, 120)
    groups = speakers if by_speaker else None
    ours = svm.fit(features, labels, label_count=6, train=train, groups=groups, seed=3)

    machine = OneVsRestClassifier(SVC(kernel="rbf", class_weight="balanced"))
    theirs = GridSearchCV(
        make_pipeline(StandardScaler(), machine),
        {
            "onevsrestclassifier__estimator__C": svm.C_GRID,
            "onevsrestclassifier__estimator__gamma": [g / 12 for g in svm.GAMMA_GRID],
        },
        scoring="balanced_accuracy",
        cv=inner.splits(labels[train], speakers[train] if by_speaker else None, seed=3),
    ).fit(features[train], labels[train])
    chosen = theirs.best_params_
    assert ours.c == chosen["onevsrestclassifier__estimator__C"]
    assert ours.gamma == pytest.approx(chosen["onevsrestclassifier__estimator__gamma"])
    assert ours.inner_uar == pytest.approx(theirs.best_score_)
    scores = ours.scores(features[test])
    # libsvm stops at 1e-3, and adds up the kernel in another order than BLAS.
    np.testing.assert_allclose(scores, theirs.decision_function(features[test]), atol=5e-3)
    np.testing.assert_array_equal(scores.argmax(axis=1), theirs.predict(features[test]))


def test_other_rows_have_no_influence():
    features, labels, speakers = _clips(1)
    train, test = np.arange(0, 120, 2), np.arange(1, 120, 2)
    clean = svm.fit(features, labels, label_count=6, train=train, groups=speakers, seed=0)
    poisoned, wrong, strangers = features.copy(), labels.copy(), speakers.copy()
    poisoned[test], wrong[test], strangers[test] = 1e9, 0, "poison"
    other = svm.fit(poisoned, wrong, label_count=6, train=train, groups=strangers, seed=0)
    np.testing.assert_array_equal(clean.scores(features[test]), other.scores(features[test]))
    np.testing.assert_allclose(clean.clips.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(clean.clips.std(axis=0), 1)


def test_emotions_never_seen_are_never_predicted():
    features, labels, speakers = _clips(2, emotions=(0, 3, 4))
    model = svm.fit(features, labels, label_count=6, train=np.arange(120), groups=speakers, seed=0)
    scores = model.scores(features)
    assert scores.shape == (120, 6)
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(np.isneginf(scores).all(axis=0), [0, 1, 1, 0, 0, 1])
    assert np.isfinite(scores[:, [0, 3, 4]]).all()


def test_a_class_of_one_clip_and_a_constant_feature():
    features, labels, speakers = _clips(3, emotions=(0, 1))
    labels[7], features[:, 4] = 5, 2.0
    model = svm.fit(features, labels, label_count=6, train=np.arange(120), groups=speakers, seed=0)
    assert np.isfinite(model.scores(features)[:, [0, 1, 5]]).all()


def test_same_seed_same_machine():
    features, labels, speakers = _clips(4)
    first, second = (
        svm.fit(features, labels, label_count=6, train=np.arange(100), groups=speakers, seed=5)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.scores(features), second.scores(features))


def test_inner_folds_keep_speakers_together():
    _, labels, speakers = _clips(5)
    pairs = inner.splits(labels, speakers, seed=0)
    assert len(pairs) == inner.INNER_FOLDS
    for train, held_out in pairs:
        assert not set(speakers[train]) & set(speakers[held_out])
    held_out = np.concatenate([held_out for _, held_out in pairs])
    np.testing.assert_array_equal(np.sort(held_out), np.arange(len(labels)))


def test_inner_folds_of_two_speakers_and_of_one():
    labels = np.tile([0, 1, 2], 10)
    assert len(inner.splits(labels, np.repeat(["a", "b"], 15), seed=0)) == 2
    alone = inner.splits(labels, np.full(30, "a"), seed=0)
    assert [len(held_out) for _, held_out in alone] == [10, 10, 10]
    # Each speaker has one emotion only: without it there would be nothing to tell apart.
    apart = inner.splits(np.repeat([0, 1], 15), np.repeat(["a", "b"], 15), seed=0)
    assert all(len(train) == 20 for train, _ in apart)


@pytest.mark.parametrize("labels", [[2, 2, 2], [0, 1, 2], []])
def test_too_few_clips_or_emotions(labels):
    with pytest.raises(UserError, match=f"{len(labels)} clips of {len(set(labels))} emotions"):
        svm.fit(
            np.zeros((len(labels), 4)),
            np.array(labels, int),
            label_count=6,
            train=np.arange(len(labels)),
            groups=None,
            seed=0,
        )
