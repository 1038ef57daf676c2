import { fillCard } from "./card.js";
import { element } from "./element.js";
import { fadeAway, flash, glideCards } from "./motion.js";
import { columns, type Status, type Task } from "./task.js";

interface Column {
  readonly cards: HTMLElement;
  readonly count: HTMLElement;
}

/** The columns on the page, and the card of every task in them. */
export class Board {
  private readonly columns = new Map<Status, Column>();
  private readonly tasks = new Map<number, Task>();
  private readonly cards = new Map<number, HTMLElement>();

  constructor(private readonly root: HTMLElement) {
    for (const [status, label] of columns) {
      const heading = element("h2", "", label);
      heading.id = `column-${status}`;
      const count = element("span", "count", "0");
      const cards = element("ul", "cards");
      cards.setAttribute("aria-labelledby", heading.id);
      const column = element("div", "column", element("div", "column-head", heading, count), cards);
      column.dataset["status"] = status;
      this.columns.set(status, { cards, count });
      root.append(column);
    }
  }

  get(id: number): Task | undefined {
    return this.tasks.get(id);
  }

  /** Shows these tasks and no others. */
  reset(tasks: readonly Task[]): void {
    const kept = new Set(tasks.map(({ id }) => id));
    glideCards(this.root, () => {
      [...this.tasks.keys()].filter((id) => !kept.has(id)).forEach((id) => this.drop(id));
      tasks.forEach((task) => this.put(task));
    });
    this.count();
  }

  /** Shows a task that is new or has changed. */
  show(task: Task): void {
    glideCards(this.root, () => this.put(task));
    const card = this.cards.get(task.id);
    if (card !== undefined) {
      flash(card);
    }
    this.count();
  }

  remove(id: number): void {
    const card = this.cards.get(id);
    if (card !== undefined) {
      fadeAway(card);
      glideCards(this.root, () => this.drop(id));
      this.count();
    }
  }

  private put(task: Task): void {
    const card = this.cards.get(task.id) ?? this.newCard(task.id);
    const list = this.columns.get(task.status)?.cards;
    fillCard(card, task);
    if (card.parentElement !== list) {
      list?.append(card);
    }
    this.tasks.set(task.id, task);
  }

  private newCard(id: number): HTMLElement {
    const card = element("li", "card");
    card.dataset["id"] = String(id);
    this.cards.set(id, card);
    return card;
  }

  private drop(id: number): void {
    this.cards.get(id)?.remove();
    this.cards.delete(id);
    this.tasks.delete(id);
  }

  private count(): void {
    for (const { cards, count } of this.columns.values()) {
      const text = String(cards.childElementCount);
      if (count.textContent !== text) {
        count.textContent = text;
        flash(count);
      }
    }
  }
}
