/** A `postgres_changes` message about `public.todos` with one INSERT a position. */
export function inserts(ids: readonly number[], positions: readonly string[], epoch = "1-1-1", previous: string | null = null): Record<string, unknown> {
  return {
    ids,
    epoch,
    schema: "public",
    table: "todos",
    columns: [
      { name: "id", type: "int8" },
      { name: "title", type: "text" },
    ],
    previous,
    changes: positions.map((position) => ({
      position,
      type: "INSERT",
      commit_timestamp: "2026-03-01T12:00:00.123Z",
      record: { id: 1, title: position },
      errors: null,
    })),
  };
}
