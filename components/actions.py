"""What a check does about what it found: the words of configurations."""

STOP, REPORT, OFF = "stop", "report", "off"
ACTIONS: tuple[str, ...] = (STOP, REPORT, OFF)

# Of anomalies, which TFDV tells with a severity: only those that are no warnings stop.
ERRORS = "errors"
ANOMALY_ACTIONS: tuple[str, ...] = (STOP, ERRORS, REPORT)
