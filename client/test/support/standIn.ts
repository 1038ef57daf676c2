import type { Hub, HubFactory } from "../../src/hub.js";

/** A call that the stand-in received. */
export interface Call {
  readonly route: string;
  readonly body: Record<string, unknown>;
  readonly signal: AbortSignal;
}

/** What to answer: a status and a body, `"hang"` for no answer at all, `"drop"` for a failing network. */
export type Answer = { readonly status: number; readonly body: unknown } | "hang" | "drop";

export type Responder = (call: Call) => Answer | Promise<Answer>;

/** A service that checks what it is told as strictly as the protocol is written, and answers as the test says. */
export class StandIn {
  readonly calls: Call[] = [];
  readonly hubs: StandInHub[] = [];
  private responders = new Map<string, Responder>();
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
    if (url !== `https://signalr.test/client/?hub=realtime&n=${this.sessions}` || accessToken !== `signalr-${this.sessions}`) {
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
        return { status: 200, body: { channels: list(body["channels"]).map(({ topic }) => ({ topic, status: "ok" })) } };
      default:
        throw new Error(`'${route}' has no answer unless the test gives one.`);
    }
  }

  /** A channel's part of a good answer to a join. */
  joined(channel: Record<string, unknown>): Record<string, unknown> {
    const config = channel["config"] as Record<string, unknown>;
    const entries = list(config["postgres_changes"]);
    return {
      topic: channel["topic"],
      status: "ok",
      postgres_changes: entries.map((entry) => ({ id: this.nextId++, schema: "public", ...entry })),
      system: entries.length === 0 ? [] : [{ extension: "postgres_changes", status: "ok", message: "Subscribed to PostgreSQL" }],
    };
  }

  private check(url: string, init: RequestInit): Call {
    const headers = new Headers(init.headers);
    const route = /^https:\/\/service\.test\/realtime\/v1\/(.+)$/.exec(url)?.[1];
    if (route === undefined || init.method !== "POST") {
      throw new Error(`${init.method} ${url} is no route of the service.`);
    }
    if (headers.get("apikey") !== this.apikey) {
      throw new Error("The API key is missing.");
    }
    if (route.startsWith("channels/") && headers.get("x-realtime-session") !== `secret-${this.sessions}`) {
      throw new Error("The session token is missing or of another session.");
    }
    const body = init.body === undefined || init.body === null ? {} : (JSON.parse(String(init.body)) as Record<string, unknown>);
    if (init.body !== undefined && headers.get("content-type") !== "application/json") {
      throw new Error("A body is JSON and says so.");
    }
    return { route, body, signal: init.signal ?? new AbortController().signal };
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
