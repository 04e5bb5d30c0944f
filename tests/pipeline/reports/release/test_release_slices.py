"""Slices and confusions show the figures given, for any label set."""

import dataclasses
from pathlib import Path

import fabricated_run
import numpy as np
import pytest
from fabricated_run import EMODB_ADAPTED, row, run, slice_of

from pipeline.reports.release.slices import heat, matrix, slice_groups
from schemas.labels import VOCABULARY, LabelSet


def test_slices_show_the_figures_given(page):
    anger = slice_of(row(EMODB_ADAPTED, 0))
    expected = [
        f"{anger.clips}",
        f"{anger.uar:.3f}",
        f"{anger.uar_lower:.3f} to {anger.uar_upper:.3f}",
    ]
    assert expected in [cells[1:4] for cells in page.rows("anger")]
    male = slice_of(EMODB_ADAPTED - EMODB_ADAPTED // 2)
    assert [f"{male.uar:.3f}", f"{male.accuracy:.3f}"] in [
        [cells[2], cells[5]] for cells in page.rows("male") if len(cells) > 5
    ]
    # Slices of one emotion have a recall, all others a UAR.
    headings = {
        cells[0]: cells[2] for cells in page.rows() if len(cells) > 3 and cells[3] == "95% interval"
    }
    assert headings["by emotion"] == headings["by domain and emotion"] == "recall"
    assert headings["by gender"] == headings["all clips"] == headings["by language"] == "UAR"


def test_slices_of_other_domains_are_collapsed():
    text = fabricated_run.text(run())
    part = text[text.index('id="model-1"') : text.index('id="model-2"')]
    details = part[part.index('<details class="more">') : part.index("</details>")]
    assert "Cross-domain" in details
    assert "emovo · anger" in details
    assert "emovo · anger" not in part.replace(details, "")


def test_confusion_matrix_shows_counts_and_shares(page):
    total = EMODB_ADAPTED[0].sum()
    rows = [cells for cells in page.rows("anger") if cells[-1] == str(total)]
    assert [f"{n}{n / total:.0%}" for n in EMODB_ADAPTED[0, :5]] + [str(total)] in [
        cells[1:] for cells in rows
    ]
    assert "No clip of surprise in the test fold" in page.text


def test_heat_runs_from_white_to_full():
    assert heat(0.0) == "#ffffff"
    assert heat(1.0) == "#0b5f8f"


SETS = {
    "four": LabelSet.parse("anger,happiness,sadness,neutral"),
    "seven": LabelSet.parse("paper+neutral"),
    "twelve": LabelSet(VOCABULARY[:12]),
    "own": LabelSet.parse("rude,urgent,neutral"),
}


@pytest.mark.parametrize("labels", SETS.values(), ids=SETS)
def test_every_label_set_shows_all_its_labels(labels):
    counts = fabricated_run.confusion(5, dict.fromkeys(labels, 20), skill=0.5, labels=labels)
    missing = counts.copy()
    missing[-1] = missing[:, -1] = 0
    records = fabricated_run.training(
        "pretrain",
        labels=labels.labels,
        domain_labels={"emodb": labels.labels[:-1], "emovo": labels.labels},
    )
    model = dataclasses.replace(
        run().models[0],
        training=records,
        slices=fabricated_run.slices({"emodb": missing, "emovo": counts}, labels),
        pushed_to=Path("/serving/multi-domain/1"),
    )
    before = run().models[1].training
    assert before is not None
    adapted = dataclasses.replace(
        run().models[1],
        training=dataclasses.replace(
            before,
            labels=labels.labels,
            domain_labels=records.domain_labels,
        ),
        slices={(("domain", "emodb"),): slice_of(missing, labels)},
    )
    page = fabricated_run.page(run(labels=labels, models=(model, adapted)))
    assert f"emotions {', '.join(labels)}" in page.text
    total = missing + counts
    for index, label in enumerate(labels):
        cells = [
            f"{n}{n / total[index].sum():.0%}" if total[index].sum() else f"{n}–"
            for n in total[index]
        ]
        assert [label, *cells, str(total[index].sum())] in page.rows(label)
        recall = total[index, index] / total[index].sum()
        assert [label, f"{total[index].sum()}", f"{recall:.3f}"] in [
            shown[:3] for shown in page.rows(label)
        ]
    [summary] = [shown for shown in page.rows("emodb") if len(shown) > 8]
    assert summary[8] == labels.labels[-1]
    assert f"No clip of {labels.labels[-1]} in the test fold" in page.text
    # Emotions stand in the order of the set, not of the alphabet.
    [by_emotion] = [
        group for group in slice_groups(model, labels) if group.features == ("emotion",)
    ]
    assert [shown.label for shown in by_emotion.rows] == list(labels)


def test_a_matrix_of_many_labels_is_narrow():
    for labels in SETS.values():
        size = len(labels)
        shown = matrix(slice_of(np.eye(size, dtype=np.int64), labels), labels)
        assert shown.many == (size > 7)
        assert shown.labels == labels.labels
