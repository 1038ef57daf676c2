import { inserts } from "./changes.js";
import { list, type Answer, type Call, type StandIn } from "./standIn.js";

/** A row of `public.todos`; entries with the filter `list=eq.N` want those of one list. */
interface Row {
  readonly n: number;
  readonly list: number;
}

interface Subscription {
  /** Which of the stand-in's connections it is sent to. */
  readonly session: number;
  readonly topic: string;
  readonly filter: string | undefined;
  /** The last row that was sent, whether or not it came. */
  previous: number;
  /** Whether something was lost that no later message has shown yet. */
  hidesLoss: boolean;
}

/**
 * A service with a log of changes behind a stand-in: it numbers alike what is asked alike, tells the cursor, and lets clients resume.
 *
 * The title of a row is its number, so what a client hears can be read as numbers.
 */
export class ChangeLog {
  epoch = "1-1-1";
  /** Rows in one answer. */
  pageSize = 1_000;
  /** Rows before this one are not kept. */
  keptFrom = 1;
  readonly subscriptions = new Map<number, Subscription>();
  private rows: Row[] = [];

  constructor(private readonly service: StandIn) {
    service.on("channels/join", (call) => this.join(call));
    service.on("channels/resume", (call) => this.resume(call));
  }

  get last(): number {
    return this.rows.length;
  }

  /** Commits rows; answers their numbers. */
  write(count = 1, toList = 1): readonly number[] {
    const from = this.rows.length + 1;
    const numbers = Array.from({ length: count }, (_, index) => from + index);
    this.rows.push(...numbers.map((n) => ({ n, list: toList })));
    return numbers;
  }

  /** Sends rows to whoever wants them. What is lost, its sender believes to have sent. */
  send(numbers: readonly number[], { lost = false, previous }: { lost?: boolean; previous?: string | null } = {}): void {
    for (const [id, subscription] of this.subscriptions) {
      const wanted = numbers.filter((n) => this.wants(subscription, n));
      const hub = this.service.hubs[subscription.session - 1];
      if (wanted.length > 0 && !lost && hub?.isRunning === true) {
        const before = previous === undefined ? position(subscription.previous) : previous;
        hub.invoke("postgres_changes", inserts([id], wanted.map(position), this.epoch, before));
      }
      if (wanted.length > 0) {
        subscription.hidesLoss = lost;
      }
      subscription.previous = wanted.at(-1) ?? subscription.previous;
    }
  }

  /** Commits and sends rows, one by one. */
  say(count = 1, toList = 1): void {
    this.write(count, toList).forEach((n) => this.send([n]));
  }

  /** Whether a client could not know of a loss: then progress, and the end of the connection, would make it one for ever. */
  get hidesLoss(): boolean {
    return [...this.subscriptions.values()].some(({ session, hidesLoss }) => hidesLoss && session === this.service.hubs.length);
  }

  progress(upTo = this.last, epoch = this.epoch): void {
    this.service.hub.invoke("progress", { epoch, position: end(upTo) });
  }

  join({ body, headers }: Call): Answer {
    const session = Number(headers.get("x-realtime-session")?.replace("secret-", ""));
    return { status: 200, body: { channels: list(body["channels"]).map((channel) => this.joined(channel, session)) } };
  }

  /** Gives what was missed, as far as it is logged. */
  resume({ body }: Call, logged = this.last): Answer {
    return { status: 200, body: { channels: list(body["channels"]).map((channel) => this.resumed(channel, logged)) } };
  }

  /** Gives other numbers to the latest session's subscriptions of a topic, in the order that they were asked in. */
  renumber(topic: string, by = 50): readonly number[] {
    return [...this.subscriptions].flatMap(([id, subscription]) => {
      if (subscription.topic !== topic || subscription.session !== this.service.hubs.length) {
        return [];
      }
      this.subscriptions.delete(id);
      this.subscriptions.set(id + by, subscription);
      return [id + by];
    });
  }

  private joined(channel: Record<string, unknown>, session: number): Record<string, unknown> {
    const answer = this.service.joined(channel);
    const entries = list(answer["postgres_changes"]).map((entry) => ({ ...entry, id: this.numberOf(session, String(channel["topic"]), entry) }));
    return { ...answer, postgres_changes: entries, ...(entries.length === 0 ? {} : { cursor: { epoch: this.epoch, position: end(this.last) } }) };
  }

  private numberOf(session: number, topic: string, entry: Record<string, unknown>): number {
    const filter = entry["filter"] === undefined ? undefined : String(entry["filter"]);
    const own = [...this.subscriptions].filter(([, one]) => one.session === session);
    const id = own.find(([, one]) => one.topic === topic && one.filter === filter)?.[0] ?? session * 1_000 + own.length + 1;
    this.subscriptions.set(id, this.subscriptions.get(id) ?? { session, topic, filter, previous: this.last, hidesLoss: false });
    return id;
  }

  private resumed({ topic, subscriptions }: Record<string, unknown>, logged: number): Record<string, unknown> {
    const asked = list(subscriptions).map((one) => ({ ...one, found: this.subscriptions.get(Number(one["id"])) }));
    if (asked.some(({ found }) => found?.topic !== topic)) {
      return { topic, status: "error", statusCode: 400, code: "TopicNotJoined", message: "No such subscription." };
    }
    const parts = asked.map((one) => this.read(one, logged));
    return { topic, status: "ok", messages: parts.flatMap(({ messages }) => messages), subscriptions: parts.map(({ told }) => told) };
  }

  private read(asked: Record<string, unknown>, logged: number): { messages: readonly unknown[]; told: unknown } {
    const id = Number(asked["id"]);
    // There is one table. A position of it counts as it is, unless the log does not reach back so far and the cursor is later.
    const cursor = numberAt(asked["position"]);
    const [seen = cursor] = list(asked["tables"]).map((table) => numberAt(table["position"]));
    const from = seen + 1 < this.keptFrom ? Math.max(seen, cursor) : seen;
    const reason = asked["epoch"] !== this.epoch ? "EpochChanged" : from + 1 < this.keptFrom ? "WindowPassed" : undefined;
    if (reason !== undefined) {
      return { messages: [], told: { id, gap: { reason, message: "Read the table again." }, cursor: { epoch: this.epoch, position: end(this.last) } } };
    }
    const page = this.rows.slice(from, Math.min(logged, from + this.pageSize));
    const reached = page.at(-1)?.n ?? from;
    const found = page.map(({ n }) => n).filter((n) => this.wants(this.subscriptions.get(id), n));
    return {
      messages: found.length === 0 ? [] : [inserts([id], found.map(position), this.epoch)],
      told: { id, more: reached < logged, tables: [{ schema: "public", table: "todos", position: position(reached) }] },
    };
  }

  private wants(subscription: Subscription | undefined, n: number): boolean {
    return subscription?.filter === undefined || subscription.filter === `list=eq.${this.rows[n - 1]?.list}`;
  }
}

export function position(n: number): string {
  return `0/${n.toString(16).toUpperCase()}:0`;
}

/** As a cursor says it. */
export function end(n: number): string {
  return `0/${n.toString(16).toUpperCase()}:2147483647`;
}

export function numberAt(text: unknown): number {
  return parseInt(/\/([0-9A-F]+):/.exec(String(text))?.[1] ?? "0", 16);
}
