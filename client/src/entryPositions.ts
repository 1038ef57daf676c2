import { earlierOf, isAfter, laterOf, readPosition, type Position } from "./position.js";
import { tableKey, TablePositions, type Table } from "./tablePositions.js";
import type { ChangesMessage, Cursor } from "./wire.js";

/** From where an entry resumes: a cursor for all tables, and the tables in which it has come further. */
export interface ResumeFrom extends Cursor {
  readonly tables: readonly (Table & { readonly position: string })[];
}

/**
 * How far one entry of `postgres_changes` has come.
 *
 * Two things are known, and kept apart. What was *seen* of each table tells repeats, and holes. What the service has *sent* is the cursor of the join
 * or the gap where the stream began, moved on by `progress`: it spares the next session a long look back. It must not hide a hole, for what was sent
 * may have been lost.
 *
 * An entry without a cursor is one of a service that cannot resume: it tells repeats, takes the epochs as they come, and sees no holes.
 */
export class EntryPositions {
  private epoch: string | undefined;
  /** Where the stream began: nothing is missing before it. What still comes from before it is welcome all the same. */
  private floor: Position | undefined;
  private cursor: Position | undefined;
  /** Of a gap: the application reads the table anew, and changes up to there would put older rows over newer ones. */
  private readAnew: Position | undefined;
  private seen: TablePositions;
  /** Tables of which something that was sent may not have come: they resume from what was seen. */
  private torn = new Map<string, Table>();

  constructor(private readonly limit = 1_000) {
    this.seen = new TablePositions(limit);
  }

  /** Whether there is a cursor to resume from. */
  get canResume(): boolean {
    return this.cursor !== undefined;
  }

  /** Goes on from a gap's cursor. What still comes from before it is in the application's new reading of the table. */
  beginAnew(cursor: Cursor): void {
    this.begin(cursor);
    this.readAnew = this.cursor;
  }

  /** Begins at the cursor of a join or a gap: what is missing from before it is not asked for any more. */
  begin({ epoch, position }: Cursor): void {
    this.readAnew = undefined;
    if (epoch !== this.epoch) {
      this.seen = new TablePositions(this.limit);
    }
    this.epoch = epoch;
    this.floor = this.cursor = readPosition(position);
    this.torn.clear();
  }

  /** Whether positions of that epoch can be compared with those here. */
  isOf(epoch: string): boolean {
    return !this.canResume || epoch === this.epoch;
  }

  /** Takes a `progress` of the service. */
  moveOn({ epoch, position }: Cursor): void {
    const next = readPosition(position);
    if (next !== undefined && epoch === this.epoch && this.cursor !== undefined) {
      this.cursor = laterOf(this.cursor, next);
    }
  }

  /** Whether the change is new to the entry; if so it is the last of its table from now on. */
  advance(epoch: string, table: Table, position: string): boolean {
    if (!this.isOf(epoch)) {
      // Words of an epoch that is over: a new one begins with its gap.
      return false;
    }
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.seen = new TablePositions(this.limit);
    }
    const next = readPosition(position);
    if (next === undefined) {
      // A form that this version does not know: better a repeat than a loss.
      return true;
    }
    const last = this.seen.get(table);
    if ((last !== undefined && !isAfter(next, last)) || (this.readAnew !== undefined && !isAfter(next, this.readAnew))) {
      return false;
    }
    this.seen.set(table, next);
    return true;
  }

  /** The log was read to there for the table, whether or not a change was found. */
  readTo(table: Table, position: string): void {
    if (this.epoch !== undefined) {
      this.advance(this.epoch, table, position);
    }
  }

  /** Whether something may be missing between what was seen and this message; where nothing was seen, the cursor counts. */
  isHole({ epoch, schema, table, previous, changes }: ChangesMessage): boolean {
    const first = readPosition(changes[0]?.position);
    if (this.cursor === undefined || first === undefined) {
      return false;
    }
    if (!this.isOf(epoch)) {
      return true;
    }
    const last = this.seen.get({ schema, table });
    if (last !== undefined && !isAfter(first, last)) {
      // A repeat, at least in part: what follows the last one seen is in it.
      return false;
    }
    const before = readPosition(previous);
    return before === undefined || isAfter(before, this.lastSeen({ schema, table }) ?? this.cursor);
  }

  /** Notes a hole, until it is mended. */
  tear({ epoch, schema, table }: ChangesMessage): void {
    if (epoch === this.epoch && this.torn.size < this.limit) {
      this.torn.set(tableKey({ schema, table }), { schema, table });
    }
  }

  /**
   * Nothing is missing any more that was sent before. The cursor stays where it is, also where a join has told a later one: what was committed before
   * that may not have been in the log yet when it was read, and comes by SignalR.
   */
  mended(): void {
    this.torn.clear();
  }

  /**
   * Where to resume; undefined where it cannot. A torn table is resumed from what was seen of it, also where that lies before the cursor: the service
   * reads from there as long as its log has it.
   */
  resumeFrom(): ResumeFrom | undefined {
    const { epoch, cursor, floor } = this;
    if (epoch === undefined || cursor === undefined) {
      return undefined;
    }
    const tables = new Map<string, Table & { position: string }>();
    this.seen.forEach((table) => {
      const last = this.lastSeen(table);
      if (last !== undefined && isAfter(last, cursor)) {
        tables.set(tableKey(table), { ...table, position: last.text });
      }
    });
    this.torn.forEach((table, key) => {
      const last = this.lastSeen(table) ?? floor ?? cursor;
      tables.set(key, { ...table, position: last.text });
    });
    return { epoch, position: cursor.text, tables: [...tables.values()] };
  }

  /** The same positions, which move on by themselves. */
  copy(): EntryPositions {
    const copy = new EntryPositions(this.limit);
    copy.become(this);
    return copy;
  }

  /** Goes back to where the other is, wherever that is less far: a repeat is better than a loss. */
  lowerTo(other: EntryPositions): void {
    if (other.epoch !== this.epoch) {
      // The older of the two, so that the service says that there is a gap: they are numbers, and grow.
      if ((other.epoch ?? "").localeCompare(this.epoch ?? "", "en", { numeric: true }) < 0) {
        this.become(other);
      }
      return;
    }
    const mine = this.seen;
    this.floor = earlier(this.floor, other.floor);
    this.cursor = earlier(this.cursor, other.cursor);
    this.readAnew = earlier(this.readAnew, other.readAnew);
    this.torn = new Map([...this.torn, ...other.torn]);
    this.seen = new TablePositions(this.limit);
    // What only one has seen of a table, the other has not: it resumes from the cursor.
    mine.forEach((table, position) => {
      const theirs = other.seen.get(table);
      if (theirs !== undefined) {
        this.seen.set(table, earlierOf(position, theirs));
      }
    });
  }

  private become(other: EntryPositions): void {
    [this.epoch, this.floor, this.cursor, this.readAnew] = [other.epoch, other.floor, other.cursor, other.readAnew];
    this.seen = other.seen.copy();
    this.torn = new Map(other.torn);
  }

  /** What was seen of a table, or where the stream began if that is later. */
  private lastSeen(table: Table): Position | undefined {
    const seen = this.seen.get(table);
    return seen === undefined || this.floor === undefined ? seen : laterOf(seen, this.floor);
  }
}

function earlier(left: Position | undefined, right: Position | undefined): Position | undefined {
  return left === undefined || right === undefined ? undefined : earlierOf(left, right);
}
