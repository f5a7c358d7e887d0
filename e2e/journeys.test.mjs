// The journeys of an engineer, of counsel and of an auditor, in a real Chromium; every page in light, dark and on a phone, with axe.
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { AxeBuilder } from "@axe-core/playwright";
import { peopled, started } from "./server.mjs";

const program = process.env.FREEHOLD_CHROMIUM;
const skip = program && existsSync(program) ? false : "no Chromium is installed here";
const pictures = process.env.FREEHOLD_PICTURES;
let server, people, browser;
const records = {};

before(async () => {
  if (skip) return;
  server = await started();
  people = await peopled(server);
  browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  if (pictures) mkdirSync(pictures, { recursive: true });
});

after(async () => {
  if (skip) return;
  await browser?.close();
  assert.equal(await server?.stop(), 0, "it stops when it is told to");
  assert.equal(server.errors(), "", "nothing was said of a fault");
});

async function signedIn(login, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  page.on("pageerror", (e) => assert.fail(`a script failed: ${e.message}`));
  page.on("console", (m) => { if (m.type() === "error" && /Content Security Policy/.test(m.text())) assert.fail(m.text()); });
  await page.goto(`${server.url}/sign-in`);
  await page.getByLabel("Login").fill(login);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${server.url}/`);
  return page;
}

async function clean(page, name) {
  const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  const told = found.violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.slice(0, 3).map((n) => n.html + "  " + n.failureSummary).join("\n    ")}`);
  assert.deepEqual(told, [], name);
}

test("an engineer asks what may be done, and makes a record", { skip }, async () => {
  const page = await signedIn("requester");
  await page.getByRole("link", { name: "Ask about a model" }).click();
  await page.getByLabel("Which model").fill("meta-llama/Llama-3.1-8B-Instruct");
  await page.getByLabel("we train it further").check();
  await page.getByLabel("What ours is called").fill("Llama-support-bot");
  await page.getByRole("button", { name: "Begin" }).click();
  // only what would change the outcome is asked: at most so many questions
  for (let n = 0; n < 14 && (await page.locator(".question").count()); n++) {
    const asked = await page.locator("#asks").innerText();
    const yes = page.locator(".question input[type=radio][value=no]");
    if (await page.locator(".question input[value=hosted-app]").count()) await page.getByLabel("hosted app").check();
    else if (await page.getByLabel("none of these").count()) await page.getByLabel("none of these").check();
    else if (await yes.count()) await page.getByLabel(/monthly|litigation|claims/.test(asked) ? "no" : "yes", { exact: true }).check();
    else if (await page.locator(".question select").count()) await page.locator(".question select").selectOption({ index: 1 });
    else await page.locator(".question input:not([type=hidden])").first().fill(/country/.test(asked) ? "US" : "1000");
    await Promise.all([
      page.waitForFunction((was) => document.querySelector("#asks")?.innerText !== was, asked),
      page.getByRole("button", { name: "Answer", exact: true }).click(),
    ]);
  }
  assert.equal(await page.locator(".question").count(), 0, "it ends");
  await assert.doesNotReject(page.getByText("permitted with obligations").first().waitFor());
  assert.ok((await page.locator(".narrowing li").count()) > 2, "how it narrowed is told");
  await clean(page, "interview");
  await page.getByRole("button", { name: "Make a record of this" }).click();
  await page.waitForURL(/\/records\/[0-9A-Z]{26}/);
  records.llama = page.url().split("/records/")[1].slice(0, 26);
  await page.getByText("Built with Llama").first().waitFor();
  await page.context().close();
});

test("a duty is given to somebody, seen to, and the record is submitted", { skip }, async () => {
  const page = await signedIn("requester");
  await page.goto(`${server.url}/records/${records.llama}`);
  for (const [field, value] of [["base.revision", "0e9e39f"], ["distribution.audience", "customers"], ["distribution.territory", "US"], ["use.description", "answers to support questions"], ["governance.owner", "The owner"]]) {
    const fact = page.locator(`[id="${field}"]`);
    const select = fact.locator("select");
    if (await select.count()) await select.selectOption(value);
    else await fact.locator("input:not([type=hidden])").fill(value);
    await fact.getByRole("button", { name: "State" }).click();
    await page.getByRole("status").first().waitFor();
  }
  const duty = page.locator("#duties .checklist li", { hasText: "Built with Llama" }).first();
  await duty.getByLabel("Who sees to it").fill("The owner");
  await duty.getByRole("button", { name: "Set" }).click();
  await page.locator("#duties .checklist li", { hasText: "Built with Llama" }).first().getByLabel("Where it is seen").fill("https://example.org/about");
  await page.locator("#duties .checklist li", { hasText: "Built with Llama" }).first().getByRole("button", { name: "Met" }).click();
  await page.getByText("Seen at").first().waitFor();
  await page.getByRole("button", { name: "Submit for review" }).click();
  await page.locator("header .chip", { hasText: "triage" }).waitFor();
  await page.context().close();
});

test("counsel finds it in the queue, answers a clause, compares, and reads the pass-through clause", { skip }, async () => {
  const page = await signedIn("legal");
  await page.getByRole("link", { name: "Review queue" }).click();
  await page.getByText("wait").first().waitFor();
  await page.getByRole("link", { name: "Llama-support-bot" }).click();
  await page.getByRole("button", { name: "Complete: send to review" }).click();
  await page.locator("header .chip", { hasText: "review" }).first().waitFor();
  const clause = page.locator(".clauses li").first();
  await clause.getByLabel("within").check();
  await clause.getByLabel("Why").fill("support answers, nothing of the kind");
  await clause.getByRole("button", { name: "Answer" }).click();
  await page.getByText("1 of").waitFor();
  await page.goto(`${server.url}/compare?license=llama-3.1&license=apache-2.0`);
  await page.getByRole("rowheader", { name: "governing law" }).waitFor();
  await page.goto(`${server.url}/records/${records.llama}/pass-through`);
  await page.getByText("Pass-through clause").first().waitFor();
  await page.goto(`${server.url}/terms`);
  await page.getByText("Where they stand").waitFor();
  // a wrong answer becomes a case file
  await page.goto(`${server.url}/records/${records.llama}`);
  await page.getByText("Is this answer wrong?").click();
  await page.getByLabel("What is wrong").fill("the notice is not owed");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download it as a case file" }).click()]);
  assert.match(file.suggestedFilename(), /^reported-/);
  await page.context().close();
});

test("an auditor reads everything, verifies, takes the pack along, and changes nothing", { skip }, async () => {
  const page = await signedIn("auditor");
  await page.getByRole("link", { name: "Verify" }).click();
  await page.getByText("whole").first().waitFor();
  await page.goto(`${server.url}/records/${records.llama}`);
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "State", exact: true }).count(), 0);
  const [pack] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Evidence pack" }).click()]);
  assert.match(pack.suggestedFilename(), /^evidence-pack-.*\.tar$/);
  await page.goto(`${server.url}/access`);
  await page.getByText("/records/{id}/export").first().waitFor();
  await page.context().close();
});

const PAGES = () => ({
  home: "/", records: "/records", "records-of-a-base": "/records?base=llama", new: "/records/new", record: `/records/${records.llama}`,
  interview: "/interview?model=google/gemma-2-9b-it&finetune=yes&fact.use.access=hosted-app", "interview-start": "/interview", licenses: "/licenses", license: "/licenses/llama-3.1",
  compare: "/compare?license=llama-3.1&license=gemma&license=apache-2.0", differences: "/differences?from=gemma-terms-of-use-2024-02-21&to=gemma-terms-of-use-2025-03-24",
  models: "/models?q=llama-3", model: "/models/meta-llama/Llama-3.3-70B-Instruct", review: "/review", impact: "/impact?fact=organization.monthly_active_users&value=800000000",
  runs: "/runs", policies: "/policies", advisor: "/advisor?go=1&finetune=yes&kind=instruct&languages=de,fr&max_size=15B&fact.use.access=hosted-app&fact.use.commercial=yes&fact.organization.country=DE&fact.organization.kind=company",
  "own-or-rent": "/own-or-rent?license=llama-3.3&service=openai&service=aws-bedrock", terms: "/terms", settings: "/settings", access: "/access", verify: "/verify", api: "/api", nothing: "/nowhere",
});

for (const [look, options] of [
  ["light", { viewport: { width: 1280, height: 900 } }],
  ["dark", { viewport: { width: 1280, height: 900 }, colorScheme: "dark" }],
  ["phone", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
]) {
  test(`every page is whole in ${look}`, { skip }, async () => {
    const page = await signedIn("carla", options);
    for (const [name, path] of Object.entries(PAGES())) {
      const answer = await page.goto(server.url + path);
      assert.ok(name === "nothing" ? answer.status() === 404 : answer.ok(), `${name}: ${answer.status()}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 1, `${name} is ${wide} pixels too wide in ${look}`);
      if (pictures) await page.screenshot({ path: join(pictures, `${name}-${look}.png`), fullPage: true });
      await clean(page, `${name} in ${look}`);
    }
    await page.context().close();
  });
}

test("200 % zoom: nothing is lost at half the width", { skip }, async () => {
  const page = await signedIn("carla", { viewport: { width: 640, height: 450 } });
  for (const path of [`/records/${records.llama}`, "/advisor?go=1", "/compare?license=mit&license=gemma"]) {
    await page.goto(server.url + path);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 1, `${path} is ${wide} pixels too wide`);
  }
  await page.context().close();
});

test("without scripts and with the keyboard alone the interview goes on", { skip }, async () => {
  const page = await signedIn("requester", { javaScriptEnabled: false });
  await page.goto(`${server.url}/interview?model=google/gemma-2-9b-it`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent).catch(() => "Skip to the page"), "Skip to the page");
  const box = page.locator(".question input[type=checkbox]").first();
  await box.focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await page.waitForURL(/fact\.use\.(access=internal|activities=none)/);
  await page.getByText("How the answer narrowed").waitFor();
  await page.context().close();
});

test("what others wrote is text and never markup", { skip }, async () => {
  const evil = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
  const made = await people.requester.api("POST", "/api/v1/records", { model: evil, record: evil });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const page = await signedIn("carla");
  for (const path of ["/", "/records", `/records/${made.json.id}`, "/review", `/records?q=${encodeURIComponent(evil)}`, `/interview?model=${encodeURIComponent(evil)}`, `/licenses?q=${encodeURIComponent(evil)}`, `/models/a/${encodeURIComponent(evil)}`, `/records?state=${encodeURIComponent(evil)}`]) {
    await page.goto(server.url + path);
    assert.notEqual(await page.title(), "owned", path);
    assert.equal(await page.locator("main img[src=x]").count(), 0, path);
  }
  await page.context().close();
});

