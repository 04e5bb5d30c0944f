"""`ser corpora summary`: our Table 1 beside the paper's."""

import argparse
from typing import TYPE_CHECKING

from cli.corpora.tables import narrow_table, speakers
from schemas.sound import OVER_LENGTH

if TYPE_CHECKING:
    from rich.table import Table

    from corpora.summary import DomainSummary


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "summary",
        help="our Table 1 beside the paper's, with the reason for each difference",
        description="Prints what a manifest holds beside the paper's Table 1: languages,"
        " elicitation, rates, speakers, clips per emotion after selection, and durations. Says for"
        " each difference why, as far as the recordings tell.",
    )
    parser.add_argument("manifest", metavar="MANIFEST", help="from `ser corpora index`")
    parser.add_argument(
        "--over-length",
        choices=OVER_LENGTH,
        default="drop",
        help="clips longer than 3.375 s are left out, as in the paper (the default), or cut",
    )
    parser.add_argument(
        "--trim-silence",
        action="store_true",
        help="judge clips without the silence before and after the speech; decodes all of them",
    )
    parser.add_argument("--json", metavar="FILE", help="write everything there too")
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand and returns its exit status."""
    import dataclasses
    import json

    from rich.console import Console

    from cli.progress import track
    from corpora.manifest_summary import summarise
    from schemas import files
    from schemas.sound import INPUT_DURATION_S

    summaries = summarise(
        args.manifest,
        over_length=args.over_length,
        trim_silence=args.trim_silence,
        track=track,
    )
    how = "left out" if args.over_length == "drop" else "cut"
    trimmed = " after trimming" if args.trim_silence else ""
    console = Console()
    console.print(_table_1(summaries))
    print(f"clips: after selection; those longer than {INPUT_DURATION_S:g} s{trimmed} are {how}\n")
    console.print(_emotions_table(summaries))
    console.print(_durations_table(summaries, trimmed))
    print("\n".join(_note_lines(summaries)))
    if args.json:
        content = {
            "manifest": str(args.manifest),
            "over_length": args.over_length,
            "trim_silence": args.trim_silence,
            "cap_s": INPUT_DURATION_S,
            "domains": [dataclasses.asdict(each) for each in summaries],
        }
        with files.replacing(args.json) as file:
            json.dump(content, file, indent=2, ensure_ascii=False)
            file.write("\n")
        print(f"written: {args.json}")
    return 0


def _table_1(summaries: "list[DomainSummary]") -> "Table":
    table = narrow_table(
        "Table 1, and below each corpus the paper's row",
        ("corpus", "language", "elicitation", "kHz"),
        ("speakers", "found", "used", "clips"),
    )
    for each in summaries:
        table.add_row(
            each.domain,
            each.language,
            "synthetic" if each.synthetic else each.elicitation,
            ", ".join(f"{rate_hz / 1_000:g}" for rate_hz in each.rates_hz),
            speakers(each.speakers, each.unknown_speakers),
            "?" if each.found is None else f"{each.found:,}",
            f"{each.used:,}",
            f"{each.clips:,}",
        )
        if each.paper:
            table.add_row(
                "  paper",
                each.paper.language,
                each.paper.elicitation,
                f"{each.paper.rate_hz / 1_000:g}",
                *("", "", ""),
                f"{each.paper.clips:,}",
                style="dim",
            )
    return table


def _emotions_table(summaries: "list[DomainSummary]") -> "Table":
    table = narrow_table(
        "Clips per emotion, after selection", ("corpus",), tuple(summaries[0].emotions)
    )
    for each in summaries:
        table.add_row(each.domain, *(f"{count:,}" for count in each.emotions.values()))
    return table


def _durations_table(summaries: "list[DomainSummary]", trimmed: str) -> "Table":
    from schemas.sound import INPUT_DURATION_S

    table = narrow_table(
        f"Durations of the used clips{trimmed}",
        ("corpus",),
        ("minutes", "median", "longest", f"over {INPUT_DURATION_S:g} s"),
    )
    for each in summaries:
        share = each.over_length / max(each.used - each.undecodable, 1)
        table.add_row(
            each.domain,
            f"{each.total_min:.1f}",
            f"{each.median_s:.2f} s",
            f"{each.longest_s:.2f} s",
            f"{share:.0%}",
        )
    return table


def _note_lines(summaries: "list[DomainSummary]") -> list[str]:
    from corpora.summary import PAPER

    lines = ["Beside the paper"]
    for each in summaries:
        lines += [f"{each.domain}:", *(f"  - {note}" for note in each.notes)]
    if lacking := [name for name in PAPER if name not in {each.domain for each in summaries}]:
        lines.append(f"of the paper's corpora, not in this manifest: {', '.join(lacking)}")
    return lines
