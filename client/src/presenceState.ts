import { isObject, type JsonObject } from "./wire.js";

/** One presence of a key: what its client tracks, and the reference by which it is told from others of the key. */
export interface Meta extends JsonObject {
  readonly phx_ref: string;
}

/** Who is present: the metas of each key. A map, for keys are chosen by strangers and may be `__proto__`. */
export type PresenceState = ReadonlyMap<string, readonly Meta[]>;

/** A state and the version at which it was true. */
export interface Snapshot {
  readonly version: number;
  readonly state: PresenceState;
}

/** Reads `{"ada": {"metas": [{"phx_ref": "F8x"}]}}`, as `state`, `joins` and `leaves` are. */
export function parsePresences(value: unknown): PresenceState {
  const state = new Map<string, readonly Meta[]>();
  for (const [key, presence] of isObject(value) ? Object.entries(value) : []) {
    const listed: unknown = isObject(presence) ? presence["metas"] : undefined;
    const metas = Array.isArray(listed) ? listed.filter(isMeta) : [];
    if (metas.length > 0) {
      state.set(key, metas);
    }
  }
  return state;
}

/** Reads `presence` of the answer to a join, and the answer of `presence/{topic}`. */
export function parseSnapshot(value: unknown): Snapshot | undefined {
  return isObject(value) && typeof value["version"] === "number" && isObject(value["state"])
    ? { version: value["version"], state: parsePresences(value["state"]) }
    : undefined;
}

/** The reverse of reading. `Object.fromEntries` makes a key like any other of `__proto__`. */
export function presencesOf(state: Iterable<readonly [string, readonly JsonObject[]]>): JsonObject {
  return Object.fromEntries([...state].map(([key, metas]) => [key, { metas }]));
}

function isMeta(value: unknown): value is Meta {
  return isObject(value) && typeof value["phx_ref"] === "string";
}
