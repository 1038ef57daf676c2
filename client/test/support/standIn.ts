import type { Hub, HubFactory } from "../../src/hub.js";
import { checkCall } from "./contract.js";

/** A call that the stand-in received. */
export interface Call {
  readonly route: string;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
  readonly signal: AbortSignal;
}

/** What to answer: a status and a body, `"hang"` for no answer at all, `"drop"` for a failing network. */
export type Answer = { readonly status: number; readonly body: unknown } | "hang" | "drop";

export type Responder = (call: Call) => Answer | Promise<Answer>;

/** A service that checks what it is told as strictly as the protocol is written, and answers as the test says. */
export class StandIn {
  readonly calls: Call[] = [];
  readonly hubs: StandInHub[] = [];
  /** What calls broke of the protocol; a test ends with none. */
  readonly violations: string[] = [];
  /** The topics on which the session is present. */
  readonly tracked = new Set<string>();
  private responders = new Map<string, Responder>();
  private readonly topics = new Set<string>();
  private sessions = 0;
  private nextId = 1;

  constructor(readonly apikey: string) {}

  /** Answers a route in another way than well. */
  on(route: string, responder: Responder): this {
    this.responders.set(route, responder);
    return this;
  }

  /** The bodies of the calls to a route, in order. */
  bodies(route: string): readonly Record<string, unknown>[] {
    return this.calls.filter((call) => call.route === route).map((call) => call.body);
  }

  get hub(): StandInHub {
    const hub = this.hubs.at(-1);
    if (hub === undefined) {
      throw new Error("No SignalR connection was made.");
    }
    return hub;
  }

  readonly connect: HubFactory = (url, accessToken) => {
    // Two clients may negotiate before the first of them connects.
    const session = this.hubs.length + 1;
    if (url !== `https://signalr.test/client/?hub=realtime&n=${session}` || accessToken !== `signalr-${session}` || session > this.sessions) {
      throw new Error(`Connection to '${url}' with a token that was not negotiated.`);
    }
    const hub = new StandInHub();
    this.hubs.push(hub);
    return hub;
  };

  readonly fetch: typeof fetch = async (input, init) => {
    const call = this.check(String(input), init ?? {});
    this.calls.push(call);
    const answer = await (this.responders.get(call.route) ?? ((asked) => this.well(asked)))(call);
    if (answer === "hang") {
      return await new Promise<never>((_, reject) => {
        call.signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      });
    }
    if (answer === "drop") {
      throw new TypeError("fetch failed");
    }
    return new Response(JSON.stringify(answer.body), { status: answer.status });
  };

  /** The answer of a service at which all is well. */
  well({ route, body }: Call): Answer {
    switch (route) {
      case "negotiate":
        this.sessions++;
        this.topics.clear();
        this.tracked.clear();
        return {
          status: 200,
          body: {
            url: `https://signalr.test/client/?hub=realtime&n=${this.sessions}`,
            accessToken: `signalr-${this.sessions}`,
            session: `session-${this.sessions}`,
            sessionToken: `secret-${this.sessions}`,
            expiresIn: 86400,
          },
        };
      case "channels/join":
        return { status: 200, body: { channels: list(body["channels"]).map((channel) => this.joined(channel)) } };
      case "channels/leave":
        list(body["channels"]).forEach(({ topic }) => this.topics.delete(String(topic)));
        return { status: 200, body: { channels: allOk(body["channels"]) } };
      case "channels/broadcast":
        return { status: 200, body: { messages: list(body["messages"]).map(() => ({ status: "ok" })) } };
      case "presence/track":
        list(body["channels"]).forEach(({ topic }) => this.tracked.add(String(topic)));
        return { status: 200, body: { channels: allOk(body["channels"]) } };
      case "presence/untrack":
        list(body["channels"]).forEach(({ topic }) => this.tracked.delete(String(topic)));
        return { status: 200, body: { channels: allOk(body["channels"]) } };
      case "presence/heartbeat":
        return { status: 200, body: { interval: 30, tracked: [...this.tracked] } };
      default:
        throw new Error(`'${route}' has no answer unless the test gives one.`);
    }
  }

  /** A channel's part of a good answer to a join. */
  joined(channel: Record<string, unknown>): Record<string, unknown> {
    const config = channel["config"] as Record<string, unknown>;
    const entries = list(config["postgres_changes"]);
    const { enabled } = config["presence"] as Record<string, unknown>;
    this.topics.add(String(channel["topic"]));
    return {
      topic: channel["topic"],
      status: "ok",
      postgres_changes: entries.map((entry) => ({ id: this.nextId++, schema: "public", ...entry })),
      system: entries.length === 0 ? [] : [{ extension: "postgres_changes", status: "ok", message: "Subscribed to PostgreSQL" }],
      ...(enabled === true ? { presence: { version: 100, state: {} } } : {}),
    };
  }

  /** Whether it is the token of the latest session, or of another whose connection has not ended. */
  private isOpen(token: string | null): boolean {
    return token === `secret-${this.sessions}` || this.hubs.some((hub, index) => token === `secret-${index + 1}` && hub.isRunning);
  }

  private check(url: string, init: RequestInit): Call {
    const route = /^https:\/\/service\.test\/realtime\/v1\/(.+)$/.exec(url)?.[1] ?? "";
    const text = typeof init.body === "string" ? init.body : "";
    const headers = new Headers(init.headers);
    try {
      const body = checkCall({ method: init.method ?? "GET", route, text, headers }, this.topics);
      if (headers.get("apikey") !== this.apikey) {
        throw new Error("The API key is missing.");
      }
      if (/^(channels|presence\/(track|untrack|heartbeat)$)/.test(route) && !this.isOpen(headers.get("x-realtime-session"))) {
        throw new Error("The session token is missing or of another session.");
      }
      return { route, body, headers, signal: init.signal ?? new AbortController().signal };
    } catch (error) {
      this.violations.push(`${init.method} ${url}: ${String(error)}`);
      throw error;
    }
  }
}

/** A SignalR connection that the test speaks through. */
export class StandInHub implements Hub {
  isRunning = false;
  private readonly handlers = new Map<string, (argument: unknown) => void>();
  private closing: (error?: Error) => void = () => undefined;

  on(target: string, handler: (argument: unknown) => void): void {
    this.handlers.set(target, handler);
  }

  onclose(handler: (error?: Error) => void): void {
    this.closing = handler;
  }

  start(): Promise<void> {
    this.isRunning = true;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.isRunning = false;
    return Promise.resolve();
  }

  invoke(target: string, argument: unknown): void {
    const handler = this.handlers.get(target);
    if (handler === undefined) {
      throw new Error(`Nobody listens to '${target}'.`);
    }
    handler(argument);
  }

  /** Ends the connection from outside. */
  drop(message: string): void {
    this.isRunning = false;
    this.closing(new Error(message));
  }
}

export function list(value: unknown): readonly Record<string, unknown>[] {
  if (!Array.isArray(value)) {
    throw new Error("A list of channels is missing.");
  }
  return value as Record<string, unknown>[];
}

function allOk(channels: unknown): readonly Record<string, unknown>[] {
  return list(channels).map(({ topic }) => ({ topic, status: "ok" }));
}
