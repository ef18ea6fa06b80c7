"""The Grafana dashboards, as data: what to show, in which unit, and what it tells."""

from typing import Any

from deploy.panels.core import CORE
from deploy.panels.decisions import DECISIONS
from deploy.panels.panel import Panel
from deploy.panels.replay import REPLAY

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WHERE = 'namespace=~"$namespace"'


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard by its file name."""
    return {
        "core": _dashboard("core", "CG-TRANS-03: core", CORE),
        "decisions": _dashboard("decisions", "CG-TRANS-03: decisions", DECISIONS),
        "replay": _dashboard("replay", "CG-TRANS-03: replay", REPLAY),
    }


def _dashboard(uid: str, title: str, panels: tuple[Panel, ...]) -> dict[str, Any]:
    shown, x, y = [], 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > 24:
            x, y = 0, y + 8
        shown.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": 8}))
        x += panel.width
    return {
        "uid": f"cg-trans-03-{uid}",
        "title": title,
        "tags": ["cg-trans-03"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _VARIABLES},
        "panels": shown,
    }


_VARIABLES: list[dict[str, Any]] = [
    {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
    {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": _DATASOURCE,
        "query": "label_values(cg_trans_03_build_info, namespace)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        # Where Prometheus gives no namespace, such as on a laptop, all means none, too.
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    },
]


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    instant = "$__range" in panel.queries[0][0] or panel.kind == "stat"
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _DATASOURCE,
                "expr": expression.replace("$W", _WHERE),
                "legendFormat": legend,
                "instant": instant,
                "range": not instant,
            }
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }
