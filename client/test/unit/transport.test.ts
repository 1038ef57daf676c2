import { createClient, type RealtimeChannel, type SupabaseClient } from "@supabase/supabase-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { realtimeTransport, withLeave, type TransportOptions } from "../../src/index.js";
import { inserts } from "../support/changes.js";
import { list, StandIn } from "../support/standIn.js";
import { Statuses } from "../support/statuses.js";

const apikey = "anon-key";

/** supabase-js as it is, over the transport, against the stand-in. Time stands still unless a test moves it. */
describe.each(["1.0.0", "2.0.0"])("supabase-js with serializer %s", (vsn) => {
  let service: StandIn;
  let warnings: string[];
  const clients: SupabaseClient[] = [];

  beforeEach(() => {
    vi.useFakeTimers();
    service = new StandIn(apikey);
    warnings = [];
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) {
      void client.removeAllChannels();
    }
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    expect(service.violations).toEqual([]);
  });

  function clientOf(options: TransportOptions = {}, accessToken?: () => Promise<string>): SupabaseClient {
    const transport = realtimeTransport({
      fetch: service.fetch,
      hub: service.connect,
      random: () => 0,
      logger: (level, message) => void (level === "warn" && warnings.push(message)),
      ...options,
    });
    const client = createClient("https://service.test", apikey, {
      realtime: { transport, vsn },
      auth: { persistSession: false, autoRefreshToken: false },
      ...(accessToken === undefined ? {} : { accessToken }),
    });
    clients.push(client);
    return client;
  }

  const settle = (ms = 20): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

  const todos = (client: SupabaseClient, topic: string, rows: string[] = [], filter?: string): RealtimeChannel =>
    client
      .channel(topic)
      .on("postgres_changes", { event: "INSERT", schema: "public", table: "todos", ...(filter === undefined ? {} : { filter }) }, (payload) => {
        rows.push((payload.new as { title: string }).title);
      });

  it("becomes SUBSCRIBED, hears the notes, and receives changes", async () => {
    const rows: string[] = [];
    const notes: unknown[] = [];
    const channel = todos(clientOf(), "room", rows, "id=eq.1").on("system", {}, (note: unknown) => void notes.push(note));
    const statuses = new Statuses(channel);
    await settle();

    expect(statuses.names).toEqual(["SUBSCRIBED"]);
    expect(service.bodies("channels/join")).toEqual([
      {
        channels: [
          {
            topic: "room",
            config: {
              broadcast: { ack: false, self: false },
              presence: { key: "", enabled: false },
              postgres_changes: [{ event: "INSERT", schema: "public", table: "todos", filter: "id=eq.1" }],
              private: false,
            },
          },
        ],
      },
    ]);
    expect(notes).toEqual([{ extension: "postgres_changes", status: "ok", message: "Subscribed to PostgreSQL", channel: "room" }]);

    service.hub.invoke("postgres_changes", inserts([1], ["0/1:0", "0/1:1"]));
    await settle();
    expect(rows).toEqual(["0/1:0", "0/1:1"]);
  });

  it("passes a change on exactly as Supabase sends it", async () => {
    let payload: unknown;
    const channel = clientOf()
      .channel("room")
      .on("postgres_changes", { event: "*", schema: "public", table: "todos" }, (change) => (payload = change));
    channel.subscribe();
    await settle();
    service.hub.invoke("postgres_changes", {
      ...inserts([1], []),
      changes: [
        {
          position: "0/2:0",
          type: "UPDATE",
          commit_timestamp: "2026-03-01T12:00:00.123Z",
          record: { id: 1, title: "new" },
          old_record: { id: 1 },
          errors: null,
        },
      ],
    });
    await settle();
    expect(payload).toEqual({
      schema: "public",
      table: "todos",
      commit_timestamp: "2026-03-01T12:00:00.123Z",
      eventType: "UPDATE",
      new: { id: 1, title: "new" },
      old: { id: 1 },
      errors: null,
    });
  });

  it("asks for what supabase-js's types do not know, such as rows that leave", async () => {
    const statuses = new Statuses(
      clientOf()
        .channel("room")
        .on("postgres_changes", withLeave({ event: "*", schema: "public", table: "todos" }), () => undefined),
    );
    await settle();
    const [joined] = list(service.bodies("channels/join")[0]?.["channels"]);
    expect((joined?.["config"] as Record<string, unknown>)["postgres_changes"]).toEqual([
      { event: "*", schema: "public", table: "todos", leave: true },
    ]);
    expect(statuses.names).toEqual(["SUBSCRIBED"]);
  });

  it("drops repeats, within an epoch", async () => {
    const rows: string[] = [];
    todos(clientOf(), "room", rows).subscribe();
    await settle();
    service.hub.invoke("postgres_changes", inserts([1], ["0/9:0", "0/10:0"]));
    service.hub.invoke("postgres_changes", inserts([1], ["0/9:0", "0/10:0", "0/10:1"]));
    service.hub.invoke("postgres_changes", inserts([1], ["0/1:0"], "2-1-1"));
    await settle();
    expect(rows).toEqual(["0/9:0", "0/10:0", "0/10:1", "0/1:0"]);
  });

  it("joins channels of one moment in one call, and gives each its own changes", async () => {
    const client = clientOf();
    const rows: string[][] = [[], [], []];
    const statuses = rows.map((seen, index) => new Statuses(todos(client, `room-${index}`, seen)));
    await settle();
    expect(service.bodies("channels/join")).toHaveLength(1);
    expect(statuses.map(({ names }) => names)).toEqual([["SUBSCRIBED"], ["SUBSCRIBED"], ["SUBSCRIBED"]]);

    service.hub.invoke("postgres_changes", inserts([2], ["0/1:0"]));
    service.hub.invoke("postgres_changes", inserts([77], ["0/2:0"]));
    await settle();
    expect(rows).toEqual([[], ["0/1:0"], []]);
  });

  it("gives a change to every channel with its number, once to each", async () => {
    service.on("channels/join", ({ body }) => ({
      status: 200,
      body: { channels: list(body["channels"]).map((channel) => ({ ...service.joined(channel), postgres_changes: [{ id: 5 }] })) },
    }));
    const client = clientOf();
    const rows: string[][] = [[], []];
    rows.forEach((seen, index) => todos(client, `room-${index}`, seen).subscribe());
    await settle();
    service.hub.invoke("postgres_changes", inserts([5], ["0/1:0"]));
    await settle();
    expect(rows).toEqual([["0/1:0"], ["0/1:0"]]);
  });

  it("receives what came before the answer to its join", async () => {
    const rows: string[] = [];
    const others: string[] = [];
    const client = clientOf();
    todos(client, "other", others).subscribe();
    await settle();
    service.on("channels/join", (call) => {
      service.hub.invoke("postgres_changes", inserts([2], ["0/1:0"]));
      service.hub.invoke("postgres_changes", inserts([1], ["0/2:0"]));
      return service.well(call);
    });
    todos(client, "room", rows).subscribe();
    await settle();
    service.hub.invoke("postgres_changes", inserts([2], ["0/1:0", "0/3:0"]));
    await settle();
    expect(rows).toEqual(["0/1:0", "0/3:0"]);
    expect(others).toEqual(["0/2:0"]);
  });

  it("is told CHANNEL_ERROR with the reason when the service refuses, and asks again only after a while", async () => {
    const refusal = { status: "error", statusCode: 400, code: "UnknownTable", message: "Table public.todos is not published." };
    service.on("channels/join", () => ({ status: 200, body: { channels: [{ topic: "room", ...refusal }] } }));
    const statuses = new Statuses(todos(clientOf(), "room"));
    await settle(30_000);
    expect(statuses.seen[0]).toEqual({ status: "CHANNEL_ERROR", message: "UnknownTable: Table public.todos is not published." });
    expect(statuses.seen.length).toBeGreaterThan(2);
    expect(statuses.seen[1]?.message).toContain("Remembered; the service is asked again in");
    expect(service.bodies("channels/join")).toHaveLength(1);
    expect(service.bodies("channels/leave")).toHaveLength(0);

    service.on("channels/join", (call) => service.well(call));
    await settle(45_000);
    expect(statuses.names.at(-1)).toBe("SUBSCRIBED");
  });

  it.each([
    ["a status that passes", () => ({ status: 503, body: { code: "Busy", message: "Try again." } }) as const, "Busy: Try again."],
    ["a page of a proxy", () => ({ status: 502, body: "<html>" }) as const, "Http502: channels/join was answered with status 502."],
    ["no network", () => "drop" as const, "Unreachable: channels/join could not be asked: fetch failed. Check the address and the network."],
    ["an answer of another kind", () => ({ status: 200, body: {} }) as const, "UnexpectedAnswer: join was not answered with 1 channels."],
  ])("is told CHANNEL_ERROR after %s, and joins again", async (_, responder, message) => {
    service.on("channels/join", responder);
    const statuses = new Statuses(todos(clientOf(), "room"));
    await settle();
    expect(statuses.seen).toEqual([{ status: "CHANNEL_ERROR", message }]);
    service.on("channels/join", (call) => service.well(call));
    await settle(1_100);
    expect(statuses.names).toEqual(["CHANNEL_ERROR", "SUBSCRIBED"]);
  });

  it("is told TIMED_OUT when a join is not answered, and a late answer does no harm", async () => {
    let answer: () => void = () => undefined;
    service.on("channels/join", async (call) => {
      await new Promise<void>((resolve) => (answer = resolve));
      return service.well(call);
    });
    const rows: string[] = [];
    const statuses = new Statuses(todos(clientOf(), "room", rows), 500);
    await settle(600);
    expect(statuses.names).toEqual(["TIMED_OUT"]);
    expect(service.bodies("channels/leave")).toEqual([]);

    service.on("channels/join", (call) => service.well(call));
    answer();
    await settle(2_000);
    expect(statuses.names).toEqual(["TIMED_OUT", "SUBSCRIBED"]);
    service.hub.invoke("postgres_changes", inserts([1], ["0/1:0"]));
    service.hub.invoke("postgres_changes", inserts([2], ["0/1:0"]));
    await settle();
    expect(rows).toEqual(["0/1:0"]);
  });

  it("is told CLOSED when it unsubscribes, and the service is told to leave", async () => {
    const client = clientOf();
    const channels = ["a", "b"].map((topic) => todos(client, topic));
    const statuses = channels.map((channel) => new Statuses(channel));
    new Statuses(todos(client, "stays"));
    await settle();
    const answers = Promise.all(channels.map((channel) => channel.unsubscribe()));
    await settle();
    expect(await answers).toEqual(["ok", "ok"]);
    // realtime-js says it twice: for the reply to its leave, and for the close that follows, as with Supabase.
    expect(statuses.map(({ names }) => names.at(-1))).toEqual(["CLOSED", "CLOSED"]);
    expect(service.bodies("channels/leave")).toEqual([{ channels: [{ topic: "a" }, { topic: "b" }] }]);
  });

  it("tries a leave again that failed, and no more once the channel is back", async () => {
    const client = clientOf();
    const channel = todos(client, "room");
    channel.subscribe();
    todos(client, "stays").subscribe();
    await settle();
    service.on("channels/leave", () => "drop");
    void channel.unsubscribe();
    await settle(7_000);
    expect(service.bodies("channels/leave")).toHaveLength(3);
    todos(client, "room").subscribe();
    await settle(30_000);
    expect(service.bodies("channels/leave")).toHaveLength(3);
  });

  it("does not pay for a channel that was left before it was joined, nor for leaving when it goes altogether", async () => {
    const client = clientOf();
    todos(client, "stays").subscribe();
    await settle();
    const channel = todos(client, "brief");
    channel.subscribe();
    void channel.unsubscribe();
    await settle();
    expect(service.bodies("channels/join")).toHaveLength(1);
    expect(service.bodies("channels/leave")).toHaveLength(0);
    const removed = client.removeAllChannels();
    await settle(300);
    expect(await removed).toEqual(["ok"]);
    expect(service.bodies("channels/leave")).toHaveLength(0);
    expect(service.hub.isRunning).toBe(false);
  });

  it("pays for one join when a component subscribes, unsubscribes and subscribes again in one moment", async () => {
    const client = clientOf();
    todos(client, "stays").subscribe();
    await settle();
    const brief = todos(client, "room");
    brief.subscribe();
    void brief.unsubscribe();
    const rows: string[] = [];
    const statuses = new Statuses(todos(client, "room", rows));
    await settle();
    expect(statuses.names).toEqual(["SUBSCRIBED"]);
    expect(service.bodies("channels/join").map(({ channels }) => list(channels).map(({ topic }) => topic))).toEqual([["stays"], ["room"]]);
    expect(service.bodies("channels/leave")).toEqual([]);
    service.hub.invoke("postgres_changes", inserts([2], ["0/1:0"]));
    await settle();
    expect(rows).toEqual(["0/1:0"]);
  });

  it("joins again, and is not SUBSCRIBED with a gap, when more comes during a join than is kept", async () => {
    service.on("channels/join", (call) => {
      const many = Array.from({ length: 50_001 }, (_, index) => `0/1:${index}`);
      service.hub.invoke("postgres_changes", inserts([1], many));
      service.on("channels/join", (again) => service.well(again));
      return service.well(call);
    });
    const statuses = new Statuses(todos(clientOf(), "room"));
    await settle();
    expect(statuses.seen).toEqual([
      { status: "CHANNEL_ERROR", message: "TooManyHeld: More came during the join than can be kept; join again." },
    ]);
    await settle(1_100);
    expect(statuses.names).toEqual(["CHANNEL_ERROR", "SUBSCRIBED"]);
  });

  it("leaves what was joined before, when the join that was to replace it is refused", async () => {
    const client = clientOf();
    todos(client, "stays").subscribe();
    todos(client, "room").subscribe();
    await settle();
    service.on("channels/join", () => ({
      status: 200,
      body: { channels: [{ topic: "room", status: "error", statusCode: 400, code: "InvalidFilter", message: "No." }] },
    }));
    service.on("channels/leave", () => "drop");
    void client.channel("room").unsubscribe();
    await settle();
    const statuses = new Statuses(todos(client, "room", [], "id=eq.x"));
    service.on("channels/leave", (call) => service.well(call));
    await settle();
    expect(statuses.names).toEqual(["CHANNEL_ERROR"]);
    expect(service.bodies("channels/leave").at(-1)).toEqual({ channels: [{ topic: "room" }] });
  });

  it("drops messages that are none, and says so", async () => {
    const rows: string[] = [];
    todos(clientOf(), "room", rows).subscribe();
    await settle();
    [null, 7, "x", [], {}, { ids: [1] }, { ids: "1", schema: "public", table: "todos", changes: [] }].forEach((nonsense) => {
      service.hub.invoke("postgres_changes", nonsense);
      service.hub.invoke("system", nonsense);
      service.hub.invoke("close", nonsense);
    });
    service.hub.invoke("postgres_changes", inserts([1], ["0/1:0"]));
    await settle();
    expect(rows).toEqual(["0/1:0"]);
    expect(warnings.filter((warning) => warning.includes("postgres_changes"))).toHaveLength(7);
  });

  it("connects and joins again when SignalR's connection ends", async () => {
    const rows: string[] = [];
    const statuses = new Statuses(todos(clientOf(), "room", rows));
    await settle();
    service.hub.drop("Server timeout elapsed.");
    await settle();
    expect(statuses.seen.at(-1)).toEqual({
      status: "CHANNEL_ERROR",
      message: "socket closed: 1006 (SignalR connection ended: Server timeout elapsed.)",
    });
    await settle(2_000);
    expect(statuses.names).toEqual(["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED"]);
    expect(service.hubs).toHaveLength(2);
    service.hub.invoke("postgres_changes", inserts([2], ["0/1:0"]));
    await settle();
    expect(rows).toEqual(["0/1:0"]);
  });

  it("is told why when no session begins, and connects when one does", async () => {
    service.on("negotiate", () => ({ status: 401, body: { code: "InvalidToken", message: "The API key has expired." } }));
    const statuses = new Statuses(todos(clientOf(), "room"));
    await settle(500);
    expect(statuses.seen).toEqual([{ status: "CHANNEL_ERROR", message: "socket closed: 1006 (InvalidToken: The API key has expired.)" }]);
    service.on("negotiate", (call) => service.well(call));
    await settle(5_000);
    expect(statuses.names.at(-1)).toBe("SUBSCRIBED");
  });

  it("gives up a connection that does not come about", async () => {
    service.on("negotiate", () => "hang");
    const statuses = new Statuses(todos(clientOf({ callTimeoutMs: 3_000 }), "room"), 60_000);
    await settle(3_100);
    expect(statuses.seen[0]?.message).toContain("TimedOut: negotiate was not answered within 3000 ms.");
    expect(service.calls[0]?.signal.aborted).toBe(true);
  });

  it.each([
    ["the session is not connected", { status: 409, body: { code: "SessionNotConnected", message: "Connect first." } }],
    ["the session token is not accepted", { status: 401, body: { code: "InvalidSession", message: "Negotiate again." } }],
    [
      "another user's token is in use",
      { status: 200, body: { channels: [{ topic: "room", status: "error", statusCode: 403, code: "SessionMismatch", message: "Negotiate." }] } },
    ],
  ])("begins a new session when %s", async (_, answer) => {
    service.on("channels/join", (call) => (service.hubs.length === 1 ? answer : service.well(call)));
    const statuses = new Statuses(todos(clientOf(), "room"));
    await settle(5_000);
    expect(statuses.names).toEqual(["CHANNEL_ERROR", "SUBSCRIBED"]);
    expect(service.hubs).toHaveLength(2);
  });

  it("answers heartbeats without a call", async () => {
    const client = clientOf();
    const beats: string[] = [];
    client.realtime.onHeartbeat((status) => void beats.push(status));
    todos(client, "room").subscribe();
    await settle(60_000);
    expect(beats).toEqual(["sent", "ok", "sent", "ok"]);
    expect(service.calls.map(({ route }) => route)).toEqual(["negotiate", "channels/join"]);
  });

  it("passes on notes that come later, and closes what the service closes", async () => {
    const client = clientOf();
    const notes: { message: string }[] = [];
    const channel = todos(client, "room").on("system", {}, (note: { message: string }) => void notes.push(note));
    const statuses = new Statuses(channel);
    const other = new Statuses(todos(client, "other"));
    await settle();
    service.hub.invoke("system", { ids: [1], extension: "postgres_changes", status: "error", code: "Gap", message: "Changes were lost." });
    service.hub.invoke("close", { topics: ["room"], reason: "Token has expired." });
    await settle(30_000);
    expect(notes.map(({ message }) => message)).toEqual(["Subscribed to PostgreSQL", "Gap: Changes were lost.", "Token has expired."]);
    expect(statuses.names).toEqual(["SUBSCRIBED", "CLOSED"]);
    expect(other.names).toEqual(["SUBSCRIBED"]);
    expect(service.bodies("channels/leave")).toHaveLength(0);
  });

  describe("with a token of its own", () => {
    const tokens = ["token-1", "token-2"];
    let current = 0;
    beforeEach(() => (current = 0));
    const signedIn = (): SupabaseClient => clientOf({}, () => Promise.resolve(tokens[current] ?? ""));

    /** Moves on to the second token and tells supabase-js. */
    async function renew(client: SupabaseClient): Promise<void> {
      current = 1;
      await client.realtime.setAuth();
      await settle();
    }

    it("renews its channels in one call, and keeps receiving under new numbers", async () => {
      service.on("channels/access-token", () => ({
        status: 200,
        body: { channels: ["b", "a"].map((topic) => ({ topic, status: "ok", postgres_changes: [{ id: topic === "a" ? 31 : 32 }] })) },
      }));
      const client = signedIn();
      await client.realtime.setAuth();
      const rows: string[][] = [[], []];
      ["a", "b"].forEach((topic, index) => todos(client, topic, rows[index]).subscribe());
      await settle();
      expect(list(service.bodies("channels/join")[0]?.["channels"]).map((channel) => channel["access_token"])).toEqual(["token-1", "token-1"]);

      await renew(client);
      await renew(client);
      expect(service.bodies("channels/access-token")).toEqual([{ access_token: "token-2", topics: ["a", "b"] }]);
      service.hub.invoke("postgres_changes", inserts([1], ["0/1:0"]));
      service.hub.invoke("postgres_changes", inserts([31], ["0/1:0", "0/2:0"]));
      await settle();
      expect(rows).toEqual([["0/1:0", "0/2:0"], []]);
    });

    it("receives what came under new numbers before it knew them", async () => {
      service.on("channels/access-token", () => {
        service.hub.invoke("postgres_changes", inserts([31], ["0/2:0"]));
        return { status: 200, body: { channels: [{ topic: "a", status: "ok", postgres_changes: [{ id: 31 }] }] } };
      });
      const client = signedIn();
      await client.realtime.setAuth();
      const rows: string[] = [];
      todos(client, "a", rows).subscribe();
      await settle();
      await renew(client);
      expect(rows).toEqual(["0/2:0"]);
    });

    it("receives each change once and in order, under whichever number it comes first", async () => {
      service.on("channels/access-token", () => {
        service.hub.invoke("postgres_changes", inserts([1], ["0/2:0"]));
        service.hub.invoke("postgres_changes", inserts([31], ["0/2:0", "0/3:0"]));
        service.hub.invoke("postgres_changes", inserts([1], ["0/3:0", "0/4:0"]));
        service.hub.invoke("postgres_changes", inserts([31], ["0/4:0", "0/5:0"]));
        return { status: 200, body: { channels: [{ topic: "a", status: "ok", postgres_changes: [{ id: 31 }] }] } };
      });
      const client = signedIn();
      await client.realtime.setAuth();
      const rows: string[] = [];
      todos(client, "a", rows).subscribe();
      await settle();
      service.hub.invoke("postgres_changes", inserts([1], ["0/1:0"]));
      await renew(client);
      service.hub.invoke("postgres_changes", inserts([1], ["0/5:0", "0/6:0"]));
      await settle();
      expect(rows.at(-1)).toBe("0/6:0");
      service.hub.invoke("postgres_changes", inserts([31], ["0/5:0", "0/6:0"]));
      service.hub.invoke("postgres_changes", inserts([1], ["0/5:0", "0/6:0", "0/7:0"]));
      service.hub.invoke("postgres_changes", inserts([31], ["0/7:0", "0/8:0"]));
      await settle();
      expect(rows).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((place) => `0/${place}:0`));
    });

    it("keeps the positions of epochs and of two entries apart when they are renumbered", async () => {
      service.on("channels/access-token", () => {
        service.hub.invoke("postgres_changes", inserts([31], ["0/9:0"]));
        service.hub.invoke("postgres_changes", inserts([32], ["0/9:0"]));
        service.hub.invoke("postgres_changes", inserts([31, 32], ["0/1:0"], "2-1-1"));
        return { status: 200, body: { channels: [{ topic: "a", status: "ok", postgres_changes: [{ id: 31 }, { id: 32 }] }] } };
      });
      const client = signedIn();
      await client.realtime.setAuth();
      const [first, second]: [string[], string[]] = [[], []];
      const channel = todos(client, "a", first, "id=eq.1");
      channel.on("postgres_changes", { event: "INSERT", schema: "public", table: "todos", filter: "id=eq.2" }, (payload) => {
        second.push((payload.new as { title: string }).title);
      });
      channel.subscribe();
      await settle();
      service.hub.invoke("postgres_changes", inserts([1], ["0/9:0"]));
      await renew(client);
      expect([first, second]).toEqual([
        ["0/9:0", "0/1:0"],
        ["0/9:0", "0/1:0"],
      ]);
    });

    it("loses nothing when the answer with the new numbers is lost and asked for again", async () => {
      service.on("channels/access-token", () => {
        service.hub.invoke("postgres_changes", inserts([31], ["0/2:0"]));
        return "drop";
      });
      const client = signedIn();
      await client.realtime.setAuth();
      const rows: string[] = [];
      todos(client, "a", rows).subscribe();
      await settle();
      service.hub.invoke("postgres_changes", inserts([1], ["0/1:0"]));
      await renew(client);
      service.hub.invoke("postgres_changes", inserts([1], ["0/2:0"]));
      service.hub.invoke("postgres_changes", inserts([31], ["0/3:0"]));
      service.on("channels/access-token", () => ({
        status: 200,
        body: { channels: [{ topic: "a", status: "ok", postgres_changes: [{ id: 31 }] }] },
      }));
      await settle(2_000);
      expect(rows).toEqual(["0/1:0", "0/2:0", "0/3:0"]);
    });

    it("joins again when more comes during a change of token than is kept", async () => {
      service.on("channels/access-token", () => {
        const many = Array.from({ length: 50_001 }, (_, index) => `0/1:${index}`);
        service.hub.invoke("postgres_changes", inserts([31], many));
        return { status: 200, body: { channels: [{ topic: "a", status: "ok", postgres_changes: [{ id: 31 }] }] } };
      });
      const client = signedIn();
      await client.realtime.setAuth();
      const statuses = new Statuses(todos(client, "a"));
      await settle();
      await renew(client);
      await settle(2_000);
      expect(statuses.names).toEqual(["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED"]);
    });

    it("stays joined when its token expires, and receives again under the next one that supabase-js asks for", async () => {
      service.on("channels/access-token", () => ({
        status: 200,
        body: { channels: ["a", "b"].map((topic) => ({ topic, status: "ok", postgres_changes: [{ id: topic === "a" ? 31 : 32 }] })) },
      }));
      const client = signedIn();
      await client.realtime.setAuth();
      const rows: string[] = [];
      const notes: string[] = [];
      const channel = todos(client, "a", rows).on("system", {}, ({ status, message }: { status: string; message: string }) => {
        notes.push(`${status} ${message}`);
      });
      const statuses = [new Statuses(channel), new Statuses(todos(client, "b"))];
      await settle();
      const expired = { extension: "system", status: "error", code: "TokenExpired", message: "The token's time is over." };
      service.hub.invoke("system", { ...expired, topics: ["a", "b"], ids: [1, 2] });
      await settle();
      expect(notes.at(-1)).toBe("error TokenExpired: The token's time is over.");

      current = 1;
      await settle(25_100);
      expect(service.bodies("channels/access-token")).toEqual([{ access_token: "token-2", topics: ["a", "b"] }]);
      service.hub.invoke("postgres_changes", inserts([31], ["0/1:0"]));
      await settle();
      expect(rows).toEqual(["0/1:0"]);
      expect(statuses.map(({ names }) => names)).toEqual([["SUBSCRIBED"], ["SUBSCRIBED"]]);
    });

    it("need not wait for supabase-js to ask when the application asks at the note", async () => {
      service.on("channels/access-token", () => ({
        status: 200,
        body: { channels: [{ topic: "a", status: "ok", postgres_changes: [{ id: 31 }] }] },
      }));
      const client = signedIn();
      await client.realtime.setAuth();
      const channel = todos(client, "a").on("system", {}, ({ message }: { message: string }) => {
        if (message.startsWith("TokenExpired")) {
          void client.realtime.setAuth();
        }
      });
      channel.subscribe();
      await settle();
      current = 1;
      service.hub.invoke("system", { topics: ["a"], status: "error", code: "TokenExpired", message: "Over." });
      await settle();
      expect(service.bodies("channels/access-token")).toEqual([{ access_token: "token-2", topics: ["a"] }]);
    });

    it("is not asked for a new one by a supabase-js that was never told to: createClient sets the first as if by hand", async () => {
      const client = signedIn();
      await settle();
      todos(client, "a").subscribe();
      await settle();
      current = 1;
      await settle(60_000);
      expect(service.bodies("channels/access-token")).toEqual([]);
    });

    it("carries on under the later of two tokens, though the service refuses the earlier", async () => {
      let answer: () => void = () => undefined;
      service.on("channels/access-token", async () => {
        await new Promise<void>((resolve) => (answer = resolve));
        const refusal = { status: "error", statusCode: 401, code: "TokenExpired", message: "Token has expired." };
        return { status: 200, body: { channels: [{ topic: "a", ...refusal }] } };
      });
      const client = signedIn();
      await client.realtime.setAuth();
      const rows: string[] = [];
      const statuses = new Statuses(todos(client, "a", rows));
      await settle();
      await client.realtime.setAuth("token-2");
      await settle();
      await client.realtime.setAuth("token-3");
      service.on("channels/access-token", () => ({
        status: 200,
        body: { channels: [{ topic: "a", status: "ok", postgres_changes: [{ id: 31 }] }] },
      }));
      answer();
      await settle();
      service.hub.invoke("postgres_changes", inserts([31], ["0/1:0"]));
      await settle();
      expect(service.bodies("channels/access-token").map((body) => body["access_token"])).toEqual(["token-2", "token-3"]);
      expect(statuses.names).toEqual(["SUBSCRIBED"]);
      expect(rows).toEqual(["0/1:0"]);
    });

    it("is told and CLOSED where the new token is not accepted", async () => {
      service.on("channels/access-token", () => ({
        status: 200,
        body: { channels: [{ topic: "a", status: "error", statusCode: 401, code: "TokenExpired", message: "Token has expired." }] },
      }));
      const client = signedIn();
      await client.realtime.setAuth();
      const notes: string[] = [];
      const channel = todos(client, "a").on("system", {}, ({ message }: { message: string }) => void notes.push(message));
      const statuses = new Statuses(channel);
      await settle();
      await renew(client);
      expect(statuses.names).toEqual(["SUBSCRIBED", "CLOSED"]);
      expect(notes.at(-1)).toBe("TokenExpired: Token has expired.");
    });

    it("tries again while the service is away, and then carries on", async () => {
      service.on("channels/access-token", () => "drop");
      const client = signedIn();
      await client.realtime.setAuth();
      const statuses = new Statuses(todos(client, "a"));
      await settle();
      await renew(client);
      service.on("channels/access-token", () => ({
        status: 200,
        body: { channels: [{ topic: "a", status: "ok", postgres_changes: [{ id: 9 }] }] },
      }));
      await settle(2_000);
      expect(service.bodies("channels/access-token")).toHaveLength(2);
      expect(statuses.names).toEqual(["SUBSCRIBED"]);
    });
  });

  it("leaves no timer and no call behind when it is disconnected", async () => {
    service.on("channels/join", () => "hang");
    const client = clientOf();
    todos(client, "room").subscribe();
    await settle();
    void client.realtime.disconnect();
    await settle(100);
    expect(service.calls.at(-1)?.signal.aborted).toBe(true);
    expect(service.hub.isRunning).toBe(false);
    const calls = service.calls.length;
    await settle(120_000);
    expect(service.calls).toHaveLength(calls);
  });
});
