"""Which clips an index uses, by their labels: a label set, and what a corpus' own words stand for.

Readers give every label that their corpus has. Here a user's mapping (`--label csv.hap=happiness`)
comes first, then published spellings (`schemas.labels.canonical`), then the set: what is not in it
is skipped by its word.
"""

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from corpora.readers import READERS, Found
from schemas import labels
from schemas.errors import UserError
from schemas.labels import LabelSet
from schemas.utterance import Utterance

# In place of a label: clips with the word are left out.
SKIP = "skip"


class Labelling:
    """Labels what readers found, and remembers the words that it met.

    Args:
      label_set: The labels to use.
      words: Corpus to word to the label it stands for, or `SKIP`.

    Raises:
      UserError: A word is mapped to a label outside the set, or is mapped twice in two spellings.
    """

    def __init__(self, label_set: LabelSet, words: Mapping[str, Mapping[str, str]]):
        self.label_set = label_set
        self._labels_of = {
            corpus: self._checked(corpus, mapping) for corpus, mapping in words.items()
        }
        self._met: set[tuple[str, str]] = set()
        # Corpus to unknown word to its number of clips.
        self._unknown: dict[str, collections.Counter[str]] = {}

    def mapping(self, corpus: str) -> dict[str, str]:
        """Returns the user's mapping for a corpus, word to label or `SKIP`."""
        return dict(self._labels_of.get(corpus, {}))

    def apply(self, corpus: str, item: Found) -> Found:
        """Returns the item with its label, or skipped by its word if the set lacks that."""
        if item.utterance is None:
            return item
        word = item.utterance.emotion
        label = self._label(corpus, word)
        if label in self.label_set:
            utterance = dataclasses.replace(item.utterance, emotion=label)
            return dataclasses.replace(item, utterance=utterance)
        if label not in (SKIP, *labels.VOCABULARY) and READERS[corpus].CORPUS.may_misspell:
            self._unknown.setdefault(corpus, collections.Counter())[word] += 1
        return dataclasses.replace(
            item, utterance=None, reason=labels.word(word) if label == SKIP else label
        )

    def check_words(self) -> None:
        """Raises UserError where `apply` met unknown words in a corpus that may misspell them."""
        problems = []
        for corpus, counts in self._unknown.items():
            found = ", ".join(f"`{word}` ({count:,})" for word, count in counts.most_common())
            example = counts.most_common(1)[0][0]
            problems.append(
                f"corpus {corpus}: unknown emotions: {found}; known are"
                f" {', '.join(labels.in_order({*labels.VOCABULARY, *self.label_set}))} and usual"
                f" spellings of them. Say what a word stands for with --label"
                f" {corpus}.{example}=LABEL, leave it out with --label"
                f" {corpus}.{example}={SKIP}, or name it in --emotions"
            )
        if problems:
            raise UserError("\n".join(problems))

    def check_labels(self, found: Sequence[Found], utterances: Iterable[Utterance]) -> None:
        """Checks that every label that was asked for has a clip.

        Those of the paper's six are excused where the set has all of them (`LabelSet.missing`).

        Args:
          found: All that the readers found, labelled.
          utterances: Those of it that are used.

        Raises:
          UserError: A label has none.
        """
        used = collections.Counter(clip.emotion for clip in utterances)
        if not (lacking := self.label_set.missing(used)):
            return
        skipped = collections.Counter(item.reason for item in found)
        counts = {word: used[word] or skipped[word] for word in labels.VOCABULARY} | used
        have = ", ".join(f"{word} ({count:,})" for word, count in counts.items() if count)
        raise UserError(
            f"--emotions: no clip is labelled {' or '.join(lacking)}; these corpora have"
            f" {have or 'no known label'}; leave {' and '.join(lacking)} out, or add a corpus that"
            " has it"
        )

    def unmet(self) -> list[tuple[str, str]]:
        """Returns the corpora and words that are mapped, but that no clip is labelled with."""
        return [
            (corpus, word)
            for corpus, mapping in self._labels_of.items()
            for word in mapping
            if (corpus, word) not in self._met
        ]

    def _label(self, corpus: str, word: str) -> str:
        """Returns what a corpus' word stands for; its own spelling is looked up first."""
        mapping = self._labels_of.get(corpus, {})
        for spelling in (labels.word(word), labels.canonical(word)):
            if spelling in mapping:
                self._met.add((corpus, spelling))
                return mapping[spelling]
        return labels.canonical(word)

    def _checked(self, corpus: str, mapping: Mapping[str, str]) -> dict[str, str]:
        """Returns the mapping with words and labels in the spelling in which they are compared."""
        result: dict[str, str] = {}
        for word, target in mapping.items():
            label = labels.canonical(target)
            if label != SKIP and label not in self.label_set:
                raise UserError(
                    f"--label {corpus}.{word}={target}: {label} is not in the label set; allowed:"
                    f" {', '.join(self.label_set)}, or {SKIP}; name it in --emotions to use it"
                )
            if result.setdefault(labels.word(word), label) != label:
                raise UserError(
                    f"--label {corpus}.{word}={target}: the word is also mapped to"
                    f" {result[labels.word(word)]}; map it once"
                )
        return result
