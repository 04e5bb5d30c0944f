"""What all figures share: colours, axes, panels, and how a figure becomes SVG."""

import base64
import dataclasses
import io
import re
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, SOFT, LINE = "#1d2733", "#8a96a3", "#e3e8ed"
BLUE, GREY = "#0b5f8f", "#9aa7b4"
# Distinct in lightness too, for print and for colour-blind eyes (Okabe & Ito).
DISTINCT = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#333333", "#999999")

_FONTS = ["DejaVu Sans", "Verdana"]
# What makes Matplotlib's SVG small: the fonts are named once, not at every word; text is not turned
# by nothing; and of coordinates two decimals stay, as more cannot be seen.
_FAMILY = b"font-family: %s, sans-serif" % ", ".join(f"'{name}'" for name in _FONTS).encode()
_NO_TURN = re.compile(rb' transform="rotate\(-?0 [^)]*\)"')
_GEOMETRY = re.compile(rb' (?:d|x|y|x1|y1|x2|y2|points)="[^"]*"')
_FURTHER_DECIMALS = re.compile(rb"(?<=\.\d{2})\d+")

# Names of labels, speakers and domains are no formulas, whatever signs they hold.
matplotlib.rcParams["text.parse_math"] = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure on a page.

    Attributes:
      uri: Image as a data URI.
      alt: What it shows, for those who cannot see it.
    """

    uri: str
    alt: str


def style_axes(axes: Axes, *, label_size: float = 9) -> None:
    """Leaves of a frame two quiet spines and a light grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(SOFT)
    axes.tick_params(color=SOFT, labelsize=label_size)
    axes.grid(axis="y", color=LINE, lw=0.8)
    axes.set_axisbelow(True)


def cycled(count: int) -> list[str]:
    """Returns as many of the distinct colours as are asked for, from the first again after all."""
    return [DISTINCT[i % len(DISTINCT)] for i in range(count)]


def panels(count: int, *, width: float, height: float) -> tuple[Figure, Sequence[Axes]]:
    """Returns a figure with `count` axes, as many in a row as a page holds.

    Args:
      count: Number of axes.
      width, height: Size of each, in inches.
    """
    columns = min(count, max(1, int(10.8 // width)))
    rows = -(-count // columns)
    figure = Figure(figsize=(max(width * columns, 3.6), height * rows + 0.35), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    return figure, list(grid.flat[:count])


def svg(figure: Figure, *, transparent: bool = False) -> bytes:
    """Returns a figure as compact SVG; the same figure gives the same bytes.

    Words stay words, which search finds and which take a fraction of their outlines' size;
    coordinates keep two decimals.
    """
    buffer = io.BytesIO()
    settings = {"svg.hashsalt": "ser", "svg.fonttype": "none", "font.sans-serif": _FONTS}
    with matplotlib.rc_context(settings):
        figure.savefig(
            buffer, format="svg", metadata={"Date": None}, dpi=160, transparent=transparent
        )
    image = buffer.getvalue().replace(_FAMILY + b"; ", b"")
    image = image.replace(b"*{", b"*{" + _FAMILY + b"; ", 1)
    image = _NO_TURN.sub(b"", image)
    return _GEOMETRY.sub(lambda found: _FURTHER_DECIMALS.sub(b"", found[0]), image)


def data_uri(image: bytes) -> str:
    """Returns an SVG image as a data URI."""
    return "data:image/svg+xml;base64," + base64.b64encode(image).decode()
