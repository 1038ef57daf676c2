import type { Position } from "./position.js";

/** A table as the service names it. */
export interface Table {
  readonly schema: string;
  readonly table: string;
}

export function tableKey({ schema, table }: Table): string {
  return JSON.stringify([schema, table]);
}

/** A position for each table. Beyond `limit` tables, the one that was set longest ago is forgotten. */
export class TablePositions {
  private readonly positions = new Map<string, { readonly table: Table; readonly position: Position }>();

  constructor(private readonly limit: number) {}

  get(table: Table): Position | undefined {
    return this.positions.get(tableKey(table))?.position;
  }

  set({ schema, table }: Table, position: Position): void {
    const key = tableKey({ schema, table });
    this.positions.delete(key);
    if (this.positions.size >= this.limit) {
      const [oldest] = this.positions.keys();
      this.positions.delete(oldest ?? key);
    }
    this.positions.set(key, { table: { schema, table }, position });
  }

  forEach(action: (table: Table, position: Position) => void): void {
    this.positions.forEach(({ table, position }) => action(table, position));
  }

  copy(): TablePositions {
    const copy = new TablePositions(this.limit);
    this.forEach((table, position) => copy.set(table, position));
    return copy;
  }
}
