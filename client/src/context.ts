import type { Api } from "./api.js";
import type { Channel } from "./channel.js";
import type { ChannelTable } from "./channelTable.js";
import type { Frame } from "./frames.js";
import type { HeldMessages } from "./held.js";
import type { Logger } from "./options.js";
import type { Operation, Outbox } from "./outbox.js";
import type { Refusals } from "./refusals.js";
import type { Timers } from "./timers.js";
import type { JsonObject } from "./wire.js";

export interface JoinOperation extends Operation {
  readonly kind: "join";
  readonly channel: Channel;
  readonly frame: Frame;
  readonly body: JsonObject;
  readonly refusalKey: string;
}

export interface LeaveOperation extends Operation {
  readonly kind: "leave";
  readonly name: string;
  readonly tries: number;
}

export interface TokenOperation extends Operation {
  readonly kind: "token";
  readonly channel: Channel;
  readonly token: string;
  readonly tries: number;
}

export type ChannelOperation = JoinOperation | LeaveOperation | TokenOperation;

/** What the operations on channels of one socket share. */
export interface ChannelContext {
  readonly api: Api;
  readonly apikey: string;
  readonly table: ChannelTable;
  readonly outbox: Outbox<ChannelOperation>;
  readonly held: HeldMessages;
  readonly refusals: Refusals;
  readonly timers: Timers;
  readonly retryMs: readonly number[];
  readonly log: Logger;
  /** Sends a frame to supabase-js. */
  emit(frame: Frame): void;
  /** Ends the socket, so that supabase-js begins a new session and joins again. */
  end(reason: string): void;
}
