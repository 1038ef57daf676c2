import type { Api } from "./api.js";
import type { Broadcasts } from "./broadcasts.js";
import type { Channel } from "./channel.js";
import type { ChannelTable } from "./channelTable.js";
import type { Version } from "./endpoint.js";
import type { Frame } from "./frames.js";
import type { Heartbeat } from "./heartbeat.js";
import type { HeldMessages } from "./held.js";
import type { LiveMessage } from "./liveMessages.js";
import type { Memories } from "./memories.js";
import type { Logger, MissedChanges, Resumed } from "./options.js";
import type { Operation, Outbox } from "./outbox.js";
import type { PresenceMirrors } from "./presenceMirrors.js";
import type { Refusals } from "./refusals.js";
import type { Said } from "./said.js";
import type { Timers } from "./timers.js";
import type { Tracks } from "./tracks.js";
import type { ChangesMessage, JsonObject } from "./wire.js";

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

export interface ResumeOperation extends Operation {
  readonly kind: "resume";
  readonly channel: Channel;
  /** The channel's when it was asked. */
  readonly token: string;
}

export type ChannelOperation = JoinOperation | LeaveOperation | TokenOperation | ResumeOperation;

/** A channel's wish to be present, or no longer, that {@link Tracks} has. */
export interface TrackOperation extends Operation {
  readonly kind: "track" | "untrack";
  readonly channel: Channel;
}

/** What the operations on channels of one socket share. */
export interface ChannelContext {
  readonly api: Api;
  readonly apikey: string;
  readonly version: Version;
  /** Goes with every broadcast of this socket, so that it knows its own when they come back. */
  readonly sender: string;
  readonly table: ChannelTable;
  readonly outbox: Outbox<ChannelOperation>;
  readonly broadcasts: Broadcasts;
  readonly tracks: Tracks;
  readonly trackOutbox: Outbox<TrackOperation>;
  readonly heartbeat: Heartbeat;
  readonly held: HeldMessages<ChangesMessage>;
  readonly heldLive: HeldMessages<LiveMessage>;
  /** Channels that have found a hole, and resume in a moment. */
  readonly torn: Set<Channel>;
  readonly memories: Memories;
  /** Tells services apart: one transport may have clients of several. */
  readonly memoryScope: string;
  /** When something last came through the connection. */
  aliveAt: number;
  readonly onResume: (resumed: Resumed) => void;
  readonly onGap: (gap: MissedChanges) => void;
  readonly mirrors: PresenceMirrors;
  readonly refusals: Refusals;
  readonly timers: Timers;
  readonly retryMs: readonly number[];
  readonly random: () => number;
  readonly said: Said;
  readonly log: Logger;
  /** Sends a frame to supabase-js. */
  emit(frame: Frame): void;
  /** Sends it a binary one. */
  emitBytes(data: ArrayBuffer): void;
  /** Ends the socket, so that supabase-js begins a new session and joins again. */
  end(reason: string): void;
}
