"""A fabricated study with nothing missing, and its report, made once."""

import pytest
from fabricated_study import study
from study_oracle import DOMAINS

from corpora.manifest import Manifest
from corpora.summary import summarise
from modules.study import cells
from pipeline.reports.study import report
from pipeline.reports.study.results import Results
from schemas.labels import PAPER
from schemas.utterance import Utterance


def _tuned_well(cell) -> float:
    """Fine-tuning helps, A2 most; everything else is weak."""
    if isinstance(cell, cells.FineTuning):
        return 3.0 if cell.approach == "A2" else 1.5
    return 0.5


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Three domains, all tables, two seeds, three approaches and `auto`; nothing is missing."""
    store, own, plan = study(
        tmp_path_factory.mktemp("store"),
        *DOMAINS,
        skill=_tuned_well,
        approaches=("A1", "A2", "A6", "auto"),
        seeds=(0, 1),
    )
    return Results(store, own, plan)


def _utterance(domain: str, number: int) -> Utterance:
    return Utterance(
        utterance_id=f"{domain}/{number}",
        path=f"/corpora/{domain}/{number}.wav",
        domain=domain,
        speaker=f"{domain}-{number % 3}",
        emotion=PAPER.labels[number % 5],
        language="de",
        gender="",
        elicitation="acted",
        start_s=0.0,
        end_s=2.0,
        sample_rate_hz=16_000,
        duration_s=2.0,
        sha256=f"{number:064x}",
        fold_random=0,
        fold_speaker_independent=0,
    )


@pytest.fixture(scope="session")
def written(whole, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    paths = report.write(
        whole.store,
        whole.clips,
        whole.design,
        out,
        title="A study & more",
        synthetic=True,
        command="ser study --config a.yaml",
        corpora_summary=summarise(
            Manifest(
                utterances=[_utterance("emodb", number) for number in range(25)], labels=PAPER
            ),
            over_length="drop",
        ),
    )
    return out, paths
