"""The report of a study as Markdown."""

from collections.abc import Iterable

from pipeline.reports.study.content import (
    NO_ANSWER,
    QUESTION,
    SYNTHETIC,
    Content,
    identity,
    scope,
    settings_words,
)
from pipeline.reports.study.figures.plot import Plot
from pipeline.reports.study.layout import (
    MARKS_LEGEND,
    PROTOCOL_WORDS,
    Column,
    Row,
    Table,
    marks,
    shown,
)


def document(content: Content) -> str:
    """Returns the whole report, which links to the figures beside it."""
    design, store = content.results.design, content.results.store
    lines = [f"# {content.title}", ""]
    if content.synthetic:
        lines += [f"> **{SYNTHETIC[0]}** {SYNTHETIC[1]}", ""]
    lines += ["## Question", "", QUESTION, "", f"{scope(design)} {settings_words(design)}"]
    lines += ["", "## Answer", ""]
    for protocol, answers in content.answers.items():
        if answers:
            lines += [f"With {PROTOCOL_WORDS[protocol]}:", ""]
            lines += [f"- **{each.answer}**: {each.claim} {each.words}" for each in answers]
            lines.append("")
    if not any(content.answers.values()):
        lines += [NO_ANSWER, ""]
    if content.caveats:
        lines += ["## Caveats", "", *(f"- {caveat}" for caveat in content.caveats), ""]
    for protocol in ("", *design.protocols):
        own = content.of_protocol(protocol)
        if not own:
            continue
        heading = f"Tables, {PROTOCOL_WORDS[protocol]}" if protocol else "Over both protocols"
        if [each.number for each in own] == [1]:
            heading = "Corpora"
        lines += [f"## {heading}", "", *(table_text(each) for each in own)]
        for plot in content.plots.get(protocol, ()):
            lines += [_image(plot), "", f"*{plot.caption}*", ""]
    lines += [f"## {content.embedding.title}", ""]
    if content.embedding.svg:
        lines += [_image(content.embedding), ""]
    lines += [content.embedding.caption, "", "## Repeat it, and trace a number", ""]
    lines += ["```", content.command, "```", ""]
    lines += [
        "`values.csv` names the cells behind every number; `cells.csv` tells each cell's folds,"
        " seed, settings and weights; a cell's file in the store has its scores. The store:",
        "",
        *(f"- {name}: `{value}`" for name, value in identity(store).items()),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _image(plot: Plot) -> str:
    return f"![{plot.title}](figures/{plot.slug}.svg)"


def table_text(table: Table, *, level: int = 3) -> str:
    """Returns a table under a heading of `level`, with its facts and notes."""
    lines = [f"{'#' * level} {table.title}", "", table.caption, "", f"*{'; '.join(table.facts)}.*"]
    for panel in table.panels:
        if panel:
            lines += ["", f"**{panel}**"]
        columns = table.panel(panel)
        align = ["---" if column.measure == "words" else "---:" for column in columns]
        lines += [
            "",
            _pipes([table.head, *(column.name for column in columns)]),
            _pipes(["---", *align]),
        ]
        for row in table.rows:
            name = f"*{row.full_name}*" if row.kind != "own" else row.full_name
            lines.append(_pipes([name, *(_number(row, column) for column in columns)]))
    if table.marked:
        lines += ["", MARKS_LEGEND.replace("* p", r"\* p", 1)]
    if table.notes:
        lines += ["", *(f"- {note}" for note in table.notes)]
    return "\n".join(lines) + "\n"


def _pipes(values: Iterable[str]) -> str:
    return f"| {' | '.join(value.replace('|', '/') for value in values)} |"


def _number(row: Row, column: Column) -> str:
    entry = row.entries[column.key]
    text = shown(row, column)
    text = f"**{text}**" if entry.best else text
    return text + marks(entry).replace("*", r"\*")
