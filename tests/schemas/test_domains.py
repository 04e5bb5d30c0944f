import unicodedata

import pytest

from schemas import domains


@pytest.mark.parametrize(
    "name", ["emodb", "calls-2", "звонки", "呼叫", "हिन्दी", "Anrufe_ä", "a", "2nd", "x" * 60]
)
def test_letters_of_any_script(name):
    for form in ("NFC", "NFD"):
        spelled = unicodedata.normalize(form, name)
        assert len(spelled) > 60 or domains.problem(spelled) == ""


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a b", "a.b", "-a", "_a", "a$", "a%", "a&b", "<a>", "a,b", "a:b", "a\nb",
     "a{", "12", "x" * 61, 'a"', "a\u202eb", "a\u200bb"],
)  # fmt: skip
def test_what_means_something_elsewhere(name):
    assert domains.problem(name).startswith("allowed are letters")


@pytest.mark.parametrize("name", ["multi-domain", "Multi-Domain", "pretrain", "pretrain-without-a"])
def test_names_of_the_programs_own(name):
    assert domains.problem(name) == "the program itself uses that name"


def test_a_name_that_would_do():
    assert domains.problem("my calls/2024").endswith("; write my_calls_2024")
