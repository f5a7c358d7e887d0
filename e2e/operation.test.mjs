// A server in operation: killed under load, several on one PostgreSQL, sign-in at a real OpenID provider, copies while it works.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, chownSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Person, binary, peopled, started } from "./server.mjs";

// A command on this machine; `elsewhere` is another, which has seen nothing yet.
const command = (dir, ...args) => spawnSync(binary, args, { cwd: dir, encoding: "utf8", env: { PATH: process.env.PATH, HOME: dir, XDG_STATE_HOME: join(dir, "state") } });
const elsewhere = (dir, ...args) => spawnSync(binary, args, { cwd: dir, encoding: "utf8", env: { PATH: process.env.PATH, HOME: dir, XDG_STATE_HOME: join(dir, "elsewhere") } });
const model = "mistralai/Mistral-7B-Instruct-v0.3";

test("killed under load it loses no acknowledged write", async () => {
  const server = await started();
  const people = await peopled(server, ["requester"]);
  const { requester } = people;
  const acknowledged = new Set();
  let going = true;
  const writer = async (n) => {
    for (let i = 0; going; i++) {
      try {
        const made = await requester.api("POST", "/api/v1/records", { model, record: `load ${n} ${i}` }, { "idempotency-key": `load-${n}-${i}` });
        if (made.status === 201) acknowledged.add(made.json.id);
      } catch { return; }
    }
  };
  const writers = [0, 1, 2, 3].map(writer);
  while (acknowledged.size < 40) await new Promise((r) => setTimeout(r, 20));
  server.child.kill("SIGKILL");
  going = false;
  await Promise.all(writers);
  const again = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--quiet", "--register", join(server.dir, "register.db")], {
    cwd: server.dir, env: { PATH: process.env.PATH, HOME: server.dir, XDG_STATE_HOME: join(server.dir, "state") }, stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((r) => again.stdout.on("data", (d) => { const m = /serving +(\S+)/.exec(d); if (m) r(m[1]); }));
  const person = new Person(url);
  await person.form("/sign-in", { login: "requester", password: "correct horse battery" });
  await person.page("/settings");
  const there = new Set();
  for (let after = ""; after !== null;) {
    const page = await person.api("GET", `/api/v1/records?limit=1000&after=${after}`);
    page.json.records.forEach((r) => there.add(r.id));
    after = page.json.next;
  }
  const lost = [...acknowledged].filter((id) => !there.has(id));
  assert.deepEqual(lost, [], `${lost.length} of ${acknowledged.size} acknowledged records are gone`);
  const whole = await person.api("POST", "/api/v1/register/verify");
  assert.equal(whole.json.whole, true, JSON.stringify(whole.json));
  // a copy while it works, and the copy is whole
  const more = Array.from({ length: 5 }, (_, i) => person.api("POST", "/api/v1/records", { model, record: `during ${i}` }));
  const copy = command(server.dir, "backup", "--register", "register.db", "--out", "copy");
  assert.equal(copy.status, 0, copy.stderr);
  assert.ok((await Promise.all(more)).every((m) => m.status === 201));
  // this machine has seen later events, and says so of any older copy
  assert.match(command(server.dir, "register", "verify", "--register", "copy/register.db").stderr, /an older copy was put back/);
  const verified = elsewhere(server.dir, "register", "verify", "--register", "copy/register.db", "--checkpoint", "copy/checkpoint");
  assert.match(verified.stdout, /WHOLE/, verified.stdout + verified.stderr);
  // restored, it serves what it held then, to the people of then
  const moved = mkdtempSync(join(tmpdir(), "freehold-restored-"));
  for (const name of ["register.db", "register.db.server"]) execFileSync("cp", [join(server.dir, "copy", name), join(moved, name)]);
  execFileSync("cp", [join(server.dir, "register.db.key"), join(moved, "register.db.key")]);
  again.kill("SIGTERM");
  assert.equal(await new Promise((r) => again.on("exit", r)), 0, "it stops when it is told to");
  const restored = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--quiet", "--register", join(moved, "register.db")], {
    cwd: moved, env: { PATH: process.env.PATH, HOME: moved, XDG_STATE_HOME: join(moved, "state") }, stdio: ["ignore", "pipe", "inherit"] });
  const at = await new Promise((r) => restored.stdout.on("data", (d) => { const m = /serving +(\S+)/.exec(d); if (m) r(m[1]); }));
  const back = new Person(at);
  await back.form("/sign-in", { login: "requester", password: "correct horse battery" });
  assert.equal((await back.api("GET", "/api/v1/records?limit=1")).status, 200);
  restored.kill("SIGTERM");
  await new Promise((r) => restored.on("exit", r));
  rmSync(moved, { recursive: true, force: true });
  rmSync(server.dir, { recursive: true, force: true });
});

// PostgreSQL of this machine in a folder of its own; null where there is none.
function postgres() {
  const base = "/usr/lib/postgresql";
  const bin = existsSync(base) && readdirSync(base).map((v) => join(base, v, "bin")).find((b) => existsSync(join(b, "initdb")));
  if (!bin) return null;
  const dir = mkdtempSync(join(tmpdir(), "freehold-pg-"));
  const root = process.getuid() === 0;
  if (root) {
    const id = (flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
    chownSync(dir, id("-u"), id("-g"));
  }
  const as = (args) => (root ? ["runuser", ["-u", "postgres", "--", ...args]] : [args[0], args.slice(1)]);
  execFileSync(...as([join(bin, "initdb"), "-D", join(dir, "data"), "-U", "freehold", "-A", "trust", "-N"]), { stdio: "ignore" });
  const port = 20000 + (process.pid % 20000);
  const [program, args] = as([join(bin, "postgres"), "-D", join(dir, "data"), "-p", String(port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
  const child = spawn(program, args, { stdio: "ignore" });
  const url = `postgres://freehold@127.0.0.1:${port}/postgres`;
  const stop = () => new Promise((r) => { child.on("exit", () => { rmSync(dir, { recursive: true, force: true }); r(); }); spawnSync(...as([join(bin, "pg_ctl"), "-D", join(dir, "data"), "stop", "-m", "immediate"])); });
  return { url, stop, bin, dir };
}

test("several servers on one PostgreSQL lose no update", async (t) => {
  const pg = postgres();
  if (!pg) return t.skip("no PostgreSQL is installed here");
  const dir = mkdtempSync(join(tmpdir(), "freehold-two-"));
  let made;
  for (let n = 0; n < 60; n++) {
    made = command(dir, "register", "init", "--register", pg.url, "--key", "register.key");
    if (made.status === 0) break;
    await new Promise((r) => setTimeout(r, 250));
  }
  assert.equal(made.status, 0, made.stderr);
  const more = ["--register", pg.url, "--key", join(dir, "register.key")];
  const one = await started(more);
  const people = await peopled(one, ["requester"]);
  const two = await started(more);
  const other = new Person(two.url);
  await other.form("/sign-in", { login: "requester", password: "correct horse battery" });
  await other.page("/settings");
  const record = (await people.requester.api("POST", "/api/v1/records", { model, record: "shared" })).json;
  const at = `/api/v1/records/${record.id}`;
  // each reads, then writes on what it read: of two on one revision one is heard
  let heard = 0, refused = 0;
  const work = async (who, name) => {
    for (let n = 0; n < 25; n++) {
      const seen = await who.api("GET", at);
      const done = await who.api("POST", `${at}/facts`, { field: "use.description", value: `${name} ${n}` }, { "if-match": seen.headers.get("etag") });
      if (done.status === 200) heard++;
      else { assert.equal(done.status, 412, JSON.stringify(done.json)); refused++; }
    }
  };
  await Promise.all([work(people.requester, "one"), work(other, "two"), work(people.requester, "three"), work(other, "four")]);
  const events = (await other.api("GET", `${at}/events`)).json.events;
  assert.equal(events.filter((e) => e.kind === "set").length, heard, "every acknowledged write is an event");
  assert.equal(heard + refused, 100);
  assert.ok(refused > 0, "they did meet");
  // the same key on both servers makes one record
  const twice = await Promise.all([people.requester, other].map((p) => p.api("POST", "/api/v1/records", { model, record: "once" }, { "idempotency-key": "both" })));
  const ids = new Set(twice.filter((x) => x.status === 201).map((x) => x.json.id));
  assert.equal(ids.size, 1, JSON.stringify(twice.map((x) => x.status)));
  assert.equal((await people.requester.api("POST", "/api/v1/register/verify")).json.whole, true);
  assert.equal(one.errors() + two.errors(), "");
  await one.stop();
  await two.stop();
  await pg.stop();
  rmSync(dir, { recursive: true, force: true });
});

test("people sign in at an OpenID provider, and nobody gets an account by it", async () => {
  const { default: Provider } = await import("oidc-provider");
  const { createServer: netServer } = await import("node:net");
  const port = await new Promise((r) => { const s = netServer().listen(0, "127.0.0.1", () => { const p = s.address().port; s.close(() => r(p)); }); });
  const issuer = `http://127.0.0.1:${port}`;
  let redirect = "http://127.0.0.1/unset";
  let account = { sub: "u-1", email: "ada@example.org", email_verified: true };
  let provider;
  const listener = createServer((req, res) => provider.callback()(req, res)).listen(port, "127.0.0.1");
  const configure = () => {
    provider = new Provider(issuer, {
      clients: [{ client_id: "freehold", client_secret: "s3cret", redirect_uris: [redirect], grant_types: ["authorization_code"], response_types: ["code"] }],
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: [] },
      conformIdTokenClaims: false,
      cookies: { keys: ["a test"] },
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false } },
      findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ ...account, sub }) }),
      interactions: { url: (_, i) => `/interaction/${i.uid}` },
    });
    provider.use(async (ctx, next) => {
      if (!ctx.path.startsWith("/interaction/")) return next();
      const details = await provider.interactionDetails(ctx.req, ctx.res);
      let result;
      if (details.prompt.name === "login") result = { login: { accountId: account.sub } };
      else {
        const grant = new provider.Grant({ accountId: account.sub, clientId: "freehold" });
        grant.addOIDCScope("openid email profile");
        result = { consent: { grantId: await grant.save() } };
      }
      return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
    });
  };
  configure();
  const server = await started(["--oidc-issuer", issuer, "--oidc-client", "freehold", "--oidc-name", "Example"], { FREEHOLD_OIDC_SECRET: "s3cret" });
  redirect = `${server.url}/sign-in/elsewhere/back`;
  configure();
  const people = await peopled(server, []);
  // a browser of a few lines: cookies by host, redirects followed
  const browse = async () => {
    const jars = {};
    let at = `${server.url}/sign-in/elsewhere`;
    for (let n = 0; n < 15; n++) {
      const host = new URL(at).host;
      const answer = await fetch(at, { redirect: "manual", headers: { cookie: Object.values(jars[host] ?? {}).join("; ") } });
      for (const c of answer.headers.getSetCookie()) (jars[host] ??= {})[c.split("=")[0]] = c.split(";")[0];
      const next = answer.headers.get("location");
      if (!next) return { status: answer.status, text: await answer.text(), jars, at };
      at = new URL(next, at).toString();
    }
    throw new Error(`it goes in circles: ${at}`);
  };
  const stranger = await browse();
  assert.equal(stranger.status, 403, stranger.text.slice(0, 500));
  assert.match(stranger.text, /nobody here has this address/);
  const made = await people.compliance.api("POST", "/api/v1/accounts", { login: "ada@example.org", name: "Ada", roles: ["legal"] });
  assert.equal(made.status, 201);
  const ada = await browse();
  assert.equal(ada.status, 200);
  const cookie = ada.jars[new URL(server.url).host].freehold_session;
  const me = await fetch(`${server.url}/api/v1/me`, { headers: { cookie } });
  assert.deepEqual((await me.json()).roles, ["legal"]);
  // an address that the provider does not vouch for opens nothing, and another subject is not Ada
  account = { sub: "u-2", email: "ada@example.org", email_verified: true };
  assert.equal((await browse()).status, 403);
  account = { sub: "u-3", email: "bob@example.org", email_verified: false };
  await people.compliance.api("POST", "/api/v1/accounts", { login: "bob@example.org", name: "Bob", roles: ["legal"] });
  assert.equal((await browse()).status, 403);
  // an answer that nobody asked for
  assert.equal((await fetch(`${server.url}/sign-in/elsewhere/back?code=x&state=y`)).status, 403);
  await server.stop();
  listener.close();
  listener.closeAllConnections();
});

test("it says how it is, and lets what is under way end", async () => {
  const server = await started();
  const people = await peopled(server, ["requester"]);
  assert.equal(await (await fetch(`${server.url}/healthz`)).text(), "ok\n");
  assert.equal(await (await fetch(`${server.url}/readyz`)).text(), "ready\n");
  assert.equal((await fetch(`${server.url}/metrics`)).status, 401);
  const metrics = await people.requester.api("GET", "/metrics");
  assert.match(metrics.json, /freehold_requests_total\{route="\/healthz",status="200"\} 1/);
  assert.match(metrics.json, /freehold_register_events \d+/);
  const slow = people.requester.api("POST", "/api/v1/claims", { facts: { "use.access": ["hosted-app"] } });
  await new Promise((r) => setTimeout(r, 50));
  const stopped = server.stop();
  assert.equal((await slow).status, 200);
  assert.equal(await stopped, 0);
});
