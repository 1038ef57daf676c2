/**
 * The numbers of a channel's subscriptions.
 *
 * supabase-js compares the numbers in a change with those that it was told when it joined. The service may renumber a
 * subscription when the token changes, so the numbers it was told at first are kept, and the service's mapped to the places of the
 * entries that they stand for.
 */
export class Numbering {
  private toldIds: readonly number[] = [];
  private currentIds: readonly number[] = [];
  private current: ReadonlyMap<number, readonly number[]> = new Map();
  private former: ReadonlyMap<number, readonly number[]> = new Map();

  /**
   * Takes the numbers of an answer, in the order of the entries; whether they can be those.
   *
   * The former numbers count until the next change of them: for a moment the service sends under both, so that nothing is missed between
   * them, and what was sent under the former ones may still be on its way.
   */
  take(ids: readonly number[], count: number): boolean {
    if (ids.length !== count || !ids.every((id) => Number.isInteger(id) && id !== 0)) {
      return false;
    }
    if (this.toldIds.length === 0) {
      this.toldIds = ids;
    }
    const map = new Map<number, number[]>();
    ids.forEach((id, index) => map.set(id, [...(map.get(id) ?? []), index]));
    [this.former, this.current, this.currentIds] = [this.current, map, ids];
    return true;
  }

  has(id: number): boolean {
    return this.current.has(id) || this.former.has(id);
  }

  /** The places of the entries that these numbers stand for. */
  placesOf(ids: readonly number[]): readonly number[] {
    return [...new Set(ids.flatMap((id) => this.current.get(id) ?? this.former.get(id) ?? []))];
  }

  /** The number that an entry has now. */
  idOf(place: number): number | undefined {
    return this.currentIds[place];
  }

  /** The number that supabase-js knows an entry by. */
  toldOf(place: number): number | undefined {
    return this.toldIds[place];
  }

  /** The entries that supabase-js cannot tell from this one: they have one number. */
  toldAlike(place: number): readonly number[] {
    return this.toldIds.flatMap((id, other) => (id === this.toldIds[place] ? [other] : []));
  }
}
