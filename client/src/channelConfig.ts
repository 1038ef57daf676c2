import { isObject, type JsonObject } from "./wire.js";

/** What of a join's `config` the client heeds by itself. All of it goes to the service, which does the rest. */
export interface ChannelConfig {
  /** The private topic of the name, which is another one than the public topic. */
  readonly isPrivate: boolean;
  /** Whether the channel hears its own broadcasts. */
  readonly self: boolean;
  /** Whether each broadcast is answered. */
  readonly ack: boolean;
}

/** Reads `private`, `broadcast.self` and `broadcast.ack`; what is absent is false, as with Supabase. */
export function channelConfig(config: JsonObject): ChannelConfig {
  const broadcast: JsonObject = isObject(config["broadcast"]) ? config["broadcast"] : {};
  return { isPrivate: isTrue(config["private"]), self: isTrue(broadcast["self"]), ack: isTrue(broadcast["ack"]) };
}

/** Booleans may also be texts, in any case: Supabase takes them so, and so does the service. */
function isTrue(value: unknown): boolean {
  return value === true || (typeof value === "string" && value.toLowerCase() === "true");
}
