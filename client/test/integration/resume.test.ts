import type { SupabaseClient } from "@supabase/supabase-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { signalRHub } from "../../src/hub.js";
import type { MissedChanges, Resumed, TransportOptions } from "../../src/index.js";
import { hasApp, startApp, type App } from "../support/app.js";
import { clientOf } from "../support/clients.js";
import { Inbox } from "../support/inbox.js";
import { Relay } from "../support/relay.js";
import { Statuses } from "../support/statuses.js";

/** What a plain supabase-js client sees of rows that are written without pause, whatever happens to its connection or to the service. */
describe.skipIf(!hasApp)("rows that are written while", () => {
  let app: App;
  let relay: Relay;
  const clients: SupabaseClient[] = [];

  beforeAll(async () => {
    app = await startApp();
    relay = await Relay.before(Number(new URL(app.url).port));
    await app.sql.query(`
      create table public.steps (id int primary key, run text not null);
      alter publication supabase_realtime add table public.steps;`);
  });
  afterAll(async () => {
    await relay.close();
    await app.stop();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.removeAllChannels()));
  });

  interface Listener {
    readonly heard: Inbox<number>;
    readonly statuses: Statuses;
    readonly resumed: readonly Resumed[];
    readonly gaps: readonly MissedChanges[];
  }

  /** Listens to the rows of a run. The transport's random number is small, so that it does not wait long before it connects again. */
  async function listen(run: string, vsn: string, options: TransportOptions = {}): Promise<Listener> {
    const [heard, resumed, gaps] = [new Inbox<number>(), [] as Resumed[], [] as MissedChanges[]];
    const transport: TransportOptions = {
      random: () => 0.05,
      logger: () => undefined,
      onResume: (one) => void resumed.push(one),
      onGap: (one) => void gaps.push(one),
      ...options,
    };
    const client = clientOf(app, vsn, { transport });
    clients.push(client);
    const channel = client
      .channel(run)
      .on("postgres_changes", { event: "INSERT", schema: "public", table: "steps", filter: `run=eq.${run}` }, ({ new: row }) => heard.add((row as { id: number }).id));
    const statuses = new Statuses(channel);
    await statuses.until("SUBSCRIBED");
    return { heard, statuses, resumed, gaps };
  }

  /** Writes rows until it is told to stop, beside those of another run; answers their ids. */
  function write(run: string, from: number): () => Promise<readonly number[]> {
    let stopped = false;
    const ids: number[] = [];
    const writing = (async () => {
      for (let id = from; !stopped; id += 2) {
        await app.sql.query("insert into public.steps values ($1, $2), ($3, 'another')", [id, run, id + 1]);
        ids.push(id);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    return async () => {
      stopped = true;
      await writing;
      return ids;
    };
  }

  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const throughRelay: TransportOptions = {
    hub: (url, token) => {
      const address = new URL(url);
      address.port = String(relay.port);
      return signalRHub(address.toString(), token);
    },
  };

  it.each(["1.0.0", "2.0.0"])("the connection is cut again and again all arrive, in order, once (serializer %s)", async (vsn) => {
    const run = `cut-${vsn}`;
    const { heard, statuses, resumed, gaps } = await listen(run, vsn, throughRelay);
    const stop = write(run, vsn === "1.0.0" ? 1_000_000 : 2_000_000);
    for (let cut = 0; cut < 4; cut++) {
      await pause(700);
      const before = statuses.seen.length;
      relay.drop();
      await statuses.until("SUBSCRIBED", before, 30_000);
    }
    const ids = await stop();
    await heard.until((id) => id === ids.at(-1));
    expect(heard.items).toEqual(ids);
    expect(gaps).toEqual([]);
    expect(resumed).toHaveLength(4);
    expect(resumed.some(({ count }) => count > 0)).toBe(true);
  });

  it("the service is killed and started again all arrive, in order, once", async () => {
    const { heard, statuses, gaps } = await listen("killed", "2.0.0");
    const stop = write("killed", 3_000_000);
    for (let kill = 0; kill < 2; kill++) {
      await pause(1_000);
      const before = statuses.seen.length;
      await app.kill();
      await app.restart();
      await statuses.until("SUBSCRIBED", before, 45_000);
    }
    await pause(500);
    const ids = await stop();
    await heard.until((id) => id === ids.at(-1), 45_000);
    expect(heard.items).toEqual(ids);
    expect(gaps).toEqual([]);
  }, 180_000);
});
