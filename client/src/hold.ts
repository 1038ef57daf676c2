import type { Wait } from "./held.js";
import type { ChangesMessage } from "./wire.js";

/** What was missed and cannot be given. */
export interface Gap {
  readonly reason: string;
  readonly message: string;
}

/** A channel's row changes being held back until it has resumed. */
export class Hold {
  /** Changes that resuming brought. */
  count = 0;
  /** Calls that failed since one did not. */
  tries = 0;
  /**
   * How many of the messages that are held now had come before this round of calls began: the log holds whatever is missing before them, so they are
   * not asked about again.
   */
  checked: number | undefined;
  /** By reason: entries that lost the same way say it once. */
  readonly gaps = new Map<string, Gap>();

  constructor(
    public wait: Wait<ChangesMessage>,
    /** Whether it follows a lost connection, which the application is told in any case. */
    public isRejoin: boolean,
  ) {}
}
