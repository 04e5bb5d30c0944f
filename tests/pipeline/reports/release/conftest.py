"""The page of the fabricated run, drawn once."""

import fabricated_run
import pytest
from html_page import Page


@pytest.fixture(scope="session")
def page() -> Page:
    return fabricated_run.page(fabricated_run.run(), drawn=True)
