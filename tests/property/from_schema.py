"""Values made from a JSON Schema: the part of draft-07 that our own schemas use.

(The library hypothesis-jsonschema stopped at a Hypothesis whose internals have moved since.)
Whatever a keyword leaves open is drawn wide and then filtered by a validator.
"""

from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

Schema = dict[str, Any]

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(max_size=8)
)
anything = st.recursive(
    _scalars,
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3)
    ),
    max_leaves=6,
)
_FORMATS = {
    "date": st.dates().map(lambda day: day.isoformat()),
    "date-time": st.from_regex(
        r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]"
        r":([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
        fullmatch=True,
    ),
}


def from_schema(schema: Schema, root: Schema | None = None) -> st.SearchStrategy[Any]:
    """Values that a schema accepts, formats asserted."""
    root = schema if root is None else root
    whole = {**schema, "definitions": root.get("definitions", {})}
    return _drawn(schema, root).filter(
        jsonschema_rs.Draft7Validator(whole, validate_formats=True).is_valid
    )


def _drawn(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return from_schema(root["definitions"][schema["$ref"].removeprefix("#/definitions/")], root)
    if "if" in schema:
        rest = {key: schema[key] for key in schema if key not in {"if", "then", "else"}}
        branches = (_joined(rest, schema["if"], schema["then"]), _joined(rest, schema["else"]))
        return st.one_of([_drawn(branch, root) for branch in branches])
    if "anyOf" in schema:
        return st.one_of([from_schema(each, root) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    kinds = schema.get("type")
    if kinds is None:
        return anything
    return st.one_of(
        [_of_type(kind, schema, root) for kind in (kinds if isinstance(kinds, list) else [kinds])]
    )


def _joined(*schemas: Schema) -> Schema:
    """Schemas of one object, of which all hold; of a property's the last counts."""
    joined: Schema = {}
    for schema in schemas:
        required = [*joined.get("required", []), *schema.get("required", [])]
        properties = {**joined.get("properties", {}), **schema.get("properties", {})}
        joined = {**joined, **schema, "required": required, "properties": properties}
    return joined


def _of_type(kind: str, schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            low, high = schema.get("minimum"), schema.get("maximum")
            return st.integers(low, high) | st.integers(low, 9).map(float)
        case "string":
            return _strings(schema)
        case "array":
            items = from_schema(schema["items"], root)
            most = min(schema.get("maxItems", 4), 4)
            return st.lists(items, min_size=schema.get("minItems", 0), max_size=most)
        case "object":
            return _objects(schema, root)
    raise NotImplementedError(kind)


def _strings(schema: Schema) -> st.SearchStrategy[str]:
    if "format" in schema:
        return _FORMATS[schema["format"]]
    if "pattern" in schema:
        return st.from_regex(schema["pattern"])
    return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength"))


def _objects(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    required = schema.get("required", [])
    fields = {name: from_schema(each, root) for name, each in schema["properties"].items()}
    known = st.fixed_dictionaries(
        {name: fields[name] for name in required},
        optional={name: fields[name] for name in fields if name not in required},
    )
    extra = st.dictionaries(st.text(max_size=8), anything, max_size=2)
    return st.builds(lambda unknown, given: {**unknown, **given}, extra, known)
