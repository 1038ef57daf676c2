import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { hasBrowser, launchBrowser } from "../support/browser.js";

/** What the page has heard of its stream, in order. */
interface Streamed {
  opened: number;
  readonly rows: number[];
  readonly gaps: string[];
}

declare global {
  interface Window {
    streamed: Streamed;
  }
}

describe.skipIf(!hasApp || !hasBrowser)("a browser's EventSource", () => {
  let app: App;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp(() => ({ Streams__Lifetime: "00:00:02" })), launchBrowser()]);
    await app.sql.query("create table notes (id int primary key); grant select on notes to anon; select serverless_realtime.enable('notes')");
  });
  afterAll(async () => {
    await browser.close();
    await app.stop();
  });

  const insert = (id: number): Promise<unknown> => app.sql.query("insert into notes values ($1)", [id]);
  const rows = (): Promise<readonly number[]> => page.evaluate(() => window.streamed.rows);
  const opened = (): Promise<number> => page.evaluate(() => window.streamed.opened);

  it("hears changes by onmessage, and after each end of the stream goes on from the last id, also one that came without data", async () => {
    page = await browser.newPage();
    await page.route(`${app.url}/page`, async (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
    await page.goto(`${app.url}/page`);
    const asked: (string | undefined)[] = [];
    page.on("request", (request) => {
      if (request.url().includes("/stream")) {
        void request.allHeaders().then((headers) => asked.push(headers["last-event-id"]));
      }
    });
    await page.evaluate(
      ({ url, key }) => {
        const streamed: Streamed = { opened: 0, rows: [], gaps: [] };
        window.streamed = streamed;
        const source = new EventSource(`${url}/realtime/v1/stream?table=notes&apikey=${key}`);
        source.onopen = () => {
          streamed.opened += 1;
        };
        source.onmessage = ({ data }) => {
          streamed.rows.push((JSON.parse(data as string) as { record: { id: number } }).record.id);
        };
        source.addEventListener("gap", ({ data }) => streamed.gaps.push(data as string));
      },
      { url: app.url, key: app.anonKey },
    );

    // Until it has connected again it has seen no change: what it names then is the id without data.
    await expect.poll(opened, { timeout: 20_000 }).toBeGreaterThan(1);
    for (let id = 1; id <= 40; id += 1) {
      await insert(id);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await expect.poll(rows, { timeout: 20_000 }).toHaveLength(40);

    expect(await rows()).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect(await opened()).toBeGreaterThan(2);
    expect(await page.evaluate(() => window.streamed.gaps)).toEqual([]);
    expect(asked.slice(1).every((id) => id !== undefined && /^[^/]+\/[0-9A-F]+\/[0-9A-F]+:\d+$/.test(id))).toBe(true);
  });
});
