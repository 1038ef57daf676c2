import { element } from "./element.js";
import type { Task } from "./task.js";

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Puts a task on a card. */
export function fillCard(card: HTMLElement, { title, priority, assignee, due_date, status }: Task): void {
  card.dataset["priority"] = priority;
  card.replaceChildren(
    element("h3", "", title),
    element(
      "p",
      "facts",
      element("span", "priority", priority),
      ...(due_date === null ? [] : [dueOf(due_date, status === "done")]),
      assignee === null ? element("span", "nobody", "Unassigned") : personOf(assignee),
    ),
  );
}

function dueOf(date: string, isDone: boolean): HTMLElement {
  const due = element("time", "due", day.format(new Date(`${date}T00:00:00`)));
  due.dateTime = date;
  if (!isDone && date < new Date().toISOString().slice(0, 10)) {
    due.classList.add("late");
    due.append(" (late)");
  }
  return due;
}

function personOf(name: string): HTMLElement {
  const initials = name
    .split(/\s+/)
    .map((part) => part.charAt(0).toUpperCase())
    .slice(0, 2)
    .join("");
  const avatar = element("span", "avatar", initials);
  avatar.setAttribute("aria-hidden", "true");
  avatar.style.setProperty("--hue", String([...name].reduce((sum, letter) => sum + letter.charCodeAt(0) * 7, 0) % 360));
  return element("span", "person", avatar, name);
}
