"""Pictures, Python and JSON Schema of configurations, and the methods that give them."""

from __future__ import annotations

import datetime
import json
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import jsonschema
import pytest

import nrun
from nrun import Config, ConfigError, Partial
from nrun.config.node import Fresh
from nrun_config_view.pages import as_html, as_mermaid
from nrun_config_view.picture import as_svg, as_text
from nrun_config_view.python import as_python
from nrun_config_view.schema import schema_of


@pytest.fixture
def config(targets):
    shared = Config(targets.Layer, dim=3)
    return Partial(
        targets.train,
        layers=[shared, Config(targets.Layer, dim=4, act=targets.Act.GELU, inner=shared)],
        optim=Config(targets.Adam, lr=0.5),
        env={"A": "x\n"},
    )


# ---- pictures


def test_a_tree_of_text_shows_shared_nodes_once(config):
    assert as_text(config).splitlines() == [
        "Partial(train)",
        "├─ layers",
        "│  ├─ [0] = Config(Layer) #1",
        "│  │  └─ dim = 3",
        "│  └─ [1] = Config(Layer)",
        "│     ├─ dim = 4",
        "│     ├─ act = <Act.GELU: 2>",
        "│     └─ inner → #1",
        "├─ optim = Config(Adam)",
        "│  └─ lr = 0.5",
        "└─ env = {'A': 'x\\n'}",
    ]


def test_a_drawing_is_xml_with_links_to_what_is_shared(config):
    root = ET.fromstring(as_svg(config))
    space = "{http://www.w3.org/2000/svg}"
    words = [text.text for text in root.iter(f"{space}text")]
    assert len(words) == len(as_text(config).splitlines())
    assert "[0] = Config(Layer) #1" in words
    marks = {element.get("id") for element in root.iter() if element.get("id")}
    links = {link.get("href").removeprefix("#") for link in root.iter(f"{space}a")}
    assert links == marks
    assert len(links) == 1
    assert [path.get("class") for path in root.iter(f"{space}path")].count("same") == 1
    assert as_svg(config) == as_svg(config.clone())


def test_what_a_configuration_holds_cannot_break_a_drawing():
    config = Config("m:f", **{"a<b": '</svg>&"', "c": "\x1b[31m"})
    root = ET.fromstring(as_svg(config))
    assert root.get("aria-label") == "Config(f)"
    assert "\x1b" not in as_svg(config) + as_text(config)


class Reading(HTMLParser):
    """What is in a page: the marks, the links, how deep it folds, and the text."""

    def __init__(self):
        super().__init__()
        self.marks, self.links, self.words, self.deepest, self.open = [], [], [], 0, []

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)
        self.deepest = max(self.deepest, self.open.count("details"))
        self.marks += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += [data] if "span" in self.open else []


def test_a_page_folds_and_leads_to_what_is_shared(config):
    page = Reading()
    page.feed(as_html(config))
    assert page.open == []
    assert (page.marks, page.links, page.deepest) == (["n1"], ["#n1"], 3)
    assert page.words == [line.lstrip("├─└│ ") for line in as_text(config).splitlines()]


def test_a_flowchart_has_a_box_for_each_node_and_an_arrow_for_each_place(config):
    assert as_mermaid(config).splitlines() == [
        "flowchart LR",
        """  n0["Partial(train)<br>env = #123;'A': 'x#92;n'#125;"]""",
        '  n1["Config(Layer)<br>dim = 3"]',
        '  n2["Config(Layer)<br>dim = 4<br>act = #60;Act.GELU: 2#62;"]',
        '  n3["Config(Adam)<br>lr = 0.5"]',
        '  n0 -->|"layers[0]"| n1',
        '  n0 -->|"layers[1]"| n2',
        '  n2 -->|"inner"| n1',
        '  n0 -->|"optim"| n3',
    ]
    assert as_mermaid([1, 2]).splitlines()[1] == '  n0["[1, 2]"]'


def test_what_a_configuration_holds_cannot_break_a_page():
    hostile = Config("m:f", **{"a<b": '</details><script>"', "c": '"] n9["', "\x1b[31m": 1})
    page = Reading()
    page.feed(as_html(hostile))
    assert page.words[1:] == ["a<b = '</details><script>\"'", "c = '\"] n9[\"'", "\\x1b[31m = 1"]
    for line in as_mermaid(hostile).splitlines():
        assert re.fullmatch(r"""flowchart LR|  n\d+\["[\w .=#;'()<>\[\]/-]*"\]""", line)


def test_a_deep_chain_is_drawn():
    config = Config("m:f")
    for _ in range(2000):
        config = Config("m:f", inner=config)
    assert len(as_text(config).splitlines()) == 2001
    ET.fromstring(as_svg(config))
    assert as_html(config).count("<details") == 2000
    assert as_mermaid(config).count("-->") == 2000


def test_the_methods_of_configurations(config, tmp_path):
    other = config.clone()
    other.optim.lr = 0.25
    difference = other.diff(config)
    assert str(difference) == "- optim.lr = 0.5\n+ optim.lr = 0.25"
    assert difference.overrides() == ["optim.lr=0.25"]
    assert not config.diff(config.clone())
    picture = config.visualize()
    assert str(picture) == as_text(config)
    assert picture._repr_svg_() == as_svg(config)
    config.save_config_img(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text("utf-8") == as_svg(config)
    config.save_config_img(tmp_path / "a.html")
    config.save_config_img(tmp_path / "a.mmd")
    assert (tmp_path / "a.html").read_text("utf-8") == as_html(config)
    assert (tmp_path / "a.mmd").read_text("utf-8") == as_mermaid(config)
    for name in ("a.png", "a"):
        with pytest.raises(ConfigError, match=r"\.svg"):
            config.save_config_img(tmp_path / name)
    with pytest.raises(ConfigError, match="cannot write"):
        config.save_config_img(tmp_path / "no" / "a.svg")


# ---- Python


def made_by(code: str):
    names: dict = {}
    exec(compile(code, "made", "exec"), names)
    return names["config"]


def test_python_makes_the_configuration_again(config):
    assert made_by(as_python(config)) == config


def test_python_has_words_for_every_value(targets):
    values = [
        float("nan"), float("-inf"), 1 + 2j, b"\x00'", (1,), (), set(), {1}, frozenset({2}), frozenset(), {"a": [None]},
        Path("a/b"), targets.Act.RELU, targets.Point(3), targets.Layer, len, int, Decimal("1.50"), UUID(int=5),
        datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), datetime.timedelta(seconds=-1),
    ]  # fmt: skip
    config = Config(dict, values=values, **{"class": 1, "a-b": 2})
    assert made_by(as_python(config)) == config


def test_python_of_deep_trees_partials_and_positional_arguments(targets):
    config = Config(print, 1, 2, Partial(targets.train, optim=Fresh(targets.Adam)))
    for _ in range(300):
        config = Config(dict, inner=config)
    assert made_by(as_python(config)) == config


# ---- JSON Schema


def test_a_schema_has_types_docs_defaults_and_choices(targets):
    schema = schema_of(targets.train)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$ref"] == "#/$defs/view_targets:train"
    train = schema["$defs"]["view_targets:train"]
    assert train["description"] == "Train."
    assert train["else"] == {"required": ["layers"]}
    assert "additionalProperties" not in train
    arguments = {name: argument["anyOf"][0] for name, argument in train["properties"].items() if name[0] != "$"}
    assert arguments["mode"] == {"enum": ["fast", "slow"]}
    assert arguments["out"]["anyOf"][0] == {"type": "string"}
    assert train["properties"]["out"]["default"] == {"$path": "out"}
    assert arguments["env"]["anyOf"] == [
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "null"},
    ]
    assert arguments["layers"]["type"] == "array"
    layer = schema["$defs"]["view_targets:Layer"]
    assert layer["properties"]["dim"]["description"] == "How wide it is."
    assert layer["properties"]["act"]["anyOf"][0]["properties"]["name"] == {"enum": ["RELU", "GELU"]}
    assert layer["additionalProperties"] is False


def test_a_schema_knows_subclasses_and_classes_within_themselves(targets):
    schema = schema_of(targets.train)
    optim = schema["$defs"]["view_targets:train"]["properties"]["optim"]["anyOf"][0]["anyOf"][0]
    assert optim["properties"]["$target"]["examples"] == ["view_targets:Optim", "view_targets:Adam"]
    assert optim["allOf"][1] == {
        "if": {"properties": {"$target": {"const": "view_targets:Adam"}}, "required": ["$target"]},
        "then": {"$ref": "#/$defs/view_targets:Adam"},
    }
    references = set(re.findall(r"'#/\$defs/([^']*)'", repr(schema)))
    assert references == set(schema["$defs"])


def test_a_validator_accepts_what_is_written_and_refuses_what_does_not_fit(targets, config):
    schema = schema_of(targets.train)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = json.loads(nrun.dumps(config, "json"))
    assert [*validator.iter_errors(document)] == []
    fast = {"$target": "view_targets:Optim", "lr": "fast"}
    for name, value in {"mode": "slowest", "layers": 3, "env": {"A": 1}, "optim": fast}.items():
        assert not validator.is_valid({**document, name: value}), name
    assert validator.is_valid({**document, "mode": "slow", "optim": {"lr": 1}, "out": "${mode}"})


def test_what_no_document_can_name_has_no_schema():
    with pytest.raises(ConfigError, match="lambda"):
        schema_of(lambda: None)
