import type { Api } from "./api.js";
import { beat } from "./beat.js";
import { callBroadcasts } from "./broadcastOut.js";
import { Broadcasts } from "./broadcasts.js";
import { callBatch } from "./channels.js";
import type { Channel } from "./channel.js";
import { ChannelTable } from "./channelTable.js";
import type { ChannelContext, ChannelOperation, TrackOperation } from "./context.js";
import type { Endpoint } from "./endpoint.js";
import { Heartbeat } from "./heartbeat.js";
import { HeldMessages } from "./held.js";
import type { LiveMessage } from "./liveMessages.js";
import type { Memories } from "./memories.js";
import { keepMemory } from "./memory.js";
import type { Logger, MissedChanges, Resumed } from "./options.js";
import { Outbox } from "./outbox.js";
import { callTracks } from "./presenceOut.js";
import type { PresenceMirrors } from "./presenceMirrors.js";
import { Rate } from "./rate.js";
import type { Refusals } from "./refusals.js";
import { Said } from "./said.js";
import { SendQueue } from "./sendQueue.js";
import type { Timers } from "./timers.js";
import { Tracks } from "./tracks.js";
import type { ChangesMessage } from "./wire.js";

/** What a session needs that is not made for it. */
export interface SessionSettings {
  readonly log: Logger;
  readonly retryMs: readonly number[];
  readonly random: () => number;
  readonly refusals: Refusals;
  readonly mirrors: PresenceMirrors;
  readonly memories: Memories;
  readonly latestOnly: ReadonlySet<string>;
  readonly onResume: (resumed: Resumed) => void;
  readonly onGap: (gap: MissedChanges) => void;
}

/** The socket that a session belongs to, as far as its channels need it. */
export type SessionSocket = Pick<ChannelContext, "timers" | "emit" | "emitBytes" | "end">;

/** Everything that the channels of one socket share. */
export interface Session extends ChannelContext {
  /** Sends nothing more, and keeps what outlives the socket. */
  close(): void;
}

/** Begins with no channels. */
export function openSession(settings: SessionSettings, endpoint: Endpoint, api: Api, socket: SessionSocket): Session {
  const { log, memories, mirrors, onGap, onResume, random, refusals, retryMs } = settings;
  const tracks = new Tracks();
  const table = new ChannelTable((channel) => {
    tracks.forget(channel);
    session.torn.delete(channel);
    keepMemory(session, channel);
    if (channel.view !== undefined) {
      mirrors.put(channel.topic, channel.view.mirror);
    }
  });
  const queue = new SendQueue(settings.latestOnly);
  const session: Session = {
    api,
    apikey: endpoint.apikey,
    version: endpoint.version,
    sender: randomId(),
    table,
    outbox: new Outbox<ChannelOperation>((batch) => callBatch(session, batch)),
    broadcasts: new Broadcasts((...call) => callBroadcasts(session, ...call), queue, new Rate(endpoint.eventsPerSecond), retryMs),
    tracks,
    trackOutbox: new Outbox<TrackOperation>((batch) => callTracks(session, batch), 1_000, 0, 1),
    heartbeat: heartbeatOf(socket.timers, tracks, (intervalMs) => beat(session, intervalMs)),
    held: new HeldMessages<ChangesMessage>(({ changes }) => changes.length),
    heldLive: new HeldMessages<LiveMessage>(countOf),
    torn: new Set<Channel>(),
    memories,
    memoryScope: endpoint.base,
    aliveAt: Date.now(),
    onResume,
    onGap,
    mirrors,
    refusals,
    retryMs,
    random,
    said: new Said(),
    log,
    ...socket,
    close: () => {
      session.outbox.close();
      session.trackOutbox.close();
      session.broadcasts.close();
      table.clear();
    },
  };
  return session;
}

function heartbeatOf(timers: Timers, tracks: Tracks, once: (intervalMs: number) => Promise<number>): Heartbeat {
  return new Heartbeat(timers, () => tracks.confirmed().size > 0, once);
}

function countOf(message: LiveMessage): number {
  return message.kind === "broadcast" ? message.messages.length : 1;
}

/** `crypto.randomUUID` would do, but pages without TLS lack it. */
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
