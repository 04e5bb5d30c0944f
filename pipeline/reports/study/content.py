"""All that a study's report shows, whatever its format."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from corpora.summary import DomainSummary
from modules.study.cells import FineTuning
from modules.study.design import Design
from modules.study.store import Store
from pipeline.reports.study.caveats import caveats
from pipeline.reports.study.figures import catalogue as figures
from pipeline.reports.study.figures.embedding import embedding
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.layout import Table, display
from pipeline.reports.study.proof import ApproachProof, proofs
from pipeline.reports.study.results import Results
from pipeline.reports.study.tables.catalogue import all_tables
from pipeline.reports.study.verdicts import Verdict, verdicts

QUESTION = (
    "A network is pre-trained on several speech emotion corpora. Which of its layers should be"
    " kept, tuned or started anew for a target corpus, with or without the target in"
    " pre-training, and is it worth it against training on the target alone (TT)?"
)
NO_ANSWER = "The tables that were chosen do not speak to the paper's claims."
SYNTHETIC = (
    "The recordings are synthetic speech.",
    "The numbers show that the study works; they say nothing about emotion recognition on people,"
    " nor about the paper's claims.",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Content:
    """All that a report shows.

    Attributes:
      title: Title of its pages.
      synthetic: Whether the speech is synthetic, which every page then says first.
      command: Command line that repeats the study.
      results: Results it rests on.
      tables: All tables, in the order of the page.
      answers: A verdict on each of the paper's claims, by protocol.
      plots: Figures by protocol.
      embedding: The map of the network's features.
      proofs: What each approach froze.
      caveats: What a reader must know before believing the numbers.
    """

    title: str
    synthetic: bool
    command: str
    results: Results
    tables: Sequence[Table]
    answers: dict[str, list[Verdict]]
    plots: dict[str, list[Plot]]
    embedding: Plot
    proofs: Sequence[ApproachProof]
    caveats: Sequence[str]

    @property
    def pictures(self) -> list[Plot]:
        """All figures that were drawn."""
        every = [*(plot for own in self.plots.values() for plot in own), self.embedding]
        return [plot for plot in every if plot.svg]

    @property
    def main(self) -> Table | None:
        """The table that answers the question: Table 3, or the first of a protocol."""
        of_protocols = [table for table in self.tables if table.protocol]
        return next((table for table in of_protocols if table.number == 3), None) or next(
            iter(of_protocols), None
        )

    def of_protocol(self, protocol: str) -> list[Table]:
        """Returns the tables of a protocol; of `""`, those that belong to none or to both."""
        return [table for table in self.tables if table.protocol == protocol]


_OPTIMIZERS = {"adadelta": "AdaDelta", "adamw": "AdamW"}


def content(
    results: Results,
    *,
    title: str,
    synthetic: bool,
    command: str,
    summaries: Sequence[DomainSummary] | None = None,
    remarks: Sequence[str] = (),
) -> Content:
    """Returns all that the report of a study shows.

    Args:
      results: Results of the study.
      title, synthetic, command: As of `Content`.
      summaries: Summary of the corpora, for Table 1; without, there is none.
      remarks: Further caveats.
    """
    tables, protocols = all_tables(results, summaries), results.design.protocols
    return Content(
        title=title,
        synthetic=synthetic,
        command=command,
        results=results,
        tables=tables,
        answers={protocol: verdicts(results, protocol) for protocol in protocols},
        plots={protocol: figures.plots(results, protocol) for protocol in protocols},
        embedding=embedding(results),
        proofs=proofs(results),
        caveats=[*caveats(results, tables), *remarks],
    )


def scope(design: Design) -> str:
    """Returns what the study covers, in a sentence."""
    names = ", ".join(display(name) for name in design.domains)
    return f"Domains: {names}. Targets: {', '.join(display(name) for name in design.targets)}."


def settings_words(design: Design) -> str:
    """Returns the settings of the networks that the design has, in a sentence."""
    parts = []
    tuned = any(isinstance(cell, FineTuning) for cell in design.plan())
    alone = 3 in design.tables or design.cross_corpus or bool(design.clips_per_class)
    for name, settings, planned in (
        ("pre-training", design.pretrain, True),
        ("TT", design.scratch, alone),
        ("fine-tuning", design.fine_tune, tuned),
    ):
        if not planned:
            continue
        shift = f", shifted by up to {settings.shift_s:g} s" if settings.shift_s else ""
        patience = f", early stopping after {settings.patience}" if settings.patience else ""
        parts.append(
            f"{name}: {settings.epochs} epochs, {_OPTIMIZERS[settings.optimizer]} at"
            f" {settings.learning_rate:g}"
            f" ({settings.schedule}), batches of {settings.batch_size}{shift}{patience}"
        )
    network = f"Front end {design.network.front_end}, preset {design.network.preset}"
    if design.network.encoder:
        network += f", encoder {design.network.encoder.name}"
    return f"{network}; {'; '.join(parts)}."


def identity(store: Store) -> dict[str, Any]:
    """Returns what all results of a store have in common."""
    return dict(json.loads((store.folder / "store.json").read_text(encoding="utf-8")))
