"""The summary of a run that the command line prints."""

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from corpora.indexing.result import kind
from pipeline.reports.release.adaptations import adaptation
from pipeline.reports.release.results import Recording, RunResults
from pipeline.reports.release.summary import average, summary_row
from schemas.splits import PARTITION
from schemas.words import plural, three

# Reasons that are shown; the report has all.
_MOST_REASONS = 4


def not_used(recordings: Sequence[Recording]) -> list[str]:
    """Returns a line for each status of recordings that were not used, with the usual reasons."""
    lines = []
    for status in sorted({recording.status for recording in recordings}):
        some = [recording for recording in recordings if recording.status == status]
        example = {kind(each.reason): each.utterance_id for each in reversed(some)}
        counts = Counter(kind(each.reason) for each in some)
        told = [
            f"{count:,}: {reason} (like {example[reason]})"
            for reason, count in counts.most_common(_MOST_REASONS)
        ]
        more = len(counts) - _MOST_REASONS
        told += [f"{more:,} other reasons (see the report)"] if more > 0 else []
        lines.append(f"{plural(len(some), 'recording')} {status}: {'; '.join(told)}")
    return lines


def table(results: RunResults) -> Table:
    """Returns, per domain, what each of its two models reached and what was pushed."""
    config = results.config
    shown = Table(
        title=(
            "UAR on the official test part"
            if config.protocol == PARTITION
            else f"UAR on test fold {config.test_fold}, {config.protocol} folds"
        )
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
