"""The summary of a run that the command line prints."""

from rich.table import Table

from pipeline.reports.release.adaptations import adaptation
from pipeline.reports.release.results import RunResults
from pipeline.reports.release.summary import average, summary_row
from schemas.words import three


def table(results: RunResults) -> Table:
    """Returns, per domain, what each of its two models reached and what was pushed."""
    config = results.config
    shown = Table(
        title=f"UAR on test fold {config.test_fold}, {config.protocol} folds"
        + (" (synthetic speech)" if config.synthetic else "")
    )
    for column in (
        "domain",
        "clips",
        "multi-domain",
        "adapted",
        "served",
        "95% interval",
        "approach",
    ):
        shown.add_column(column, no_wrap=True)
    shown.add_column("served model", overflow="fold")
    rows = [summary_row(model, results) for model in results.adapted]
    for row, model in zip(rows, results.adapted, strict=True):
        own, common = row.own, row.common
        done = adaptation(model, config)
        shown.add_row(
            row.domain,
            str(own.clips) if own else "",
            three(common.uar) if common else "",
            three(row.adapted),
            three(own.uar) if own else "",
            f"{three(own.uar_lower)} to {three(own.uar_upper)}" if own else "",
            f"{done.scenario} {done.approach}",
            model.outcome,
        )
    if both := average(rows):
        shown.add_row("average", "", three(both.common), "", three(both.own), "", "", "")
    if multi := results.multi_domain:
        shown.caption = f"multi-domain model {multi.outcome}"
    return shown
