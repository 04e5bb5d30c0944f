"""Figures are small and hold for any label set and approach."""

import re

import pytest
from fabricated_study import study
from study_oracle import PROTOCOL, SMALL

from pipeline.reports.study.figures import catalogue
from pipeline.reports.study.figures.confusions import confusions, short_names
from pipeline.reports.study.results import Results
from schemas.labels import VOCABULARY, LabelSet

KIBIBYTE = 1024
SETS = {
    "four": LabelSet.parse("anger,happiness,sadness,neutral"),
    "seven": LabelSet.parse("paper+neutral"),
    "twelve": LabelSet(VOCABULARY[:12]),
}


def _words(svg: bytes) -> list[str]:
    return re.findall(r"<text[^>]*>(.*?)</text>", svg.decode(), flags=re.DOTALL)


@pytest.mark.parametrize("label_set", SETS.values(), ids=SETS)
def test_confusions_show_every_label_of_the_set(tmp_path, label_set):
    store, own, plan = study(
        tmp_path,
        *SMALL,
        label_set=label_set,
        protocols=(PROTOCOL,),
        approaches=("A2",),
        tables=(3,),
    )
    results = Results(store, own, plan)
    plot = confusions(results, PROTOCOL)
    names = short_names(label_set)
    words = _words(plot.svg)
    # TT and S1-A2 of two targets, rows and columns; Emo-DB has no clip of the last label.
    assert [words.count(name) for name in names] == [8] * (len(names) - 1) + [4]
    assert f"from {label_set.labels[0]} to {label_set.labels[-1]}" in plot.caption
    # As many percentages as a matrix has places.
    size = len(label_set)
    assert sum(word.isdigit() for word in words) == 2 * (size**2 + (size - 1) ** 2)


def test_short_names_tell_labels_apart():
    assert short_names(VOCABULARY[:6]) == ["ang", "dis", "fea", "hap", "sad", "sur"]
    names = short_names(["contempt", "content", "calm"])
    assert len(set(names)) == 3


def test_figures_are_small_and_keep_their_words(tmp_path):
    store, own, plan = study(
        tmp_path,
        "emodb",
        "emovo",
        "enterface",
        "rml",
        "urdu",
        protocols=(PROTOCOL,),
        approaches=("A1", "A2", "A5", "A6", "conv1-only", "A2-L2SP", "auto"),
        tables=(3, 4),
    )
    plots = catalogue.plots(Results(store, own, plan), PROTOCOL)
    assert len(plots) == 4
    for plot in plots:
        assert len(plot.svg) < 300 * KIBIBYTE, plot.slug
        words = _words(plot.svg)
        assert "eNTERFACE" in " ".join(words), plot.slug
    gains = _words(plots[0].svg)
    assert {"A2-L2SP", "conv1-only", "auto", "20%"} <= set(gains)
