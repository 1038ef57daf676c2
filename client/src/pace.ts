/** How long a session must have lasted for the next one to begin without a wait of ours. */
const calmAfterMs = 30_000;

const longestWaitMs = 30_000;

/**
 * Spaces out sessions that end soon after they began.
 *
 * supabase-js forgets its back-off as soon as a connection opens. A service that accepts connections and then drops them would
 * be asked for a session every second by every client, all in step after a restart. So each short session doubles the wait before
 * the next, at random between nothing and that, up to half a minute.
 */
export class Pace {
  private short = 0;

  constructor(
    private readonly random: () => number = Math.random,
    private readonly now: () => number = Date.now,
  ) {}

  /** Milliseconds to wait before the next session. */
  get wait(): number {
    return this.short === 0 ? 0 : this.random() * Math.min(longestWaitMs, 500 * 2 ** this.short);
  }

  /** To be called when a session begins; what it answers, when the session has ended by no will of the user. */
  began(): () => void {
    const since = this.now();
    return () => {
      this.short = this.now() - since < calmAfterMs ? Math.min(this.short + 1, 10) : 0;
    };
  }
}
