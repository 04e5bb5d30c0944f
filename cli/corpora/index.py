"""`ser corpora index`: from corpora on disk to a manifest."""

import argparse
from typing import TYPE_CHECKING

from cli.corpora.tables import narrow_table, speakers

if TYPE_CHECKING:
    from rich.table import Table

    from corpora.indexing.exclusions import Exclusions
    from corpora.indexing.result import Index

AUDB = "audb:"

STATUSES = ("used", "skipped", "unreadable")

EXAMPLES = """\
your own, or any other (repeatable):
{formats}
  audb:NAME  a published audformat database, like audb:emodb or audb:emodb==1.4.1; downloaded

options, the first value is the default:
{options}

labels:
  Readers give every label of their corpus, of these:
    {vocabulary}.
  Clips whose label is not in the set of --emotions are skipped and counted. Usual spellings
  (happy, joy, ang, neu, ...) are understood; a word of your own is used if --emotions names it.

examples:
  ser corpora index --corpus emodb=data/emodb --corpus csv=data/calls.csv --out speech.csv
  ser corpora index --corpus csv=data/calls.csv --emotions paper+neutral+rude \\
    --label csv.cross=anger --label csv.unclear=skip --out speech.csv
  ser corpora index --corpus iemocap=data/IEMOCAP --emotions anger,happiness,sadness,neutral \\
    --label iemocap.excitement=happiness --out speech.csv

Beside the manifest FILE.csv lie FILE.account.csv (what became of every file), FILE.sources.json
(corpora, options, labels, licences) and FILE.probes.json, with which indexing again reads what
changed.
"""


def epilog() -> str:
    """Returns the end of the help: all corpora and their options, as their readers tell them."""
    import textwrap

    from corpora.readers import READERS, corpora
    from schemas import labels

    known = corpora()
    formats = [each.CORPUS for each in READERS.values() if each.CORPUS.is_format]
    width = 1 + max(len(corpus.name) for corpus in (*known, *formats))
    kind_width = 1 + max(len(corpus.kind) for corpus in known)

    def lines(of_the_paper: bool) -> list[str]:
        return [
            f"  {corpus.name:{width}} {corpus.kind:{kind_width}} {corpus.layout}"
            for corpus in known
            if bool(corpus.paper) == of_the_paper
        ]

    options = [
        f"  {corpus.name}.{name:<{20 - len(corpus.name)}} {' | '.join(option.allowed)}"
        f"  ({option.help})"
        for corpus in known
        for name, option in corpus.options.items()
    ]
    rest = EXAMPLES.format(
        formats="\n".join(f"  {corpus.name:{width}} {corpus.layout}" for corpus in formats),
        options="\n".join(options),
        vocabulary="\n".join(
            textwrap.wrap(", ".join(labels.VOCABULARY), width=90, subsequent_indent=4 * " ")
        ),
    )
    return "\n".join(["corpora of the paper:", *lines(True), "other corpora:", *lines(False), rest])


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "index",
        help="read corpora, write a manifest with hashes, durations and folds",
        epilog=epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--corpus",
        action="append",
        required=True,
        metavar="NAME=PATH",
        help="a corpus (see below) and its folder, csv=FILE, or audb:NAME[==VERSION]; repeatable",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="the manifest to write (CSV)")
    parser.add_argument(
        "--emotions",
        default="paper",
        metavar="SET",
        help="the labels to use: paper (anger, disgust, fear, happiness, sadness, surprise; the"
        " default), paper+neutral, or any list, like anger,happiness,sadness,neutral",
    )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="CORPUS.WORD=LABEL",
        help="what a corpus' own word stands for, a label or skip; repeatable",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the folds (default: 0)")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="CORPUS.NAME=VALUE",
        help="a choice in which the literature differs (see below); repeatable",
    )
    parser.add_argument(
        "--exclude",
        metavar="FILE",
        help="a CSV of utterances to leave out: columns utterance_id or path, and reason, like"
        " `ser corpora audit --write-exclusions` writes",
    )
    parser.add_argument(
        "--reread",
        action="store_true",
        help="read all recordings, also those whose size and times are as at the last index",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand and returns its exit status."""
    from pathlib import Path

    from rich.console import Console

    from cli.progress import track
    from corpora import manifest
    from corpora.indexing.exclusions import Exclusions
    from corpora.indexing.index import index
    from corpora.indexing.probe_cache import ProbeCache, cache_path
    from corpora.indexing.result import NothingUsableError
    from schemas.errors import UserError
    from schemas.labels import LabelSet
    from schemas.splits import PROTOCOLS

    out = Path(args.out)
    if out.is_dir():
        raise UserError(f"--out {out}: is a folder; give the name of a file, like {out}/speech.csv")
    label_set = LabelSet.parse(args.emotions)
    options = _parse_pairs("--option", args.option, like="afew.parts=train")
    words = _parse_pairs("--label", args.label, like="csv.hap=happiness")
    exclusions = Exclusions(args.exclude) if args.exclude else None
    cache = ProbeCache() if args.reread else ProbeCache.load(cache_path(out))
    try:
        result = index(
            [_parse_source(source) for source in args.corpus],
            label_set=label_set,
            words=words,
            options=options,
            exclusions=exclusions,
            cache=cache,
            seed=args.seed,
            track=track,
        )
    except NothingUsableError as error:
        account = manifest.account_path(out)
        manifest.write_account(error.account, account)
        print(f"account: {account} ({len(error.account):,} files)")
        raise
    written = result.write(out)
    cache.save(cache_path(out))

    console = Console()
    console.print(_files_table(result))
    # Plain prints: rich would break long lines and colour what looks like markup.
    print("\n".join(_reason_lines(result)), end="\n\n")
    print("\n".join(_source_lines(result)), end="\n\n")
    console.print(_emotions_table(result))
    console.print(_folds_table(result))
    for protocol in PROTOCOLS:
        for problem in manifest.fold_problems(result.utterances, protocol):
            print(f"warning: {problem}")
    for note in result.notes:
        print(f"note: {note}")
    for warning in [*_unmet_labels(result), *_copies(result), *_unmet(exclusions)]:
        print(f"warning: {warning}")
    print(
        f"{len(cache.read):,} recordings read, {len(cache.unchanged):,} unchanged since last time"
    )
    contents = (
        f"{len(result.utterances):,} utterances",
        f"{len(result.account):,} files",
        "corpora, options, labels, licences",
    )
    for (what, path), content in zip(written.items(), contents, strict=True):
        print(f"{what + ':':9} {path} ({content})")
    return 0


def _parse_source(text: str) -> tuple[str, str]:
    """Returns the name of the reader and the path that `--corpus` gave."""
    from corpora.readers import audformat_db
    from schemas.errors import UserError

    if text.startswith(AUDB):
        print(f"{text}: downloading, unless it is in audb's cache")
        return "audformat", str(audformat_db.download(text.removeprefix(AUDB)))
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise UserError(f"--corpus {text}: must be NAME=PATH, like emodb=data/emodb")
    return name, path


def _parse_pairs(flag: str, texts: list[str], *, like: str) -> dict[str, dict[str, str]]:
    """Returns corpus to what `flag` gave for it, name to value."""
    from schemas.errors import UserError

    values: dict[str, dict[str, str]] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        corpus, dot, name = key.partition(".")
        if not (corpus and dot and name and separator and value):
            form = "CORPUS.NAME=VALUE" if flag == "--option" else "CORPUS.WORD=LABEL"
            raise UserError(f"{flag} {text}: must be {form}, like {like}")
        if values.setdefault(corpus, {}).setdefault(name, value) != value:
            raise UserError(f"{flag} {key}: is given twice, with different values")
    return values


def _files_table(result: "Index") -> "Table":
    from rich.table import Table

    from schemas.utterance import UNKNOWN_SPEAKER_PREFIX

    table = Table(title="Files", title_justify="left")
    table.add_column("corpus")
    for column in ("found", "used", "skipped", "unreadable", "speakers", "minutes"):
        table.add_column(column, justify="right")
    for domain in result.domains():
        clips = [clip for clip in result.utterances if clip.domain == domain]
        names = {clip.speaker for clip in clips}
        unknown = {name for name in names if name.startswith(UNKNOWN_SPEAKER_PREFIX)}
        table.add_row(
            domain,
            *(f"{result.count(domain, status):,}" for status in (None, *STATUSES)),
            speakers(len(names - unknown), len(unknown)),
            f"{sum(clip.duration_s for clip in clips) / 60:.1f}",
        )
    return table


def _emotions_table(result: "Index") -> "Table":
    import collections

    table = narrow_table("Used clips per emotion", ("corpus",), result.labels.labels)
    for domain in result.domains():
        counts = collections.Counter(
            clip.emotion for clip in result.utterances if clip.domain == domain
        )
        table.add_row(domain, *(f"{counts[label]:,}" for label in result.labels))
    return table


def _folds_table(result: "Index") -> "Table":
    from rich.table import Table

    from corpora import folds
    from schemas.splits import NUM_FOLDS, PROTOCOLS

    table = Table(title="Clips per fold", title_justify="left")
    table.add_column("corpus")
    table.add_column("protocol")
    for fold in range(NUM_FOLDS):
        table.add_column(str(fold), justify="right")
    for domain in result.domains():
        clips = [clip for clip in result.utterances if clip.domain == domain]
        for protocol in PROTOCOLS:
            sizes = folds.sizes(clips, protocol).values()
            kept = " (kept)" if (domain, protocol) in result.kept_folds else ""
            table.add_row(domain, protocol + kept, *map(str, sizes))
    return table


def _reason_lines(result: "Index", *, most: int = 6) -> list[str]:
    """Returns a line for each corpus and status with how many files there are of each reason."""
    lines = []
    for domain in result.domains():
        for status, word in (
            ("skipped", "skipped"),
            ("unreadable", "unreadable"),
            ("used", "used all the same"),
        ):
            reasons = [
                (reason, count)
                for reason, count in result.reasons(domain, status).items()
                if reason
            ]
            parts = [f"{count:,} {reason}" for reason, count in reasons[:most]]
            if len(reasons) > most:
                rest = sum(count for _, count in reasons[most:])
                parts.append(f"{rest:,} for other reasons (see the account)")
            if parts:
                lines.append(f"{word} of {domain}: {'; '.join(parts)}")
    return lines


def _source_lines(result: "Index") -> list[str]:
    """Returns the licence, the options and the mapped labels of each source."""
    lines = []
    for source in result.sources:
        name = f"{source.corpus} ({', '.join(source.domains)})"
        name = source.corpus if source.domains == [source.corpus] else name
        options = [f"{source.corpus}.{option}={value}" for option, value in source.options.items()]
        lines.append(f"licence of {name}: {source.licence or 'unknown'}")
        lines += [f"option {option}" for option in options]
        lines += [f"label {source.corpus}.{word}={label}" for word, label in source.words.items()]
    return lines


def _copies(result: "Index") -> list[str]:
    """Returns in words how many recordings have the same bytes, by the domains they are in."""
    from corpora.indexing.result import same_bytes

    pairs = same_bytes(result.utterances)
    lines = []
    for domains in dict.fromkeys((one.domain, other.domain) for one, other in pairs):
        some = [pair for pair in pairs if (pair[0].domain, pair[1].domain) == domains]
        where = "of " + (domains[0] if len(set(domains)) == 1 else " and ".join(domains))
        lines.append(
            f"{len(some):,} {'pair' if len(some) == 1 else 'pairs'} of recordings {where} are the"
            f" same byte for byte, like {some[0][0].utterance_id} and {some[0][1].utterance_id};"
            " `ser corpora audit` tells whether it matters and can write an --exclude file"
        )
    return lines


def _unmet_labels(result: "Index") -> list[str]:
    """Returns in words which mapped words no clip is labelled with."""
    return [
        f"--label {corpus}.{word}: no clip of {corpus} is labelled {word}; is it spelled as there?"
        for corpus, word in result.unmet_labels
    ]


def _unmet(exclusions: "Exclusions | None") -> list[str]:
    """Returns in words which exclusions name nothing that is here."""
    if exclusions is None or not (unmet := exclusions.unmet()):
        return []
    return [
        f"{exclusions.path}: {len(unmet):,} of its entries name nothing in these corpora, like"
        f" {unmet[0]}"
    ]
