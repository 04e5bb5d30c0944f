"""The map of the network's features."""

import numpy as np
import pytest
from fabricated_study import clips, design

from modules.study.store import Store
from pipeline.reports.study.figures import embedding
from pipeline.reports.study.results import Results
from schemas.errors import UserError


def _features(folder, names, features) -> None:
    np.savez(folder / embedding.FEATURES, utterance_ids=names, features=features)


def test_the_map_of_features_is_drawn_if_they_are_there(tmp_path):
    store = Store(tmp_path, identity={})
    results = Results(store, clips("urdu", clips_per_class=4), design("urdu"))
    assert not embedding.embedding(results).svg
    assert "Not drawn" in embedding.embedding(results).caption
    names = results.clips.utterance_ids
    _features(tmp_path, names, np.random.default_rng(0).normal(size=(24, 30)).astype("f4"))
    first, second = embedding.embedding(results), embedding.embedding(results)
    assert first.svg.startswith(b"<?xml")
    assert first.svg == second.svg
    _features(tmp_path, names[:3], np.zeros((3, 30), "f4"))
    assert "too few" in embedding.embedding(results).caption


def test_clusters_of_features_stay_clusters():
    random = np.random.default_rng(0)
    groups = np.repeat([0, 1], 30)
    features = random.normal(size=(60, 100)) + 8.0 * groups[:, None]
    places = embedding.project(features, seed=0)
    centres = np.array([places[groups == group].mean(axis=0) for group in (0, 1)])
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == groups).all()


def test_features_of_other_clips_or_shapes_are_refused(tmp_path):
    results = Results(
        Store(tmp_path, identity={}), clips("urdu", clips_per_class=4), design("urdu")
    )
    _features(tmp_path, ["other/1"] * 5, np.zeros((5, 3), "f4"))
    with pytest.raises(UserError, match="other/1"):
        embedding.embedding(results)
    _features(tmp_path, results.clips.utterance_ids, np.zeros((5, 3), "f4"))
    with pytest.raises(UserError, match="one row is needed"):
        embedding.embedding(results)
    (tmp_path / embedding.FEATURES).write_bytes(b"broken")
    with pytest.raises(UserError, match=embedding.FEATURES):
        embedding.embedding(results)
