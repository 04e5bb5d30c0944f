"""Which blessed model a new candidate has to compare with."""
