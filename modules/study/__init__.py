"""The transfer study's cells: what to train, in which order, and the store of what came out.

Imports keras, numpy and the standard library only, so that cells run on any Keras backend.
"""
