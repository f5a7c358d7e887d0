// A server of ours for a test: its own folder, its own port, stopped when the test ends.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const binary = process.env.FREEHOLD_BIN;

// Starts a server; gives its address, the link of the first account and what stops it.
export async function started(more = [], env = {}) {
  const dir = mkdtempSync(join(tmpdir(), "freehold-e2e-"));
  const child = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--quiet", ...(more.includes("--register") ? [] : ["--register", join(dir, "register.db")]), ...more], {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: dir, XDG_STATE_HOME: join(dir, "state"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  let wrong = "";
  child.stderr.on("data", (d) => { wrong += d; });
  await new Promise((resolve, reject) => {
    child.stdout.on("data", (d) => { said += d; if (/\n(first|api)/.test(said)) resolve(); });
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${wrong}`)));
    setTimeout(() => reject(new Error(`the server does not start: ${said}${wrong}`)), 30000).unref();
  });
  const url = /serving +(\S+)/.exec(said)[1];
  const link = /first +(\S+)/.exec(said)?.[1];
  const stop = () => new Promise((resolve) => {
    child.on("exit", (code) => { rmSync(dir, { recursive: true, force: true }); resolve(code); });
    child.kill("SIGTERM");
  });
  return { url, link, dir, stop, child, errors: () => wrong };
}

// A client of the API that keeps a session's cookie and sends its CSRF token.
export class Person {
  constructor(url) { this.url = url; this.cookie = ""; this.csrf = ""; }

  async form(path, fields) {
    const body = new URLSearchParams();
    for (const [k, v] of Object.entries({ csrf: this.csrf, ...fields })) for (const one of [v].flat()) body.append(k, one);
    const answer = await fetch(this.url + path, { method: "POST", body, redirect: "manual", headers: { cookie: this.cookie } });
    const set = answer.headers.get("set-cookie");
    if (set) this.cookie = set.split(";")[0];
    return answer;
  }

  async page(path) {
    const answer = await fetch(this.url + path, { headers: { cookie: this.cookie } });
    const text = await answer.text();
    this.csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? this.csrf;
    return { status: answer.status, text };
  }

  async api(method, path, body, headers = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { cookie: this.cookie, "x-csrf-token": this.csrf, ...(body && { "content-type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, json: text.startsWith("{") ? JSON.parse(text) : text };
  }
}

// The first account, and one for each role.
export async function peopled(server, roles = ["requester", "owner", "legal", "privacy", "security", "risk", "auditor", "data-steward", "automation"]) {
  const first = new Person(server.url);
  const token = new URL(server.link).searchParams.get("token");
  await first.form("/setup", { token, login: "carla", name: "Carla Compliance", password: "correct horse battery", roles: ["compliance"] });
  await first.page("/settings");
  const people = { compliance: first };
  for (const role of roles) {
    const made = await first.api("POST", "/api/v1/accounts", { login: role, name: `The ${role}`, roles: [role], password: "correct horse battery" });
    if (made.status !== 201) throw new Error(JSON.stringify(made.json));
    const person = new Person(server.url);
    await person.form("/sign-in", { login: role, password: "correct horse battery" });
    await person.page("/settings");
    people[role] = person;
  }
  return people;
}
