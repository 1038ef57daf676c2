import { fillCard } from "./card.js";
import { byId, element } from "./element.js";
import { oncePerFrame } from "./frames.js";
import type { Snapshot } from "./live.js";
import { fadeAway, flash, glideCards, isMoving } from "./motion.js";
import { byChange, columns, type Status, type Task } from "./task.js";

/** The most cards that a column shows. The others are counted: more could not be looked through, and each costs the browser its layout. */
const mostCards = 20;

interface Column {
  readonly cards: HTMLElement;
  readonly count: HTMLElement;
  readonly more: HTMLElement;
}

interface Card {
  readonly element: HTMLElement;
  task: Task;
}

/**
 * The columns on the page, and the cards of the tasks in them, last changed first.
 *
 * Changes are taken at once and drawn once a frame, all that came since the frame before. The board holds as many tasks as a snapshot of the table does, and the same ones: those
 * that changed last.
 */
export class Board {
  private readonly columns = new Map<Status, Column>();
  private readonly tasks = new Map<number, Task>();
  private readonly cards = new Map<number, Card>();
  private readonly draw = oncePerFrame(() => this.redraw());
  /** How much has changed since the board was drawn, and which tasks are to be pointed out. */
  private changes = 0;
  private readonly fresh = new Set<number>();
  private limit = Number.POSITIVE_INFINITY;
  private hasMore = false;
  private isShort = false;

  /** @param fetchMore Asks for a snapshot: a task went, of those that are held or of the others, and which others there are only the table knows. */
  constructor(
    private readonly root: HTMLElement,
    private readonly fetchMore: () => void,
  ) {
    for (const [status, label] of columns) {
      const heading = element("h2", "", label);
      heading.id = `column-${status}`;
      const count = element("span", "count", "0");
      const cards = element("ul", "cards");
      cards.setAttribute("aria-labelledby", heading.id);
      const more = element("p", "more");
      const column = element("div", "column", element("div", "column-head", heading, count), cards, more);
      column.dataset["status"] = status;
      this.columns.set(status, { cards, count, more });
      root.append(column);
    }
    // The class would play again when its card is put elsewhere.
    root.addEventListener("animationend", ({ target }) => (target as HTMLElement).classList.remove("fresh"));
  }

  get(id: number): Task | undefined {
    return this.tasks.get(id);
  }

  /** Shows these tasks and no others. */
  reset({ tasks, limit, hasMore }: Snapshot): void {
    const former = new Map(this.tasks);
    this.tasks.clear();
    for (const task of tasks) {
      this.tasks.set(task.id, task);
      this.changes += former.get(task.id)?.changed === task.changed ? 0 : 1;
      former.delete(task.id);
    }
    this.changes += former.size;
    this.limit = limit;
    this.hasMore = hasMore;
    this.draw();
  }

  /** Shows a task that is new or has changed. */
  show(task: Task): void {
    this.tasks.set(task.id, task);
    if (isMoving(++this.changes)) {
      this.fresh.add(task.id);
    }
    if (this.tasks.size >= 2 * this.limit) {
      this.trim();
    }
    this.draw();
  }

  remove(id: number): void {
    this.tasks.delete(id);
    this.changes++;
    this.isShort ||= this.hasMore;
    this.draw();
  }

  private redraw(): void {
    this.trim();
    const places = this.places();
    if (isMoving(this.changes)) {
      fadeAway(this.cardsBut(places).map((card) => card.element));
      glideCards(this.root, () => this.place(places));
      flash([...[...this.fresh].flatMap((id) => this.cards.get(id)?.element ?? []), ...this.count()]);
    } else {
      this.place(places);
      this.count();
    }
    this.changes = 0;
    this.fresh.clear();
    byId("bounds").hidden = !this.hasMore;
    byId("bounds").textContent = `The table has more than ${this.limit} tasks. The board holds the ${this.limit} that changed last.`;
    if (this.isShort) {
      this.isShort = false;
      this.fetchMore();
    }
  }

  private trim(): void {
    if (this.tasks.size > this.limit) {
      [...this.tasks.values()].sort(byChange).slice(this.limit).forEach(({ id }) => this.tasks.delete(id));
      this.hasMore = true;
    }
  }

  /** What each column shows, from the top. */
  private places(): ReadonlyMap<Status, readonly Task[]> {
    const places = new Map<Status, Task[]>(columns.map(([status]) => [status, []]));
    for (const task of [...this.tasks.values()].sort(byChange)) {
      const place = places.get(task.status);
      if (place !== undefined && place.length < mostCards) {
        place.push(task);
      }
    }
    return places;
  }

  private cardsBut(places: ReadonlyMap<Status, readonly Task[]>): readonly Card[] {
    const kept = new Set([...places.values()].flat().map(({ id }) => id));
    return [...this.cards].filter(([id]) => !kept.has(id)).map(([, card]) => card);
  }

  private place(places: ReadonlyMap<Status, readonly Task[]>): void {
    for (const { element: gone, task } of this.cardsBut(places)) {
      gone.remove();
      this.cards.delete(task.id);
    }
    for (const [status, tasks] of places) {
      const list = this.columns.get(status)?.cards;
      let next = list?.firstElementChild ?? null;
      for (const task of tasks) {
        const card = this.cardOf(task);
        if (card === next) {
          next = next.nextElementSibling;
        } else {
          list?.insertBefore(card, next);
        }
      }
    }
  }

  /** The task's card, as the task is now. */
  private cardOf(task: Task): HTMLElement {
    let card = this.cards.get(task.id);
    if (card?.task === task) {
      return card.element;
    }
    if (card === undefined) {
      card = { element: element("li", "card"), task };
      card.element.dataset["id"] = String(task.id);
      this.cards.set(task.id, card);
    }
    card.task = task;
    fillCard(card.element, task);
    return card.element;
  }

  /** Counts the tasks of each column; answers the counts that changed. */
  private count(): readonly HTMLElement[] {
    const changed: HTMLElement[] = [];
    for (const [status, { cards, count, more }] of this.columns) {
      const tasks = [...this.tasks.values()].filter((task) => task.status === status).length;
      const hidden = tasks - cards.childElementCount;
      more.textContent = hidden > 0 ? `and ${hidden} more` : "";
      if (count.textContent !== String(tasks)) {
        count.textContent = String(tasks);
        changed.push(count);
      }
    }
    return changed;
  }
}
