"""What a reader must know before believing the numbers."""

from collections.abc import Sequence

import numpy as np

from modules.networks.waveform import WAVEFORM
from pipeline.reports.study.layout import Table, display
from pipeline.reports.study.results import Results
from schemas.splits import NUM_FOLDS, RANDOM

# Fewer speakers than this make an interval coarse.
_FEW_SPEAKERS = 10


def caveats(results: Results, tables: Sequence[Table]) -> list[str]:
    """Returns what a reader must know before believing the numbers, in words."""
    design, clips, found = results.design, results.clips, []
    missing = sum(table.missing for table in tables)
    if missing:
        found.append(
            f"Not finished: {missing:,} of {sum(table.planned for table in tables):,} places in the"
            " tables have no result yet. What rests on them shows –; the same command fills them."
        )
    if RANDOM in design.protocols:
        found.append(
            "Random folds, as in the paper, have the same speakers in training and test: what they"
            " measure is not what new speakers would get."
        )
    if len(design.folds) < NUM_FOLDS:
        found.append(
            f"Only {len(design.folds)} of five folds were tested on: tests have little power."
        )
    if len(design.seeds) == 1:
        found.append(
            "One seed: how much a repeated training would differ is in no test or interval."
        )
    people = {
        target: len(np.unique(clips.speakers[clips.domains == target])) for target in design.targets
    }
    few = [f"{display(name)} {count}" for name, count in people.items() if count < _FEW_SPEAKERS]
    if few:
        found.append(
            f"Few speakers ({', '.join(few)}): intervals resample speakers and are wide and coarse."
        )
    network = design.network
    if network.front_end != WAVEFORM.name:
        found.append(
            f"The front end {network.front_end} is no part of the paper's method; the paper's"
            " numbers are those of its own network."
        )
    elif network.preset != "paper":
        found.append(
            f"The network is the preset {network.preset}, not the paper's own convolutions; the"
            " layers and their sizes are the paper's."
        )
    if network.encoder:
        found.append(
            f"What {network.encoder.name} was trained on is not public: it may have heard these"
            " recordings, never their labels."
        )
    if any(row.kind == "paper" for table in tables for row in table.rows):
        found.append(
            "The paper's numbers stand beside ours for orientation: its clips, selection and folds"
            " are not published, so the two differ by more than chance."
        )
    return found
