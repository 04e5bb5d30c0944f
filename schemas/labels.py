"""What a network may answer: the vocabulary of emotions, its synonyms, and label sets.

A label set is a property of a manifest. It travels with the manifest into examples, networks,
masks, metrics, exports and reports; the order of its labels is the order of a network's outputs.
"""

import dataclasses
import unicodedata
from collections.abc import Iterable, Iterator

from schemas.errors import UserError

# The six emotions of the paper (section 3.1), in the order of the network's outputs.
PAPER_EMOTIONS: tuple[str, ...] = (
    "anger",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
)
NEUTRAL = "neutral"

# Every word that a reader may use. Other words are taken as they are, where a set names them.
VOCABULARY: tuple[str, ...] = (
    *PAPER_EMOTIONS,
    NEUTRAL,
    "boredom",
    "calm",
    "contempt",
    "excitement",
    "frustration",
    "other",
)

# Published spellings and codes: IEMOCAP's and CREMA-D's three letters, RAVDESS's and TESS's words,
# the adjectives of most others.
SYNONYMS: dict[str, str] = {
    "ang": "anger",
    "angry": "anger",
    "dis": "disgust",
    "disgusted": "disgust",
    "fea": "fear",
    "fearful": "fear",
    "anxiety": "fear",
    "anxious": "fear",
    "hap": "happiness",
    "happy": "happiness",
    "joy": "happiness",
    "joyful": "happiness",
    "sad": "sadness",
    "sur": "surprise",
    "surprised": "surprise",
    "ps": "surprise",
    "pleasant surprise": "surprise",
    "neu": NEUTRAL,
    "bored": "boredom",
    "bor": "boredom",
    "cal": "calm",
    "calmness": "calm",
    "con": "contempt",
    "contemptuous": "contempt",
    "exc": "excitement",
    "excited": "excitement",
    "fru": "frustration",
    "frustrated": "frustration",
    "oth": "other",
}

# Of sets that have a name.
NAMED_SETS: dict[str, tuple[str, ...]] = {"paper": PAPER_EMOTIONS}

# Between the labels of a set where it is one text (a manifest's column).
SEPARATOR = "|"


def word(text: str) -> str:
    """Returns a corpus' own word as it is compared: lower case, single spaces, accents composed.

    >>> word("  Pleasant  SURPRISE ")
    'pleasant surprise'
    """
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def canonical(text: str) -> str:
    """Returns the label that a word stands for: lower case, synonyms resolved.

    >>> canonical(" Happy "), canonical("ANG"), canonical("rude")
    ('happiness', 'anger', 'rude')
    """
    return SYNONYMS.get(word(text), word(text))


@dataclasses.dataclass(frozen=True)
class LabelSet:
    """Distinct labels in the order of a network's outputs.

    Attributes:
      labels: Canonical words, at least two.

    Raises:
      UserError: Fewer than two labels, a label twice, or a label that is no canonical word.
    """

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.labels) < 2:
            raise UserError(
                f"a label set needs at least two labels; this one has"
                f" {', '.join(self.labels) or 'none'}; name others too, of"
                f" {', '.join(VOCABULARY)}, or of your own"
            )
        for label in self.labels:
            if not label or SEPARATOR in label or "," in label or label != canonical(label):
                raise UserError(
                    f"`{label}` cannot be a label: write `{canonical(label)}`, without"
                    f" `{SEPARATOR}` and commas"
                )
        if twice := [label for label in self.labels if self.labels.count(label) > 1]:
            raise UserError(f"the label {twice[0]} is in the set twice; name it once")

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __contains__(self, label: object) -> bool:
        return label in self.labels

    def index(self, label: str) -> int:
        """Returns the label's position, which is the network's output for it.

        Raises:
          ValueError: The set has no such label.
        """
        return self.labels.index(label)

    def indices(self, labels: Iterable[str]) -> list[int]:
        """Returns the positions of labels, ascending."""
        return sorted(self.index(label) for label in labels)

    def missing(self, found: Iterable[str]) -> list[str]:
        """Returns the labels that have no clip and need one.

        The paper's six are a set that many corpora have a part of: nobody asked for each of them,
        so where the set has all six, only the others need clips.

        Args:
          found: The labels of all clips.

        >>> LabelSet.parse("paper+neutral").missing(["anger", "sadness"])
        ['neutral']
        >>> LabelSet.parse("anger,sadness").missing(["anger"])
        ['sadness']
        """
        whole = set(PAPER_EMOTIONS) <= set(self.labels)
        excused = {*found, *(PAPER_EMOTIONS if whole else ())}
        return [label for label in self.labels if label not in excused]

    def to_text(self) -> str:
        """Returns the set as one text, as a manifest's column holds it.

        >>> LabelSet(("anger", "neutral")).to_text()
        'anger|neutral'
        """
        return SEPARATOR.join(self.labels)

    @classmethod
    def from_text(cls, text: str) -> "LabelSet":
        """Returns the set that `to_text` wrote; errors as of the class."""
        return cls(tuple(text.split(SEPARATOR)))

    @classmethod
    def parse(cls, text: str) -> "LabelSet":
        """Returns the set that a user names: labels, synonyms and named sets, by `,` or `+`.

        The vocabulary's labels come first and in its order, then those of the user's own, so that
        one set has one order however it is written.

        Raises:
          UserError: One label or none, or two spellings of one label.

        >>> LabelSet.parse("paper+neutral").labels[-2:]
        ('surprise', 'neutral')
        >>> LabelSet.parse("urgent, sad, Angry").labels
        ('anger', 'sadness', 'urgent')
        """
        spelling_of: dict[str, str] = {}
        for spelling in text.replace("+", ",").split(","):
            spelling = spelling.strip()
            if not spelling:
                continue
            for label in NAMED_SETS.get(word(spelling), (canonical(spelling),)):
                if label in spelling_of:
                    raise UserError(
                        f"--emotions {text}: `{spelling_of[label]}` and `{spelling}` are both"
                        f" {label}; name it once"
                    )
                spelling_of[label] = spelling
        try:
            return cls(in_order(spelling_of))
        except UserError as error:
            raise UserError(f"--emotions {text}: {error}") from None


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Returns labels in the vocabulary's order, those outside it last, by name."""
    rank = {label: position for position, label in enumerate(VOCABULARY)}
    return tuple(sorted(set(labels), key=lambda label: (rank.get(label, len(rank)), label)))


PAPER = LabelSet(PAPER_EMOTIONS)


def inferred(labels: Iterable[str]) -> LabelSet:
    """Returns the set of a manifest that does not name one.

    The paper's six if all labels are among them, else just the labels that occur.

    Raises:
      UserError: There is only one label.
    """
    found = set(labels)
    return PAPER if found <= set(PAPER_EMOTIONS) else LabelSet(in_order(found))
