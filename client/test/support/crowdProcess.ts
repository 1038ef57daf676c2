import { createClient, type RealtimeChannel } from "@supabase/supabase-js";
import { realtimeTransport } from "../../src/index.js";
import { signalRHub } from "../../src/hub.js";
import type { CrowdPlace } from "./crowd.js";

// Run by crowd.ts as a process of its own, so that it can be killed: many clients as applications make them, and a few calls by which the test asks what they show.

const place = JSON.parse(process.argv[2] ?? "") as CrowdPlace;
const members: Member[] = [];
let seen: Record<string, number> = {};

/** One client that is present, after each reconnect too, as an application does it. */
class Member {
  private readonly channel: RealtimeChannel;
  private onSync: () => void = () => undefined;
  readonly entered: Promise<void>;

  constructor(name: string) {
    const { url, anonKey, topic, signalRPort } = place;
    const transport = realtimeTransport({
      logger: () => undefined,
      ...(signalRPort === undefined ? {} : { hub: (address, token) => signalRHub(through(address, signalRPort), token) }),
    });
    const client = createClient(url, anonKey, { realtime: { transport }, auth: { persistSession: false, autoRefreshToken: false } });
    this.channel = client
      .channel(topic, { config: { presence: { key: name } } })
      .on("presence", { event: "join" }, ({ key }) => count(`join ${key}`))
      .on("presence", { event: "leave" }, ({ key }) => count(`leave ${key}`))
      .on("presence", { event: "sync" }, () => this.onSync());
    this.entered = new Promise((resolve) => {
      this.channel.subscribe((status) => {
        if (status === "SUBSCRIBED") {
          void this.channel.track({ name }).then(() => resolve());
        }
      });
    });
  }

  shows(names: ReadonlySet<string>): boolean {
    const state = Object.entries(this.channel.presenceState());
    return state.length === names.size && state.every(([key, presences]) => presences.length === 1 && names.has(key));
  }

  /** Answers when it did. */
  async until(names: ReadonlySet<string>): Promise<number> {
    while (!this.shows(names)) {
      await new Promise<void>((resolve) => (this.onSync = resolve));
    }
    return Date.now();
  }

  get roster(): string {
    return Object.entries(this.channel.presenceState()).map(([key, presences]) => `${key}*${presences.length}`).join(" ");
  }
}

const calls: Readonly<Record<string, (...args: never[]) => unknown>> = {
  enter: async (names: readonly string[]) => {
    const entering = names.map((name) => new Member(name));
    members.push(...entering);
    await Promise.all(entering.map(({ entered }) => entered));
  },
  until: async (names: readonly string[], withinMs: number) => {
    const wanted = new Set(names);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const wrong = members.filter((member) => !member.shows(wanted));
        reject(new Error(`${wrong.length} of ${members.length} clients did not show the right members within ${withinMs} ms; the first shows: ${wrong[0]?.roster}`));
      }, withinMs);
    });
    try {
      return Math.max(...(await Promise.race([late, Promise.all(members.map((member) => member.until(wanted)))])));
    } finally {
      clearTimeout(timer);
    }
  },
  seen: () => {
    const before = seen;
    seen = {};
    return before;
  },
};

function count(event: string): void {
  seen[event] = (seen[event] ?? 0) + 1;
}

function through(address: string, port: number): string {
  const url = new URL(address);
  url.port = String(port);
  return url.toString();
}

process.on("message", ({ id, name, args }: { id: number; name: string; args: never[] }) => {
  Promise.resolve(calls[name]?.(...args)).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
// The test has ended, or was killed.
process.on("disconnect", () => process.exit());
process.send?.("ready");
