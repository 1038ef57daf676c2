/** The columns of the board, in order, with what the page calls them. */
export const columns = [
  ["todo", "To do"],
  ["in_progress", "In progress"],
  ["review", "Review"],
  ["done", "Done"],
] as const;

export type Status = (typeof columns)[number][0];

/** A row of `project_tasks`, as far as the page shows it. */
export interface Task {
  readonly id: number;
  readonly title: string;
  readonly status: Status;
  readonly priority: string;
  readonly assignee: string | null;
  readonly due_date: string | null;
  /** When it was last written, in UTC and ISO form. */
  readonly changed: string;
}

/** Orders tasks as the service's snapshot does: last changed first. */
export function byChange(left: Task, right: Task): number {
  return left.changed === right.changed ? right.id - left.id : left.changed < right.changed ? 1 : -1;
}

/** What a row or a part of one holds; a table may be altered under the page, so nothing is taken for granted. */
export function taskOf(row: Readonly<Record<string, unknown>>): Task {
  const status = columns.find(([name]) => name === row["status"])?.[0] ?? "todo";
  return {
    id: Number(row["id"]),
    title: text(row["title"]) ?? "Untitled",
    status,
    priority: text(row["priority"]) ?? "medium",
    assignee: text(row["assignee"]) ?? null,
    due_date: text(row["due_date"]) ?? null,
    changed: text(row["updated_at"]) ?? "",
  };
}

/** What the page calls a status. */
export function labelOf(status: Status): string {
  return columns.find(([name]) => name === status)?.[1] ?? status;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
