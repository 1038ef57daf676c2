import type { PresenceDiffMessage } from "./liveMessages.js";
import { PresenceMirror } from "./presenceMirror.js";
import { parsePresences, type PresenceState, type Snapshot } from "./presenceState.js";
import type { JsonObject } from "./wire.js";

/** A frame for supabase-js, which computes from it who joined and who left. */
export interface PresenceFrame {
  readonly event: "presence_state" | "presence_diff";
  readonly payload: JsonObject;
}

/**
 * Follows who is present on one topic, by the versions of the service's messages.
 *
 * A diff that builds on a version not reached yet waits: SignalR does not promise order. It may come in a moment what is missing; otherwise
 * the state has to be asked for, and goes on from there.
 */
export class PresenceView {
  /** Whether somebody is asking for the whole state already. */
  isAsking = false;
  private waiting: PresenceDiffMessage[] = [];
  private version = -Infinity;
  private wanted = -Infinity;

  constructor(
    readonly mirror: PresenceMirror,
    /** Whether supabase-js can hold a key. */
    private readonly isUsable: (key: string) => boolean,
    private readonly mostWaiting = 1_000,
  ) {}

  /** Whether only the whole state helps, or the diff that is missing. */
  get isBehind(): boolean {
    return this.waiting.length > 0 || this.version < this.wanted;
  }

  /** Begins with the answer to the join. */
  begin({ version, state }: Snapshot): readonly PresenceFrame[] {
    this.version = version;
    const frames = this.mirror.restate(this.usable(state)).map((payload) => ({ event: "presence_state", payload }) as const);
    return [...frames, ...this.advance()];
  }

  take(diff: PresenceDiffMessage): readonly PresenceFrame[] {
    this.waiting.push(diff);
    if (this.waiting.length > this.mostWaiting) {
      // The state that will be asked for has it, or the hole is seen again.
      this.waiting.shift();
    }
    return this.advance();
  }

  /** Takes a whole state, where it is newer. */
  adopt({ version, state }: Snapshot): readonly PresenceFrame[] {
    if (version <= this.version) {
      return [];
    }
    this.version = version;
    return [...diffFrame(this.mirror.moveTo(this.usable(state))), ...this.advance()];
  }

  /** Says that there is a state of this version to be asked for. */
  expect(version: number): void {
    this.wanted = Math.max(this.wanted, version);
  }

  /** Stops waiting for what is missing, until the next message shows that something is. */
  giveUp(): void {
    this.waiting = [];
    this.wanted = -Infinity;
  }

  /** Applies what waits and can be applied. */
  private advance(): readonly PresenceFrame[] {
    const frames: PresenceFrame[] = [];
    for (;;) {
      this.waiting = this.waiting.filter(({ version }) => version > this.version);
      const next = this.waiting.find(({ previous }) => previous <= this.version);
      if (next === undefined) {
        return frames;
      }
      this.version = next.version;
      const [joins, leaves] = [this.usable(parsePresences(next.joins)), this.usable(parsePresences(next.leaves))];
      frames.push(...diffFrame(this.mirror.apply(joins, leaves)));
    }
  }

  private usable(state: PresenceState): PresenceState {
    return new Map([...state].filter(([key]) => this.isUsable(key)));
  }
}

function diffFrame(payload: JsonObject | undefined): readonly PresenceFrame[] {
  return payload === undefined ? [] : [{ event: "presence_diff", payload }];
}
