"""`python -m deploy.write`: write the generated files of deploy/ anew."""

import json
from pathlib import Path

from deploy.dashboards import dashboards
from deploy.values import CHART, readme_table, schema

_BEGIN = "<!-- values: made by `python -m deploy.write` -->\n"


def generated() -> dict[Path, str]:
    """Every generated file and what must stand in it."""
    readme = CHART / "README.md"
    head, _, _ = readme.read_text(encoding="utf-8").partition(_BEGIN)
    files = {
        CHART / "values.schema.json": json.dumps(schema(), indent=2) + "\n",
        readme: f"{head}{_BEGIN}\n{readme_table()}",
    }
    for name, dashboard in dashboards().items():
        files[CHART / "dashboards" / f"{name}.json"] = json.dumps(dashboard, indent=2) + "\n"
    return files


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
