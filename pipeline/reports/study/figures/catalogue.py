"""Which figures a design has."""

from pipeline.reports.study.figures.ablation import ablation
from pipeline.reports.study.figures.confusions import confusions
from pipeline.reports.study.figures.cross_corpus import cross_corpus
from pipeline.reports.study.figures.curves import learning_curves
from pipeline.reports.study.figures.few_clips import few_clips
from pipeline.reports.study.figures.gains import gains
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.results import Results


def plots(results: Results, protocol: str) -> list[Plot]:
    """Returns the figures of a protocol; those without any result are left out."""
    design, found = results.design, []
    if 3 in design.tables:
        found += [gains(results, protocol), learning_curves(results, protocol)]
        found.append(confusions(results, protocol))
    if 4 in design.tables:
        found.append(ablation(results, protocol))
    if design.cross_corpus:
        found.append(cross_corpus(results, protocol))
    if design.clips_per_class:
        found.append(few_clips(results, protocol))
    return [plot for plot in found if plot is not None]
