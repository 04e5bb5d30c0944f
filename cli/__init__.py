"""The `ser` command. Thin: every heavy import happens inside the function that needs it."""
