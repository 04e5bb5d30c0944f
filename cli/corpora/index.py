"""`ser corpora index`: from corpora on disk to a manifest."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corpora.indexing.exclusions import Exclusions
    from corpora.indexing.index import Index

AUDB = "audb:"

# Repeated from corpora.readers, which is too heavy to import for --help; tests compare them.
CORPORA = (
    "afew",
    "emodb",
    "emovo",
    "enterface",
    "iemocap",
    "rml",
    "cremad",
    "ravdess",
    "savee",
    "tess",
    "urdu",
    "csv",
    "audformat",
)
OPTIONS = ("afew.parts", "enterface.subject_6", "iemocap.excited")
STATUSES = ("used", "skipped", "unreadable")

EPILOG = """\
corpora of the paper:
  afew       Train/Angry/000046280.avi                  English, films
  emodb      wav/03a01Wa.wav                            German, acted
  emovo      EMOVO/f1/dis-f1-b1.wav                     Italian, acted
  enterface  subject 1/anger/sentence 1/s1_an_1.avi     English, induced
  iemocap    Session1/sentences/wav/.../Ses01F_..._F000.wav English, acted
  rml        rml-1/s1/an1.avi                           six languages, induced
free ones:
  cremad     AudioWAV/1001_DFA_ANG_XX.wav               English, acted
  ravdess    Actor_01/03-01-05-01-01-01-01.wav          English, acted
  savee      AudioData/DC/a01.wav                       English, acted
  tess       OAF_angry/OAF_back_angry.wav               English, acted
  urdu       Angry/SM1_F10_A010.wav                     Urdu, spontaneous
your own, or any other (repeatable):
  csv        a CSV file with at least the columns path, domain, speaker, emotion
  audformat  a folder with an audformat database (db.yaml)
  audb:NAME  a published audformat database, like audb:emodb or audb:emodb==1.4.1; downloaded

options, the first value is the default:
  afew.parts           train+val | train | val
  enterface.subject_6  skip | include      (six long files, each of joined sentences)
  iemocap.excited      skip | happiness    (turns labelled excited)

examples:
  ser corpora index --corpus emodb=data/emodb --corpus csv=data/calls.csv --out speech.csv
  ser corpora index --corpus iemocap=data/IEMOCAP --option iemocap.excited=happiness \\
    --out speech.csv

Beside the manifest FILE.csv lie FILE.account.csv (what became of every file), FILE.sources.json
(corpora, options, licences) and FILE.probes.json, with which indexing again reads what changed.
"""


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "index",
        help="read corpora, write a manifest with hashes, durations and folds",
        epilog=EPILOG,
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
    parser.add_argument("--seed", type=int, default=0, help="of the folds (default: 0)")
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
    from schemas.errors import UserError
    from schemas.splits import PROTOCOLS

    out = Path(args.out)
    if out.is_dir():
        raise UserError(f"--out {out}: is a folder; give the name of a file, like {out}/speech.csv")
    options = _parse_options(args.option)
    exclusions = Exclusions(args.exclude) if args.exclude else None
    cache = ProbeCache() if args.reread else ProbeCache.load(cache_path(out))
    result = index(
        [_parse_source(source) for source in args.corpus],
        options=options,
        exclusions=exclusions,
        cache=cache,
        seed=args.seed,
        track=track,
    )
    written = result.write(out)
    cache.save(cache_path(out))

    console = Console()
    console.print(_files_table(result))
    # Plain prints: rich would break long lines and colour what looks like markup.
    print("\n".join(_reason_lines(result)), end="\n\n")
    print("\n".join(_source_lines(result)), end="\n\n")
    console.print(_folds_table(result))
    for protocol in PROTOCOLS:
        for problem in manifest.fold_problems(result.utterances, protocol):
            print(f"warning: {problem}")
    for warning in [*_copies(result), *_unmet(exclusions)]:
        print(f"warning: {warning}")
    print(
        f"{len(cache.read):,} recordings read, {len(cache.unchanged):,} unchanged since last time"
    )
    contents = (
        f"{len(result.utterances):,} utterances",
        f"{len(result.account):,} files",
        "corpora, options, licences",
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


def _parse_options(texts: list[str]) -> dict[str, dict[str, str]]:
    """Returns corpus to its options that `--option` gave, name to value."""
    from schemas.errors import UserError

    options: dict[str, dict[str, str]] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        corpus, dot, name = key.partition(".")
        if not (corpus and dot and name and separator and value):
            raise UserError(
                f"--option {text}: must be CORPUS.NAME=VALUE, like iemocap.excited=happiness"
            )
        if options.setdefault(corpus, {}).setdefault(name, value) != value:
            raise UserError(f"--option {key}: is given twice, with different values")
    return options


def _files_table(result: "Index"):
    from rich.table import Table

    from cli.corpora.summary import speakers
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


def _folds_table(result: "Index"):
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
        for status in ("skipped", "unreadable"):
            reasons = list(result.reasons(domain, status).items())
            parts = [f"{count:,} {reason}" for reason, count in reasons[:most]]
            if len(reasons) > most:
                rest = sum(count for _, count in reasons[most:])
                parts.append(f"{rest:,} for other reasons (see the account)")
            if parts:
                lines.append(f"{status} of {domain}: {'; '.join(parts)}")
    return lines


def _source_lines(result: "Index") -> list[str]:
    """Returns the licence and the options of each source."""
    lines = []
    for source in result.sources:
        name = f"{source.corpus} ({', '.join(source.domains)})"
        name = source.corpus if source.domains == [source.corpus] else name
        options = [f"{source.corpus}.{option}={value}" for option, value in source.options.items()]
        lines.append(f"licence of {name}: {source.licence or 'unknown'}")
        lines += [f"option {option}" for option in options]
    return lines


def _copies(result: "Index") -> list[str]:
    """Returns in words how many recordings have the same bytes, by the domains they are in."""
    from corpora.indexing.index import same_bytes

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


def _unmet(exclusions: "Exclusions | None") -> list[str]:
    """Returns in words which exclusions name nothing that is here."""
    if exclusions is None or not (unmet := exclusions.unmet()):
        return []
    return [
        f"{exclusions.path}: {len(unmet):,} of its entries name nothing in these corpora, like"
        f" {unmet[0]}"
    ]
