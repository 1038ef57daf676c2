import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { Inbox } from "../support/inbox.js";

type Line = Readonly<Record<string, unknown>>;

const script = fileURLToPath(new URL("../../../docs/examples/plain-client.mjs", import.meta.url));

describe.skipIf(!hasApp)("the client of the documentation", () => {
  let app: App;
  let child: ChildProcess;

  beforeAll(async () => {
    app = await startApp();
    await app.sql.query(`
      create table public.orders (id int primary key, state text not null);
      alter table public.orders replica identity full;
      alter publication supabase_realtime add table public.orders;`);
  });
  afterEach(async () => {
    if (child.exitCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
  });
  afterAll(() => app.stop());

  /** Runs it, and collects what it prints. */
  function run(...args: readonly string[]): Inbox<Line> {
    const lines = new Inbox<Line>();
    child = spawn(process.execPath, [script, app.url, app.anonKey, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    if (child.stdout !== null) {
      createInterface(child.stdout).on("line", (line) => lines.add(JSON.parse(line) as Line));
    }
    return lines;
  }

  it("prints what happens to the rows that its filter selects", async () => {
    const lines = run("public.orders", "state=eq.open");
    await lines.until((line) => line["subscribed"] === "public.orders");
    await app.sql.query("insert into public.orders values (1, 'open'), (2, 'held')");
    await app.sql.query("update public.orders set state = 'open' where id = 2");
    await app.sql.query("delete from public.orders where id = 1");
    const printed = await lines.until(({ type }) => type === "DELETE");
    expect(printed.filter((line) => "type" in line)).toMatchObject([
      { type: "INSERT", table: "public.orders", new: { id: 1, state: "open" } },
      { type: "UPDATE", new: { id: 2, state: "open" }, old: { id: 2, state: "held" } },
      { type: "DELETE", old: { id: 1, state: "open" } },
    ]);
  });

  it("does not take the positions of one subscription for those of another on the same table", async () => {
    const lines = run("public.orders", "state=eq.first", "state=eq.second");
    await lines.until((line) => line["subscribed"] === "public.orders");
    for (let pair = 0; pair < 10; pair++) {
      const id = 100 + 2 * pair;
      const states = pair % 2 === 0 ? ["first", "second"] : ["second", "first"];
      await app.sql.query("insert into public.orders values ($1, $2), ($3, $4)", [id, states[0], id + 1, states[1]]);
    }
    await app.sql.query("insert into public.orders values (200, 'first'), (201, 'second')");
    const ids = (): readonly unknown[] => lines.items.filter(({ type }) => type === "INSERT").map((line) => (line["new"] as { id: number }).id);
    await lines.until(() => ids().includes(200) && ids().includes(201));
    expect([...ids()].sort()).toEqual([...Array.from({ length: 20 }, (_, index) => 100 + index), 200, 201]);
  });

  it("says what is wrong and ends where trying again cannot help", async () => {
    const lines = run("public.nowhere");
    const exited = once(child, "exit");
    await lines.until((line) => /^[A-Z][A-Za-z]+: .+/.test(String(line["failed"])));
    expect(await exited).toEqual([1, null]);
  });
});
