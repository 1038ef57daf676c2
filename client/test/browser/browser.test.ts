import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { hasBrowser, launchBrowser } from "../support/browser.js";
import { clientOf, listen, type Heard } from "../support/clients.js";
import { Inbox } from "../support/inbox.js";
import { Room } from "../support/room.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Builds the demo page from its sources and the client's, whatever has been built of them before; answers its folder. */
async function buildDemo(): Promise<string> {
  const site = await mkdtemp(join(tmpdir(), "realtime-demo-"));
  await build({
    entryPoints: [`${root}demo/src/main.ts`, `${root}demo/src/style.css`],
    alias: { "@serverless-realtime/client": `${root}client/src/index.ts` },
    outdir: site,
    bundle: true,
    format: "esm",
  });
  await copyFile(`${root}demo/src/index.html`, join(site, "index.html"));
  return site;
}

/** The first twenty ids of each column. */
function columnsOf(tasks: readonly { readonly status: string; readonly id: number }[]): Readonly<Record<string, readonly number[]>> {
  const of = (status: string): readonly number[] => tasks.filter((task) => task.status === status).map(({ id }) => id);
  return Object.fromEntries(["todo", "in_progress", "review", "done"].map((status) => [status, of(status).slice(0, 20)]));
}

describe.skipIf(!hasApp || !hasBrowser)("in a browser", () => {
  let app: App;
  let site: string;
  let browser: Browser;
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    site = await buildDemo();
    const settings = (key: string): Record<string, string> => ({ Realtime__Demo: site, Realtime__DemoApiKey: key });
    [app, browser] = await Promise.all([startApp(settings), launchBrowser()]);
    await app.sql.query(await readFile(`${root}dev.d/seed.sql`, "utf8"));
  });
  afterAll(async () => {
    await browser.close();
    await app.stop();
    await rm(site, { recursive: true });
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

  /** Opens the demo page, as the service serves it, and waits until it is live. */
  async function openDemo(): Promise<void> {
    await open();
    await page.goto(`${app.url}/`);
    await page.waitForSelector('#pill[data-state="live"]');
  }

  /** Keeps the longest time for which the page could not answer. */
  async function watchLongTasks(): Promise<void> {
    await page.evaluate(() => {
      window.longestTask = 0;
      const watch = (list: PerformanceObserverEntryList): void => {
        window.longestTask = Math.max(window.longestTask, ...list.getEntries().map(({ duration }) => duration));
      };
      new PerformanceObserver(watch).observe({ type: "longtask" });
    });
  }

  /** The ids of the cards, by column, from the top. */
  async function columnsOnPage(): Promise<Readonly<Record<string, readonly number[]>>> {
    const cards = await page.locator("[data-status] [data-id]").evaluateAll((elements) =>
      elements.map((card) => ({ status: card.closest<HTMLElement>("[data-status]")?.dataset["status"] ?? "", id: Number((card as HTMLElement).dataset["id"]) })),
    );
    return columnsOf(cards);
  }

  /** The ids that the page should show: of the rows that changed last, so many of each column. */
  async function columnsInTable(): Promise<Readonly<Record<string, readonly number[]>>> {
    const { rows } = await app.sql.query<{ status: string; id: number }>(
      `select status, id::int from (select * from public.project_tasks order by updated_at desc, id desc limit 500) held
       order by updated_at desc, id desc`,
    );
    return columnsOf(rows);
  }

  /** Opens a page of nothing but supabase-js and the transport. */
  async function openPage(): Promise<void> {
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
  }

  it("supabase-js follows a table over the transport", async () => {
    await openPage();
    await page.evaluate(({ url, key }) => window.startFollowing(url, key, "project_tasks"), { url: app.url, key: app.anonKey });
    await page.waitForFunction(() => window.statuses.includes("SUBSCRIBED"));

    await app.sql.query("insert into public.project_tasks (id, production_id, title) values (900, 1, 'From SQL')");
    await app.sql.query("delete from public.project_tasks where id = 900");
    await page.waitForFunction(() => window.changes.some(({ type }) => type === "DELETE"));
    expect(await page.evaluate(() => window.changes)).toMatchObject([{ type: "INSERT", row: { id: 900, title: "From SQL" } }, { type: "DELETE" }]);
    expect(await page.evaluate(() => window.statuses)).toEqual(["SUBSCRIBED"]);
    expect(problems).toEqual([]);
  });

  it("supabase-js shares a room with a client elsewhere: cursors, bytes, and who is there", async () => {
    await openPage();
    await page.evaluate(({ url, key }) => window.enterRoom(url, key, "document:7", "browser"), { url: app.url, key: app.anonKey });
    await page.waitForFunction(() => window.members.join() === "browser");
    const client = clientOf(app);
    const heard = new Inbox<Heard>();
    const room = new Room(client, "document:7", "node", { name: "node" });
    listen(room.channel, heard);
    await page.waitForFunction(() => window.members.join() === "browser,node");
    await room.syncs.until(() => Object.keys(room.roster).sort().join() === "browser,node");

    await page.evaluate(() => {
      for (let x = 1; x <= 100; x++) {
        void window.room.send({ type: "broadcast", event: "cursor-move", payload: { userId: "browser", position: { x, y: 0 } } });
      }
      void window.room.send({ type: "broadcast", event: "bytes", payload: new Uint8Array([1, 2, 255]).buffer });
    });
    await heard.until(({ event }) => event === "bytes");
    expect(heard.items[0]?.payload).toEqual({ userId: "browser", position: { x: 100, y: 0 } });
    expect(new Uint8Array(heard.items.at(-1)?.payload as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 255]));

    await room.channel.send({ type: "broadcast", event: "größe", payload: { y: 2 } });
    await page.waitForFunction(() => window.heard.length > 0);
    expect(await page.evaluate(() => window.heard)).toEqual([{ event: "größe", payload: { y: 2 } }]);
    await client.removeAllChannels();
    await page.waitForFunction(() => window.members.join() === "browser");
    expect(problems).toEqual([]);
  });

  it("the demo page shows every change of its table without a reload", async () => {
    await openDemo();
    await page.waitForSelector('[data-status="todo"] [data-id="1"]');
    await page.evaluate(() => document.body.setAttribute("data-first-load", ""));

    await app.sql.query("update public.project_tasks set status = 'done' where id = 1");
    await page.waitForSelector('[data-status="done"] [data-id="1"]');
    await app.sql.query("insert into public.project_tasks (id, production_id, title, status) values (901, 1, 'A card from SQL', 'review')");
    await page.waitForSelector('[data-status="review"] [data-id="901"] >> text=A card from SQL');
    await app.sql.query("delete from public.project_tasks where id = 901");
    await page.waitForSelector('[data-id="901"]', { state: "detached" });

    expect(await page.locator("#log .kind").allTextContents()).toEqual(expect.arrayContaining(["INSERT", "UPDATE", "DELETE"]));
    expect(await page.locator('[data-status="done"] .count').textContent()).toBe("4");
    expect(await page.locator("body[data-first-load]").count()).toBe(1);
    expect(problems).toEqual([]);
  });

  it("the demo page keeps up with five hundred rows that come at once and go at once", async () => {
    await openDemo();
    await page.waitForSelector('[data-id="1"]');
    await watchLongTasks();

    await app.sql.query(
      `insert into public.project_tasks (id, title, status)
       select 1000 + n, 'Row ' || n, (array['todo', 'in_progress', 'review', 'done'])[1 + n % 4] from generate_series(1, 500) n`,
    );
    await page.waitForSelector('#received >> text="500"', { timeout: 20_000 });
    await page.waitForSelector("#bounds >> text=more than 500 tasks", { timeout: 20_000 });
    expect(await columnsOnPage()).toEqual(await columnsInTable());
    expect(await page.locator("[data-status] [data-id]").count()).toBe(80);
    expect(await page.locator('[data-status="todo"] .more').textContent()).toBe("and 105 more");

    // What the page has heard agrees with what it is told anew.
    await app.kill();
    await page.waitForSelector('#pill[data-state="broken"]');
    await app.sql.query("update public.project_tasks set title = 'Changed meanwhile' where id = 1001");
    await app.restart();
    await page.waitForSelector('[data-id="1001"] >> text=Changed meanwhile', { timeout: 45_000 });
    expect(await columnsOnPage()).toEqual(await columnsInTable());

    await app.sql.query("delete from public.project_tasks where id > 1000");
    await page.waitForSelector("#bounds", { state: "hidden", timeout: 20_000 });
    await expect.poll(columnsOnPage, { timeout: 20_000 }).toEqual(await columnsInTable());
    expect(await page.evaluate(() => window.longestTask)).toBeLessThan(2_000);
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
