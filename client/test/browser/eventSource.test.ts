import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { hasBrowser, launchBrowser } from "../support/browser.js";

/** What the page has heard of its stream, in order. */
interface Streamed {
  opened: number;
  ended: number;
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

  it("hears changes by onmessage, and after each end of the stream goes on from the last id, also one that came without data", async () => {
    page = await browser.newPage();
    await page.route(`${app.url}/page`, async (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
    await page.goto(`${app.url}/page`);
    await page.evaluate(
      ({ url, key }) => {
        const streamed: Streamed = { opened: 0, ended: 0, rows: [], gaps: [] };
        window.streamed = streamed;
        const source = new EventSource(`${url}/realtime/v1/stream?table=notes&apikey=${key}`);
        source.onopen = () => {
          streamed.opened += 1;
        };
        source.onerror = () => {
          streamed.ended += 1;
        };
        source.onmessage = ({ data }) => {
          streamed.rows.push((JSON.parse(data as string) as { record: { id: number } }).record.id);
        };
        source.addEventListener("gap", ({ data }) => streamed.gaps.push(data as string));
      },
      { url: app.url, key: app.anonKey },
    );

    // Between two connections, before it has seen any change: it is given the row only if it names the id that came without data.
    await page.waitForFunction(() => window.streamed.ended > 0);
    await insert(1);
    for (let id = 2; id <= 40; id += 1) {
      await insert(id);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await expect.poll(rows, { timeout: 20_000 }).toHaveLength(40);

    expect(await rows()).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect(await page.evaluate(() => window.streamed.opened)).toBeGreaterThan(2);
    expect(await page.evaluate(() => window.streamed.gaps)).toEqual([]);
  });
});
