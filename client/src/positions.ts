/** A place in the log: a 64-bit LSN in two halves, then the change's index in its transaction. */
type Position = readonly [high: number, low: number, index: number];

/** Reads `0/16B3790:0`; undefined where it is nothing of the kind. */
function parsePosition(text: string): Position | undefined {
  const match = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8}):(\d+)$/i.exec(text);
  if (match === null) {
    return undefined;
  }
  const [, high = "", low = "", index = ""] = match;
  return [parseInt(high, 16), parseInt(low, 16), Number(index)];
}

function isAfter(left: Position, right: Position): boolean {
  if (left[0] !== right[0]) {
    return left[0] > right[0];
  }
  return left[1] !== right[1] ? left[1] > right[1] : left[2] > right[2];
}

/**
 * Remembers how far each stream of changes has come, to tell a repeat from a new change.
 *
 * The service may send a batch twice after a crash. Positions can be compared within one table and epoch only, so a stream is
 * one of those for one subscription. Beyond `limit` streams the one that came first is forgotten.
 */
export class Positions {
  private readonly last = new Map<string, Position>();

  constructor(private readonly limit = 10_000) {}

  /** Whether the change is new to the stream; if so it is the stream's last from now on. */
  advance(stream: string, position: string): boolean {
    const next = parsePosition(position);
    const last = this.last.get(stream);
    if (next === undefined) {
      // A form that this version does not know: better a repeat than a loss.
      return true;
    }
    if (last !== undefined && !isAfter(next, last)) {
      return false;
    }
    if (last === undefined && this.last.size >= this.limit) {
      const [oldest] = this.last.keys();
      this.last.delete(oldest ?? stream);
    }
    this.last.set(stream, next);
    return true;
  }
}
