"""Judges SPDX 3.0.1 documents by PyPI's spdx3-validate (the JSON Schema and the SHACL shapes) and spdx-python-model.

The first fetches the edition's own files from spdx.org; SPDX3_DIR names a folder that holds them, for machines without a
network. Status 1 if any document is refused.
"""

import email.message
import os
import subprocess
import sys
import urllib.request
import urllib.response

FILES = {
    "https://spdx.org/rdf/3.0.1/spdx-context.jsonld": ("spdx301-spdx-context.jsonld", "application/ld+json"),
    "https://spdx.org/rdf/3.0.1/spdx-model.ttl": ("spdx301-spdx-model.ttl", "text/turtle"),
    "https://spdx.org/schema/3.0.1/spdx-json-schema.json": ("spdx301-schema.json", "application/json"),
}


class Local(urllib.request.BaseHandler):
    """Answers the three addresses from the folder."""

    handler_order = 1

    def https_open(self, request):
        if request.full_url not in FILES:
            return None
        name, kind = FILES[request.full_url]
        headers = email.message.Message()
        headers["Content-Type"] = kind
        file = open(os.path.join(os.environ["SPDX3_DIR"], name), "rb")
        answer = urllib.response.addinfourl(file, headers, request.full_url, 200)
        answer.msg = "OK"
        return answer


if os.environ.get("SPDX3_DIR"):
    urllib.request.install_opener(urllib.request.build_opener(Local()))

from spdx3_validate.main import main  # noqa: E402  the opener comes first

documents = sys.argv[1:]
arguments = ["--quiet", "--no-merge"]
for document in documents:
    arguments += ["--json", document]
status = bool(main(arguments))
for document in documents:
    command = [sys.executable, "-m", "spdx_python_model.bindings.v3_0_1", document]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        print(document, "refused by spdx-python-model:", (run.stdout + run.stderr)[-600:])
        status = True
sys.exit(status)
