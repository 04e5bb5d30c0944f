"""The one exception that means: the input is at fault, not the program."""


class UserError(Exception):
    """Bad input. The message names the file or key, what is wrong, and what to do about it.

    The command line prints the message without a traceback and exits with 2.
    """
