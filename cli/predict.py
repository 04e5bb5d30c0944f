"""`ser predict`: the emotion in recordings, from a served model."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import bulk
from cli.asked import channel
from cli.servers import add_server_arguments, positive

if TYPE_CHECKING:
    from cli.timelines import Told
    from serving.client.asking import Asking
    from serving.client.question import Question, Refused
    from serving.client.windows import Windows

Row = dict[str, Any]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    from schemas.signatures import MULTI_DOMAIN

    parser: argparse.ArgumentParser = subparsers.add_parser(
        "predict",
        help="recognise the emotion in recordings with a served model",
        description="Asks a served model for the emotion in each recording, or with --timeline in"
        " each window of long ones. The exit status is 1 if some of them could not be answered.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="recordings (wav, flac, mp3, ogg, aiff, videos with sound), or folders of them; - is"
        " one recording from standard input",
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE.csv",
        help="recordings, or parts of them, by the columns path, start_s, end_s and channel; the"
        " last three may be absent",
    )
    parser.add_argument(
        "--microphone",
        type=float,
        metavar="SECONDS",
        help="listen for so long (needs the extra `microphone`)",
    )
    parser.add_argument(
        "--model",
        default=MULTI_DOMAIN,
        help=f"name of the served model, for example emodb (default: {MULTI_DOMAIN})",
    )
    parser.add_argument(
        "--channel",
        type=channel,
        default="first",
        metavar="N|left|right|centre|mix|each",
        help="the channel that is heard; each makes a row of every channel (default: first)",
    )
    parser.add_argument(
        "--speaker",
        type=Path,
        metavar="FILE",
        help="who speaks: a file of `ser enrol`, for a model for known speakers",
    )
    add_server_arguments(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON array")
    output.add_argument("--csv", action="store_true", help="print CSV")
    output.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the answers to a file, as .csv, .jsonl or .parquet, and print none",
    )
    parser.add_argument(
        "--parallel",
        type=positive,
        default=4,
        metavar="FILES",
        help="how many recordings are asked about at once (default: 4)",
    )
    _add_timeline_arguments(parser)
    bulk.add_arguments(parser)
    return parser


def _add_timeline_arguments(parser: argparse.ArgumentParser) -> None:
    options = parser.add_argument_group(
        "timelines", "recordings of any length, window by window, with a summary"
    )
    options.add_argument(
        "--timeline", action="store_true", help="a row for each window instead of each recording"
    )
    options.add_argument(
        "--window-s", type=float, metavar="SECONDS", help="length of a window (default: 4)"
    )
    options.add_argument(
        "--hop-s",
        type=float,
        metavar="SECONDS",
        help="from the beginning of one window to that of the next (default: half a window)",
    )
    options.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="draw the probabilities over time, as .png, .svg or .html; of one recording",
    )
    options.add_argument(
        "--labels",
        type=Path,
        metavar="FILE.txt",
        help="write a label track for Audacity; of one recording",
    )


def run(args: argparse.Namespace) -> int:
    """Predicts each file: 0 if all were answered, 1 if some could not be.

    Raises UserError if none can be: no server, no such model.
    """
    from cli import answers, timelines
    from cli.asked import of_microphone, tell_left_out
    from cli.servers import client_of
    from serving.client.asking import Asking
    from serving.client.enrolment import Enrolment

    layout = _layout(args)
    bulk.check(args)
    _check_sources(args)
    if args.out is not None:
        answers.check_path(args.out)
    timelines.check_outputs(args.plot, args.labels)
    speaker = Enrolment.read(args.speaker) if args.speaker else None
    asked, left_out = _asked(args)
    num_asked = len(asked) + (args.microphone is not None)
    if (args.plot or args.labels) and num_asked != 1:
        _fault(f"--plot and --labels are of one recording, not of {num_asked}")
    told: list[Told] = []
    with client_of(args, speakers=speaker is not None) as client:
        if args.microphone is not None:
            # Only now: whoever speaks would have to wait for the model.
            asked.append(of_microphone(args.microphone))
        asking = Asking(client, args.model, speaker)
        if args.bulk is not None:
            rows = bulk.answer(args, asked, client, speaker)
        elif layout is not None:
            rows, told = _timelines(asking, asked, layout)
        else:
            rows, told = _answers(asking, asked, parallel=args.parallel, model=args.model)
    _put_out(args, rows, told)
    if args.bulk is not None:
        bulk.forget(args)
    tell_left_out(left_out)
    _tell_partly_heard(rows, told if layout is not None else [])
    failed = [row for row in rows if "error" in row]
    for row in failed:
        print(f"error: {row['file']}: {row['error']}", file=sys.stderr)
    return 1 if failed else 0


def _layout(args: argparse.Namespace) -> "Windows | None":
    """Returns the windows of timelines; `None` where none are asked for."""
    for option in ("window_s", "hop_s", "plot", "labels"):
        if getattr(args, option) is not None and not args.timeline:
            _fault(f"--{option.replace('_', '-')} goes with --timeline")
    if not args.timeline:
        return None
    from serving.client.windows import Windows

    window_s = Windows.window_s if args.window_s is None else args.window_s
    return Windows(window_s, window_s / 2 if args.hop_s is None else args.hop_s)


def _check_sources(args: argparse.Namespace) -> None:
    if not (args.files or args.manifest or args.bulk) and args.microphone is None:
        _fault(
            "nothing to ask about: name recordings or folders, --manifest FILE.csv, --bulk DIR, or"
            " --microphone SECONDS"
        )


def _asked(args: argparse.Namespace) -> "tuple[list[Question | Refused], dict[str, int]]":
    from cli import asked

    paths, manifest = args.files, args.manifest
    if args.bulk is not None:
        is_manifest = args.bulk.suffix.lower() == ".csv" and not args.bulk.is_dir()
        paths, manifest = ([], args.bulk) if is_manifest else ([args.bulk], None)
    files, left_out = asked.expand(paths)
    found = asked.of_paths(files, args.channel)
    if manifest is not None:
        found += asked.of_manifest(manifest, args.channel)
    return found, left_out


def _answers(
    asking: "Asking", asked: "list[Question | Refused]", *, parallel: int, model: str
) -> "tuple[list[Row], list[Told]]":
    """Returns a row for each recording and channel, and timelines of those that are long."""
    from concurrent import futures

    from cli import timelines
    from cli.progress import track
    from serving.client import rows

    # Parts of one recording after each other: what is decoded for one is there for the next.
    order = sorted(range(len(asked)), key=lambda index: _place(asked[index]))
    with futures.ThreadPoolExecutor(parallel) as pool:
        waiting = [(index, pool.submit(rows.of, asking, asked[index])) for index in order]
        try:
            found = {
                index: each.result()
                for index, each in track(waiting, description=f"Asking {model}")
            }
        except BaseException:
            # Without this, all that waits would still be asked.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    answered = [one for index in range(len(asked)) for one in found[index]]
    told = [timelines.Told(row, timeline) for row, timeline in answered if timeline]
    return [row for row, _ in answered], told


def _place(asked: "Question | Refused") -> tuple[str, float]:
    return asked.name, getattr(asked, "start_s", None) or 0.0


def _timelines(
    asking: "Asking", asked: "list[Question | Refused]", layout: "Windows"
) -> "tuple[list[Row], list[Told]]":
    """Returns the timelines, and rows of what has none."""
    from cli import timelines
    from cli.progress import seconds
    from serving.client.errors import PredictionError
    from serving.client.question import Refused
    from serving.client.rows import failed, which

    rows: list[Row] = []
    told: list[Told] = []
    for each in asked:
        if isinstance(each, Refused):
            rows.append({"file": each.name, "error": each.reason})
            continue
        with seconds(each.name, total_s=each.header_s()) as progress:
            try:
                found = asking.timelines(each, layout=layout, progress=progress)
            except PredictionError as error:
                rows.append(failed(each, each.channel, error))
                continue
        for name, one in found.items():
            if isinstance(one, PredictionError):
                rows.append(failed(each, name, one))
            else:
                told.append(timelines.Told(which(each, name), one))
    return rows, told


def _put_out(args: argparse.Namespace, rows: list[Row], told: "list[Told]") -> None:
    """Writes or prints what was answered."""
    from cli import answers, timelines

    if not args.timeline:
        _print_or_write(args, rows)
        if args.out is not None:
            failed = sum("error" in row for row in rows)
            rest = f", {failed:,} failed" if failed else ""
            print(f"{args.out}: {len(rows) - failed:,} answers{rest}", file=sys.stderr)
        if told:
            print("note: longer than one request, and so answered by windows:", file=sys.stderr)
            timelines.print_summaries(told, to_stderr=True)
        return
    if args.json:
        answers.show([timelines.with_windows(one) for one in told] + rows, json=True, csv=False,
                     title=args.model)  # fmt: skip
    else:
        windows = [row for one in told for row in timelines.window_rows(one)]
        _print_or_write(args, windows + rows)
    if args.out is not None:
        print(f"{args.out}: {len(told):,} timelines", file=sys.stderr)
    timelines.print_summaries(told, to_stderr=args.json or args.csv or args.out is not None)
    if told and args.plot is not None:
        from cli import timeline_plot

        timeline_plot.write([(one.title, one.timeline) for one in told], args.plot)
    if told and args.labels is not None:
        timelines.write_labels(told, args.labels)


def _print_or_write(args: argparse.Namespace, rows: list[Row]) -> None:
    from cli import answers

    if args.out is not None:
        answers.write(rows, args.out)
    else:
        answers.show(rows, json=args.json, csv=args.csv, title=args.model)


def _tell_partly_heard(rows: list[Row], told: "list[Told]") -> None:
    """Prints where a model that hears one window only has left out the rest."""
    partly = [row for row in rows if "error" not in row and row["heard_s"] < row["duration_s"]]
    if partly:
        longest = max(partly, key=lambda row: row["duration_s"])
        print(
            f"note: {len(partly)} of {len(rows)} recordings are longer than what the model hears:"
            f" the answer is of their first {longest['heard_s']:.3g} s (the longest,"
            f" {longest['file']}, has {longest['duration_s']:.1f} s); --timeline hears all",
            file=sys.stderr,
        )
    for one in told:
        window = one.timeline.windows[0]
        if one.timeline.heard_s < round(window.end_s - window.start_s, 3) - 1e-3:
            print(
                f"note: {one.title}: of each window the model hears the first"
                f" {one.timeline.heard_s:.4g} s: choose --window-s {one.timeline.heard_s:.4g}",
                file=sys.stderr,
            )


def _fault(message: str) -> None:
    from schemas.errors import UserError

    raise UserError(message)
