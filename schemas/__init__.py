"""The contract: names, label sets and small tools that every other package shares.

The bottom floor. Nothing here imports more than the standard library, so that the command line and
clients stay light.
"""
