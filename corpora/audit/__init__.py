"""What is wrong with a manifest, or with folds made elsewhere, before anything is trained on it.

`audit` listens to every recording and returns an `Audit`: what breaks an honest measurement
(errors), what weakens it (warnings), and what one should know (notes). docs/audit.md lists the
checks.
"""

from corpora.audit.report import ERROR, NOTE, WARNING, Audit, Finding
from corpora.audit.run import audit, audit_fold_list

__all__ = ["ERROR", "NOTE", "WARNING", "Audit", "Finding", "audit", "audit_fold_list"]
