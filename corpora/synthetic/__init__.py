"""A synthetic stand-in for the six corpora of the paper, in their native layouts.

Real sentences, said by espeak-ng with prosody and voice quality per emotion after published rules,
by speakers who follow the rules each in their own way. It serves to try the program without a
corpus. It is synthetic, says so, and results on it say nothing about real emotional speech.

A file per corpus tells who says what, and how files are named (`emodb.py` is a short example);
`prosody.py` makes speech of it, `recording.py` files, `build.py` all of them.
"""

from corpora.synthetic.base import KINDS, Clip, Corpus, Speaker
from corpora.synthetic.build import CORPORA, DEFAULT_SCALE, STAMP, VERSION, plan, render, synthesize

__all__ = [
    "CORPORA",
    "DEFAULT_SCALE",
    "KINDS",
    "STAMP",
    "VERSION",
    "Clip",
    "Corpus",
    "Speaker",
    "plan",
    "render",
    "synthesize",
]
