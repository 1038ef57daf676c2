/** A place in the log, as the service writes it and as it is compared: a 64-bit LSN in two halves, then the change's index in its transaction. */
export interface Position {
  readonly text: string;
  readonly at: readonly [high: number, low: number, index: number];
}

/** Reads `0/16B3790:0`; undefined where it is nothing of the kind. */
export function readPosition(text: unknown): Position | undefined {
  const match = typeof text === "string" ? /^([0-9A-F]{1,8})\/([0-9A-F]{1,8}):(\d+)$/i.exec(text) : null;
  if (match === null) {
    return undefined;
  }
  const [whole, high = "", low = "", index = ""] = match;
  return { text: whole, at: [parseInt(high, 16), parseInt(low, 16), Number(index)] };
}

/** Whether one comes after the other. Within one epoch and table, or epoch and cursor; others cannot be compared. */
export function isAfter({ at: left }: Position, { at: right }: Position): boolean {
  if (left[0] !== right[0]) {
    return left[0] > right[0];
  }
  return left[1] !== right[1] ? left[1] > right[1] : left[2] > right[2];
}

export function laterOf(left: Position, right: Position): Position {
  return isAfter(right, left) ? right : left;
}

export function earlierOf(left: Position, right: Position): Position {
  return isAfter(left, right) ? right : left;
}
