import { Channel } from "./channel.js";
import { channelConfig } from "./channelConfig.js";
import type { ChannelContext, JoinOperation } from "./context.js";
import type { Frame } from "./frames.js";
import { takeMemory, withReplay } from "./memory.js";
import { usableToken } from "./tokens.js";
import { isObject, type JsonObject } from "./wire.js";

/** What a `phx_join` asks of the service, and the channel that it begins. */
export function joinRequest(context: ChannelContext, frame: Frame): JoinOperation {
  const payload: JsonObject = isObject(frame.payload) ? frame.payload : {};
  const config: JsonObject = isObject(payload["config"]) ? payload["config"] : {};
  const entries: readonly unknown[] = Array.isArray(config["postgres_changes"]) ? config["postgres_changes"] : [];
  const asked = entries.filter(isObject);
  const token = usableToken(payload["access_token"]);
  const read = channelConfig(config);
  const found = takeMemory(context, frame.topic, asked, read.isPrivate);
  const memory = found === "outlived" ? undefined : found;
  const channel = new Channel(frame.topic, frame.joinRef, asked, token ?? context.apikey, read, memory);
  channel.hasOutlived = found === "outlived" && asked.length > 0;
  const plain = {
    topic: channel.name,
    // The API key decides where there is no token, so repeating it says nothing.
    ...(token === undefined || token === context.apikey ? {} : { access_token: token }),
    config: { ...config, postgres_changes: asked },
  };
  const replaying = withReplay(config, memory, read.isPrivate);
  channel.repeats = replaying !== undefined;
  const body = replaying === undefined ? plain : { ...plain, config: { ...replaying, postgres_changes: asked } };
  // Without the replay, whose time is another one at each join.
  const text = JSON.stringify(plain);
  return {
    kind: "join",
    topic: frame.topic,
    batchKey: "join",
    bytes: JSON.stringify(body).length * 2,
    channel,
    frame,
    body,
    refusalKey: JSON.stringify([context.apikey, text]),
  };
}
