// Judges CycloneDX documents by npm's @cyclonedx/cyclonedx-library: one line a document, status 1 if any is refused.
// FREEHOLD_NODE is the folder in which package.json was installed.
const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');

const installed = createRequire(path.join(process.env.FREEHOLD_NODE, 'package.json'));
const { Validation } = installed('@cyclonedx/cyclonedx-library');

(async () => {
  let refused = 0;
  for (const file of process.argv.slice(2)) {
    const text = fs.readFileSync(file, 'utf8');
    const error = await new Validation.JsonStrictValidator(JSON.parse(text).specVersion).validate(text);
    console.log(file, error === null ? 'valid' : `refused ${JSON.stringify(error).slice(0, 600)}`);
    refused += error === null ? 0 : 1;
  }
  process.exit(refused ? 1 : 0);
})();
