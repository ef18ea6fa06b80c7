"""The custom resources that the chart makes, as far as it uses them: strict, one schema a kind."""

from typing import Any


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
MAP: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
NUMBER: dict[str, Any] = {"type": "integer", "minimum": 1}
ANY: dict[str, Any] = {"type": "object"}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": of}


_RULE = {
    "oneOf": [
        _object({"record": TEXT, "expr": TEXT}, {"labels": MAP}),
        _object({"alert": TEXT, "expr": TEXT, "labels": MAP, "annotations": MAP}, {"for": TEXT}),
    ]
}
_ACL = _object(
    {
        "resource": _object(
            {
                "type": {"enum": ["topic", "group"]},
                "name": TEXT,
                "patternType": {"const": "literal"},
            }
        ),
        "operations": _list({"enum": ["Read", "Write", "Describe", "DescribeConfigs"]}),
        "host": {"const": "*"},
    }
)
SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("monitoring.coreos.com/v1", "PodMonitor"): _object(
        {
            "selector": _object({"matchLabels": MAP}),
            "podMetricsEndpoints": _list(
                _object({"port": TEXT, "path": TEXT, "interval": TEXT}),
            ),
        },
        {"podTargetLabels": _list(TEXT)},
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _object(
        {"groups": _list(_object({"name": TEXT, "rules": _list(_RULE)}))}
    ),
    ("kafka.strimzi.io/v1beta2", "KafkaTopic"): _object(
        {"topicName": TEXT, "partitions": NUMBER, "replicas": NUMBER, "config": ANY}
    ),
    ("kafka.strimzi.io/v1beta2", "KafkaUser"): _object(
        {
            "authentication": _object({"type": {"enum": ["tls", "scram-sha-512"]}}),
            "authorization": _object({"type": {"const": "simple"}, "acls": _list(_ACL)}),
        }
    ),
    ("keda.sh/v1alpha1", "ScaledObject"): _object(
        {
            "scaleTargetRef": _object({"name": TEXT}),
            "minReplicaCount": NUMBER,
            "maxReplicaCount": NUMBER,
            "advanced": _object({"horizontalPodAutoscalerConfig": _object({"behavior": ANY})}),
            "triggers": _list(
                _object(
                    {"type": {"const": "kafka"}, "metadata": MAP},
                    {"authenticationRef": _object({"name": TEXT})},
                )
            ),
        }
    ),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): _object(
        {"secretTargetRef": _list(_object({"parameter": TEXT, "name": TEXT, "key": TEXT}))}
    ),
}


def schema_of(document: dict[str, Any]) -> dict[str, Any]:
    """The schema of one custom resource.

    Raises:
        KeyError: no shape is known for it.
    """
    spec = SPECS[document["apiVersion"], document["kind"]]
    metadata = _object({"name": TEXT, "labels": MAP}, {"annotations": MAP})
    return _object({"apiVersion": TEXT, "kind": TEXT, "metadata": metadata, "spec": spec})
