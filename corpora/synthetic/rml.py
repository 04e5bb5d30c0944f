"""RML: eight speakers of six languages, 22,050 Hz, in videos; `rml-1/s1/an1.avi`.

Who speaks more than English has a folder for each language.
"""

from collections.abc import Sequence

import numpy as np

from corpora.synthetic import base

CODES = {
    "anger": "an",
    "disgust": "di",
    "fear": "fe",
    "happiness": "ha",
    "sadness": "sa",
    "surprise": "su",
}
CLIPS = 650  # in the paper's Table 1
TEXTS = {
    "English": (
        "The train to the city leaves at seven",
        "My sister has bought a new house",
        "We are going to the market tomorrow",
        "The books are lying on the table",
        "He has been here since last winter",
    ),
    "Mandarin": (
        "我们明天早上去市场买东西",
        "他的书在那张桌子上面",
        "火车七点钟从这里出发",
        "我姐姐买了一个新房子",
        "他们昨天晚上都在我家",
    ),
    "Urdu": (
        "ہم کل صبح بازار جائیں گے",
        "میری بہن نے نیا گھر خریدا ہے",
        "کتابیں میز پر رکھی ہوئی ہیں",
        "گاڑی سات بجے شہر جاتی ہے",
        "وہ پچھلے سال سے یہاں رہتا ہے",
    ),
    "Punjabi": (
        "ਅਸੀਂ ਕੱਲ੍ਹ ਸਵੇਰੇ ਬਾਜ਼ਾਰ ਜਾਵਾਂਗੇ",
        "ਮੇਰੀ ਭੈਣ ਨੇ ਨਵਾਂ ਘਰ ਖਰੀਦਿਆ ਹੈ",
        "ਕਿਤਾਬਾਂ ਮੇਜ਼ ਉੱਤੇ ਪਈਆਂ ਹਨ",
        "ਗੱਡੀ ਸੱਤ ਵਜੇ ਸ਼ਹਿਰ ਜਾਂਦੀ ਹੈ",
        "ਉਹ ਪਿਛਲੇ ਸਾਲ ਤੋਂ ਇੱਥੇ ਰਹਿੰਦਾ ਹੈ",
    ),
    "Persian": (
        "فردا صبح به بازار می‌رویم",
        "خواهرم خانه‌ی تازه‌ای خریده است",
        "کتاب‌ها روی میز هستند",
        "قطار ساعت هفت به شهر می‌رود",
        "او از سال گذشته اینجا زندگی می‌کند",
    ),
    "Italian": (
        "Domani mattina andiamo al mercato",
        "Mia sorella ha comprato una casa nuova",
        "I libri sono sopra la tavola",
        "Il treno per la città parte alle sette",
        "Lui vive qui dall'inverno scorso",
    ),
}
VOICES = {
    "English": "en-us",
    "Mandarin": "cmn",
    "Urdu": "ur",
    "Punjabi": "pa",
    "Persian": "fa",
    "Italian": "it",
}
# Folder, languages, variant, tract.
SPEAKERS = {
    "rml-1/s1": (("English",), "m4", 1.05),
    "rml-1/s2": (("Mandarin", "English"), "f1", 1.0),
    "rml-1/s3": (("Urdu",), "m2", 1.1),
    "rml-1/s4": (("Punjabi",), "m7", 1.0),
    "rml-1/s5": (("Persian",), "linda", 0.97),
    "rml-2/s6": (("Italian",), "max", 1.0),
    "rml-2/s7": (("Urdu", "Punjabi"), "m3", 0.98),
    "rml-2/s8": (("Mandarin",), "m1", 1.12),
}


def plan(scale: float, extra: Sequence[str], rng: np.random.Generator) -> list[base.Clip]:
    """Returns all recordings; see `base.Corpus`."""
    speakers = [
        base.Speaker(name=folder, variant=variant, language=VOICES[languages[0]], tract=tract)
        for folder, (languages, variant, tract) in SPEAKERS.items()
    ]
    shares = dict.fromkeys(CODES, 1)
    clips = []
    for cell in base.deal(round(scale * CLIPS), shares=shares, speakers=speakers, rng=rng):
        folder, code = cell.speaker.name, CODES[cell.emotion]
        languages = SPEAKERS[folder][0]
        for i in range(cell.count):
            language, number = languages[i % len(languages)], i // len(languages) + 1
            within = folder if languages == ("English",) else f"{folder}/{language}"
            text = TEXTS[language][rng.integers(len(TEXTS[language]))]
            clips.append(
                base.Clip(
                    corpus="rml",
                    path=f"{within}/{code}{number}.avi",
                    speaker=base.Speaker(
                        name=folder,
                        variant=cell.speaker.variant,
                        language=VOICES[language],
                        tract=cell.speaker.tract,
                    ),
                    emotion=cell.emotion,
                    code=code,
                    texts=base.said(cell, i, text),
                )
            )
    return clips


CORPUS = base.Corpus(
    name="rml",
    rate_hz=22_050,
    sound="pcm_s16le",
    words_per_minute=160,
    scene=base.Scene(noise_dbfs=-58, echo_db=-20),
    quirks="videos; six languages; all but s1 have a folder for each language.",
    plan=plan,
)
