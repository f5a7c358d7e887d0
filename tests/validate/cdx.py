"""Judges CycloneDX documents by PyPI's cyclonedx-python-lib: one line a document, status 1 if any is refused."""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

EDITIONS = {"1.5": SchemaVersion.V1_5, "1.6": SchemaVersion.V1_6, "1.7": SchemaVersion.V1_7}

refused = 0
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    edition = EDITIONS[json.loads(text)["specVersion"]]
    errors = list(JsonStrictValidator(edition).validate_str(text, all_errors=True) or [])
    for error in errors:
        print(path, error.data.json_path, error.data.message[:300])
    refused += bool(errors)
    print(path, "refused" if errors else "valid")
sys.exit(bool(refused))
