import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { hasBrowser, launchBrowser } from "../support/browser.js";

const demo = fileURLToPath(new URL("../../../demo/", import.meta.url));

describe.skipIf(!hasApp || !hasBrowser)("in a browser", () => {
  let app: App;
  let browser: Browser;
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp(), launchBrowser()]);
    await app.sql.query(await readFile(`${demo}project_tasks.sql`, "utf8"));
  });
  afterAll(async () => {
    await browser.close();
    await app.stop();
  });
  afterEach(() => page.close());

  async function open(): Promise<void> {
    page = await browser.newPage();
    problems = [];
    page.on("pageerror", ({ message }) => problems.push(message));
  }

  /** Answers a path of the service's own address from here, so that the page has the origin it would have. */
  async function serve(path: string, contentType: string, body: () => Promise<string>): Promise<void> {
    await page.route(`${app.url}${path}`, async (route) => route.fulfill({ contentType, body: await body() }));
  }

  /** Opens the demo page as it would be built, with rows straight from the database, and waits until it is live. */
  async function openDemo(): Promise<void> {
    const bundle = await build({
      entryPoints: [`${demo}src/main.ts`],
      // The client as it stands here, built or not.
      alias: { "@serverless-realtime/client": fileURLToPath(new URL("../../src/index.ts", import.meta.url)) },
      bundle: true,
      write: false,
      format: "esm",
    });
    await open();
    await serve("/", "text/html", () => readFile(`${demo}src/index.html`, "utf8"));
    await serve("/style.css", "text/css", () => readFile(`${demo}src/style.css`, "utf8"));
    await serve("/main.js", "text/javascript", () => Promise.resolve(bundle.outputFiles[0]?.text ?? ""));
    await serve("/demo/config.json", "application/json", () => Promise.resolve(JSON.stringify({ url: app.url, anonKey: app.anonKey })));
    await serve("/demo/tasks", "application/json", async () => {
      const { rows } = await app.sql.query<{ task: unknown }>("select to_jsonb(t) as task from public.project_tasks t order by id");
      return JSON.stringify(rows.map(({ task }) => task));
    });
    await page.goto(`${app.url}/`);
    await page.waitForSelector('#pill[data-state="live"]');
  }

  it("supabase-js follows a table over the transport", async () => {
    const bundle = await build({
      entryPoints: [fileURLToPath(new URL("page.ts", import.meta.url))],
      bundle: true,
      write: false,
      format: "esm",
    });
    await open();
    await serve("/page", "text/html", () => Promise.resolve('<!doctype html><script type="module" src="/page.js"></script>'));
    await serve("/page.js", "text/javascript", () => Promise.resolve(bundle.outputFiles[0]?.text ?? ""));
    await page.goto(`${app.url}/page`);
    await page.waitForFunction(() => typeof window.startFollowing === "function");
    await page.evaluate(({ url, key }) => window.startFollowing(url, key, "project_tasks"), { url: app.url, key: app.anonKey });
    await page.waitForFunction(() => window.statuses.includes("SUBSCRIBED"));

    await app.sql.query("insert into public.project_tasks (id, title) values (900, 'From SQL')");
    await app.sql.query("delete from public.project_tasks where id = 900");
    await page.waitForFunction(() => window.changes.some(({ type }) => type === "DELETE"));
    expect(await page.evaluate(() => window.changes)).toMatchObject([{ type: "INSERT", row: { id: 900, title: "From SQL" } }, { type: "DELETE" }]);
    expect(await page.evaluate(() => window.statuses)).toEqual(["SUBSCRIBED"]);
    expect(problems).toEqual([]);
  });

  it("the demo page shows every change of its table without a reload", async () => {
    await openDemo();
    await page.waitForSelector('[data-status="todo"] [data-id="1"]');
    await page.evaluate(() => document.body.setAttribute("data-first-load", ""));

    await app.sql.query("update public.project_tasks set status = 'done' where id = 1");
    await page.waitForSelector('[data-status="done"] [data-id="1"]');
    await app.sql.query("insert into public.project_tasks (id, title, status) values (901, 'A card from SQL', 'review')");
    await page.waitForSelector('[data-status="review"] [data-id="901"] >> text=A card from SQL');
    await app.sql.query("delete from public.project_tasks where id = 901");
    await page.waitForSelector('[data-id="901"]', { state: "detached" });

    expect(await page.locator("#log .kind").allTextContents()).toEqual(expect.arrayContaining(["INSERT", "UPDATE", "DELETE"]));
    expect(await page.locator('[data-status="done"] .count').textContent()).toBe("3");
    expect(await page.locator("body[data-first-load]").count()).toBe(1);
    expect(problems).toEqual([]);
  });

  it("the demo page says when the service is away, and comes back with what has changed", async () => {
    await openDemo();
    await app.kill();
    await page.waitForSelector('#pill[data-state="broken"]');
    await app.sql.query("update public.project_tasks set title = 'Changed meanwhile' where id = 3");
    await app.restart();
    await page.waitForSelector('#pill[data-state="live"]', { timeout: 45_000 });
    await page.waitForSelector('[data-id="3"] >> text=Changed meanwhile');
    expect(problems).toEqual([]);
  });
});
