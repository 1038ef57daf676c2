/**
 * An entry of `postgres_changes` that also asks to be told when a row leaves sight: an UPDATE after which the row no longer matches, or may
 * no longer be seen, then comes as a DELETE of its key.
 *
 * ```ts
 * channel.on("postgres_changes", withLeave({ event: "*", schema: "public", table: "todos", filter: "done=eq.false" }), show);
 * ```
 *
 * supabase-js passes members on that it does not know, but its types refuse them.
 */
export function withLeave<const T extends object>(entry: T): T & { readonly leave: true } {
  return { ...entry, leave: true };
}
