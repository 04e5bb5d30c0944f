"""What a figure is."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure.

    Attributes:
      slug: What names its file.
      title, caption: Words; the caption says what to see and what it rests on.
      svg: The picture; empty where there is none, and the caption says why.
    """

    slug: str
    title: str
    caption: str
    svg: bytes = b""
