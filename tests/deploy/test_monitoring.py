"""Rules, dashboards and runbooks: what they name exists, and alerts fire and stay quiet."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
from ruamel.yaml import YAML

import stream_app.metrics
from deploy.dashboards import dashboards
from deploy.values import CHART

RULES = CHART / "rules" / "cg-trans-03.yaml"
PROMTOOL_TESTS = sorted((Path(__file__).parent / "rules").glob("*.test.yaml"))
GROUPS = YAML(typ="safe").load(RULES)["groups"]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}
RECORDED = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
# prometheus-client's own, about the process.
OF_THE_PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
DASHBOARDS = dashboards()
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
]
UNITS = {"s", "short", "reqps", "ops", "Bps", "bytes", "percentunit"}


def exported() -> dict[str, set[str]]:
    """Every series the service can export, and its labels."""
    found: dict[str, set[str]] = {}
    suffixes = {
        "counter": ["_total"],
        "gauge": [""],
        "info": ["_info"],
        "histogram": ["_bucket", "_count", "_sum"],
    }
    for metric in vars(stream_app.metrics).values():
        if isinstance(metric, prometheus_client.metrics.MetricWrapperBase):
            for suffix in suffixes[metric._type]:
                labels = {*metric._labelnames, "version", "sha256"} if suffix == "_info" else None
                found[metric._name + suffix] = labels or {*metric._labelnames, "le"}
    return found


EXPORTED = exported()


def named(expression: str) -> set[str]:
    """The series of ours that an expression names."""
    return set(re.findall(r"\b(?:cg_trans_03|process)[\w:]+", expression))


def expressions() -> Iterator[tuple[str, str]]:
    for group in GROUPS:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", target["expr"]
        for variable in dashboard["templating"]["list"]:
            yield f"{name}: {variable['name']}", variable["query"]


def test_every_series_exists_in_the_code_when_named() -> None:
    unknown = {
        f"{where}: {name}"
        for where, expression in expressions()
        for name in named(expression)
        if name not in EXPORTED.keys() | RECORDED | OF_THE_PROCESS
    }
    assert unknown == set()


def test_every_label_exists_in_the_code_when_selected_or_grouped_by() -> None:
    """Labels of the target (namespace, pod, instance) are given by Prometheus."""
    targets = {"namespace", "pod", "instance", ""}
    wrong = set()
    for where, expression in expressions():
        known = set().union(*(EXPORTED.get(name, set()) for name in named(expression)))
        if named(expression) & RECORDED:
            known |= {"topic", "decision"}
        used = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", expression))
        for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
            used |= {label.strip() for label in group.split(",")}
        made = set(re.findall(r'label_replace\(.*?, "(\w+)"', expression))
        wrong |= {f"{where}: {label}" for label in used - known - targets - made}
    assert wrong == set()


def test_every_recorded_series_is_used_when_recorded() -> None:
    used = set().union(*(named(expression) for _, expression in expressions()))
    assert RECORDED - used <= {"cg_trans_03:records_read:rate5m"}


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_what_to_do_when_it_fires(name: str) -> None:
    rule = ALERTS[name]
    assert name.startswith("CgTrans03")
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    link = rule["annotations"]["runbook_url"]
    assert link == f"runbooks/{name}.md"
    page = (CHART / link).read_text()
    assert page.startswith(f"# {name}\n")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings == ["What it means", "How to look", "What to do"]
    assert all(
        len(part.strip()) > 80 for part in re.split(r"^## .*$", page, flags=re.MULTILINE)[1:]
    )


def test_no_runbook_is_left_over_when_an_alert_goes() -> None:
    pages = {path.stem for path in (CHART / "runbooks").glob("*.md")} - {"README"}
    assert pages == ALERTS.keys()


def test_runbooks_name_only_what_exists_when_they_name_metrics_and_settings() -> None:
    from stream_app.settings import Settings

    for page in (CHART / "runbooks").glob("*.md"):
        text = page.read_text()
        unknown = named(text) - EXPORTED.keys() - RECORDED - OF_THE_PROCESS
        assert unknown == set(), page.name
        settings = set(re.findall(r"CG_TRANS_03_([A-Z_]+)", text))
        assert {name.lower() for name in settings} <= Settings.model_fields.keys(), page.name


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_tried_both_ways_when_promtool_tests(name: str) -> None:
    """One case must expect it to fire, one must expect it (or anything at all) not to."""
    fires = quiet = False
    for path in PROMTOOL_TESTS:
        for case in YAML(typ="safe").load(path)["tests"]:
            for check in case["promql_expr_test"]:
                mine = f'alertname="{name}"' in check["expr"]
                fires |= mine and bool(check["exp_samples"])
                quiet |= not check["exp_samples"] and (mine or "alertname" not in check["expr"])
    assert fires
    assert quiet


def test_the_rules_hold_when_promtool_checks_them(promtool: str) -> None:
    subprocess.run([promtool, "check", "rules", RULES], check=True, capture_output=True)


@pytest.mark.parametrize("cases", PROMTOOL_TESTS, ids=lambda path: path.name)
def test_groups_are_taken_in_the_order_of_the_file_when_promtool_tests(cases: Path) -> None:
    order = YAML(typ="safe").load(cases)["group_eval_order"]
    assert order == [group["name"] for group in GROUPS]


@pytest.mark.parametrize("cases", PROMTOOL_TESTS, ids=lambda path: path.name)
def test_alerts_fire_and_stay_quiet_when_they_should(
    promtool: str, cases: Path, tmp_path: Path
) -> None:
    shutil.copy(RULES, tmp_path)
    shutil.copy(cases, tmp_path)
    done = subprocess.run(
        [promtool, "test", "rules", tmp_path / cases.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_can_be_read_when_shown(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"].strip()
    assert len(panel["description"]) > 20
    assert defaults["unit"] in UNITS
    assert panel["datasource"]["uid"] == "${datasource}"
    place = panel["gridPos"]
    assert place["x"] + place["w"] <= 24
    letters = [target["refId"] for target in panel["targets"]]
    assert len(set(letters)) == len(letters)
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        assert target["legendFormat"]
        assert 'namespace=~"$namespace"' in target["expr"]
        for function, window in re.findall(r"(rate|increase)\([^\[]*\[([^\]]+)\]", target["expr"]):
            assert window in {"$__rate_interval", "$__range"}, f"{function} over {window}"


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=list(DASHBOARDS))
def test_panels_do_not_overlap_when_laid_out(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    kinds = {variable["name"]: variable["type"] for variable in dashboard["templating"]["list"]}
    assert kinds["datasource"] == "datasource"


def test_the_whole_of_each_dashboard_arrives_when_the_chart_is_rendered(render) -> None:
    documents = render("-f", CHART / "ci" / "strimzi-keda-values.yaml")
    found = {
        name: json.loads(text)
        for document in documents
        if document["kind"] == "ConfigMap" and "dashboard" in document["metadata"]["name"]
        for name, text in document["data"].items()
    }
    assert found == {f"cg-trans-03-{name}.json": board for name, board in DASHBOARDS.items()}


def test_alerts_link_to_the_runbooks_when_their_address_is_given(render) -> None:
    documents = render("-f", CHART / "ci" / "strimzi-keda-values.yaml")
    (rules,) = (one for one in documents if one["kind"] == "PrometheusRule")
    links = {
        rule["annotations"]["runbook_url"]
        for group in rules["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert links == {f"https://runbooks.example/cg-trans-03/{name}.md" for name in ALERTS}
    summaries = json.dumps(rules)
    assert "{{ $labels.topic }}" in summaries, "Helm must leave Prometheus's own templates alone"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_there_is_a_picture_when_there_is_a_dashboard(repo: Path, name: str) -> None:
    """Drawn by `make pictures`; nobody can say from here whether it is of today."""
    assert (repo / "docs" / "pictures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
