import type { Endpoint } from "./endpoint.js";
import { CallError, messageOf } from "./errors.js";
import { isObject, parseNegotiated, type Negotiated } from "./wire.js";

/** What a call needs beside its body. */
export interface CallSettings {
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  /** Ends every call when the socket is closed. */
  readonly signal: AbortSignal;
}

interface Request {
  readonly method: "GET" | "POST";
  readonly body?: string;
  /** The user's own, which decides in the place of the API key. */
  readonly token?: string;
}

/** The HTTP half of the protocol. Every failure is a {@link CallError}. */
export class Api {
  constructor(
    private readonly endpoint: Endpoint,
    private readonly settings: CallSettings,
    private readonly sessionToken?: string,
  ) {}

  /** The same calls within a session. */
  within(sessionToken: string): Api {
    return new Api(this.endpoint, this.settings, sessionToken);
  }

  async negotiate(): Promise<Negotiated> {
    const answer = parseNegotiated(await this.call("negotiate", { method: "POST" }));
    if (answer === undefined) {
      throw unexpected("negotiate", "no 'url', 'accessToken' and 'sessionToken'");
    }
    return { ...answer, url: new URL(answer.url, `${this.endpoint.base}/`).toString() };
  }

  /** Posts to a route under `channels/`. */
  channels(route: "join" | "leave" | "access-token" | "resume", body: unknown): Promise<unknown> {
    return this.call(`channels/${route}`, { method: "POST", body: JSON.stringify(body) });
  }

  /** Sends broadcasts, each written as JSON already. */
  broadcast(messages: readonly string[]): Promise<unknown> {
    return this.call("channels/broadcast", { method: "POST", body: `{"messages":[${messages.join(",")}]}` });
  }

  /** Posts to a route under `presence/` about channels. */
  presence(route: "track" | "untrack", body: unknown): Promise<unknown> {
    return this.call(`presence/${route}`, { method: "POST", body: JSON.stringify(body) });
  }

  /** Stays present. The token's subject stays so in the tables too where the service keeps some. */
  heartbeat(token: string | undefined): Promise<unknown> {
    return this.call("presence/heartbeat", { method: "POST", body: "{}", ...(token === undefined ? {} : { token }) });
  }

  /** Asks who is present on a topic, as whom the token says. */
  presenceOf(topic: string, isPrivate: boolean, token: string): Promise<unknown> {
    return this.call(`presence/${encodeURIComponent(topic)}?private=${isPrivate}`, { method: "GET", token });
  }

  private async call(route: string, { method, body, token }: Request): Promise<unknown> {
    const deadline = new AbortController();
    const stop = (): void => deadline.abort();
    const timer = setTimeout(stop, this.settings.timeoutMs);
    this.settings.signal.addEventListener("abort", stop);
    try {
      const response = await this.settings.fetch(`${this.endpoint.base}/${route}`, {
        method,
        headers: this.headers(body !== undefined, token),
        signal: deadline.signal,
        ...(body === undefined ? {} : { body }),
      });
      return await read(route, response);
    } catch (error) {
      throw error instanceof CallError ? error : this.unanswered(route, deadline.signal.aborted, error);
    } finally {
      clearTimeout(timer);
      this.settings.signal.removeEventListener("abort", stop);
    }
  }

  private headers(hasBody: boolean, token: string | undefined): Record<string, string> {
    return {
      apikey: this.endpoint.apikey,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(hasBody ? { "content-type": "application/json" } : {}),
      ...(this.sessionToken === undefined ? {} : { "x-realtime-session": this.sessionToken }),
    };
  }

  private unanswered(route: string, aborted: boolean, error: unknown): CallError {
    return aborted
      ? new CallError(0, "TimedOut", `${route} was not answered within ${this.settings.timeoutMs} ms.`)
      : new CallError(0, "Unreachable", `${route} could not be asked: ${messageOf(error)}. Check the address and the network.`);
  }
}

async function read(route: string, response: Response): Promise<unknown> {
  const text = await response.text();
  const body = parse(text);
  if (response.ok) {
    return body ?? (text === "" ? {} : fail(unexpected(route, "a body that is not JSON")));
  }
  // Something before the service, such as a proxy, may answer with a page of its own.
  const told = isObject(body) ? body : {};
  throw new CallError(
    response.status,
    typeof told["code"] === "string" ? told["code"] : `Http${response.status}`,
    typeof told["message"] === "string" ? told["message"] : `${route} was answered with status ${response.status}.`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unexpected(route: string, what: string): CallError {
  return new CallError(0, "UnexpectedAnswer", `${route} was answered with ${what}. Is the address that of this service?`);
}

function fail(error: Error): never {
  throw error;
}
