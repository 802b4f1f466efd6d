"""What an environment is made with, as words of the command line and as a table."""

from __future__ import annotations

import json

import pytest

from maddpg.config import Config
from maddpg.settings import from_dict, merge, read_arguments, to_dict


def test_a_value_is_json_or_else_a_word():
    words = ["N=3", "share=0.5", "on=true", "off=null", "sizes=[1, 2]", "mode=human", "name=", "path=a=b", 'text="3"']

    assert read_arguments(words) == {
        "N": 3,
        "share": 0.5,
        "on": True,
        "off": None,
        "sizes": [1, 2],
        "mode": "human",
        "name": "",
        "path": "a=b",
        "text": "3",
    }
    assert read_arguments([]) == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["N"], r"argument 'N': it must be NAME=VALUE, such as N=3"),
        (["=3"], r"argument '=3': it must be NAME=VALUE"),
        (["a b=3"], r"argument 'a b=3': it must be NAME=VALUE"),
        (["N=3", "N=4"], r"argument 'N=4': N is there twice; give it once"),
        (['N={"a": 1}'], r"arguments.N = \{'a': 1\}: it must be a number, a word, true or false, or a list of those"),
        (["N=[[1]]"], r"arguments.N = \[\[1\]\]: it must be a number"),
        (["N=Infinity"], r"arguments.N = inf: it must be finite; give a large number, such as 1e9, or leave it out"),
        (["N=1e999"], r"arguments.N = inf: it must be finite"),
        (["N=[1, NaN]"], r"arguments.N = \[1, nan\]: it must be finite"),
    ],
)
def test_other_words_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        read_arguments(words)


def test_tables_are_laid_over_each_other_by_name_and_survive_a_file():
    base = merge(Config("mpe2:simple_tag_v3"), {"arguments": {"N": 3, "names": ("a", "b")}})
    config = merge(base, {"arguments": {"N": 4}})

    assert config.arguments == {"N": 4, "names": ["a", "b"]}
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize("table", [3, {"N": {"deep": 1}}, {"not a name": 1}, {"N": object()}, {"N": float("-inf")}])
def test_tables_of_anything_else_are_refused(table):
    with pytest.raises(ValueError, match=r"^arguments"):
        merge(Config("mpe2:simple_tag_v3"), {"arguments": table})
