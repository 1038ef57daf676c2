/** The two Phoenix serializers that supabase-js knows: `1.0.0` sends objects, `2.0.0` arrays and some binary. */
export type Version = "1.0.0" | "2.0.0";

/** What the address that supabase-js opens says. */
export interface Endpoint {
  /** Where the HTTP routes begin, without a slash at the end, such as `https://host/realtime/v1`. */
  readonly base: string;
  readonly apikey: string;
  readonly version: Version;
  /** The most broadcasts a second that the application wants to send, from `realtime: { params: { eventsPerSecond: 10 } }`. */
  readonly eventsPerSecond: number | undefined;
}

/**
 * Reads the address of the WebSocket that supabase-js believes it opens:
 * `wss://HOST/realtime/v1/websocket?apikey=KEY&vsn=2.0.0`.
 */
export function parseEndpoint(address: string): Endpoint {
  const url = new URL(address);
  const scheme = { "ws:": "http:", "wss:": "https:", "http:": "http:", "https:": "https:" }[url.protocol];
  if (scheme === undefined) {
    throw new SyntaxError(`Address begins with '${url.protocol}'; expected ws:, wss:, http: or https:.`);
  }

  const apikey = url.searchParams.get("apikey");
  if (apikey === null || apikey === "") {
    throw new SyntaxError("Address has no 'apikey'. Give createClient the project's key as its second argument.");
  }

  return {
    base: `${scheme}//${url.host}${url.pathname.replace(/\/websocket\/?$/, "")}`,
    apikey,
    version: parseVersion(url.searchParams.get("vsn")),
    eventsPerSecond: parseRate(url.searchParams.get("eventsPerSecond")),
  };
}

function parseRate(text: string | null): number | undefined {
  const rate = Number(text ?? "");
  return Number.isFinite(rate) && rate > 0 ? rate : undefined;
}

function parseVersion(vsn: string | null): Version {
  // Phoenix reads an absent vsn as 1.0.0.
  const version = vsn ?? "1.0.0";
  if (version !== "1.0.0" && version !== "2.0.0") {
    throw new SyntaxError(`Serializer version '${version}' is unknown; expected 1.0.0 or 2.0.0.`);
  }
  return version;
}
