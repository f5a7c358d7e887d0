// A property-based fuzzer of APIs (schemathesis) against the published document: nothing fails, nothing undocumented is answered.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import { test } from "node:test";
import { peopled, started } from "./server.mjs";

const program = process.env.FREEHOLD_SCHEMATHESIS;

test("no call fails, and no answer is undocumented", { skip: program ? false : "no schemathesis is installed here" }, async () => {
  const server = await started();
  try {
    const people = await peopled(server, ["requester"]);
    // whoever may do everything meets everything that can be answered
    await people.compliance.api("PATCH", "/api/v1/accounts/carla", { roles: ["compliance", "requester", "owner", "legal", "risk", "privacy", "security", "data-steward", "auditor", "automation"] });
    await people.compliance.form("/sign-in", { login: "carla", password: "correct horse battery" });
    await people.compliance.page("/settings");
    const token = await people.compliance.api("POST", "/api/v1/tokens", { name: "fuzz", days: 1, scopes: ["read", "assess", "write", "approve", "tune", "admin"] });
    assert.equal(token.status, 201);
    for (const model of ["google/gemma-2-9b-it", "meta-llama/Llama-3.1-8B-Instruct"]) await people.requester.api("POST", "/api/v1/records", { model });
    const out = mkdtempSync(join(tmpdir(), "freehold-fuzz-"));
    const ran = spawnSync(program, [
      "run", `${server.url}/api/openapi.json`, "--header", `Authorization: Bearer ${token.json.secret}`,
      "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
      "--max-examples", process.env.FREEHOLD_FUZZ_EXAMPLES ?? "20", "--seed", "8", "--rate-limit", "150/s", "--workers", "2",
      // a training's events do not end by themselves, an evidence pack is another program's work
      "--exclude-path", "/api/v1/runs/{id}/events", "--exclude-path", "/api/v1/records/{id}/export", "--request-timeout", "30",
      // who asks must not close the account that asks
      "--exclude-path", "/api/v1/accounts/{login}", "--suppress-health-check", "filter_too_much", "--no-color",
    ], { cwd: out, encoding: "utf8", maxBuffer: 1 << 28 });
    rmSync(out, { recursive: true, force: true });
    assert.equal(ran.status, 0, ran.stdout.slice(-12000) + ran.stderr.slice(-2000));
    console.log(ran.stdout.split("\n").filter((l) => /Operations|generated|Test cases|passed|Coverage|Fuzzing/i.test(l)).join("\n"));
  } finally {
    await server.stop();
  }
});
