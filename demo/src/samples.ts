import { byId, element } from "./element.js";

const statements = [
  "update project_tasks set status = 'review' where id = 4;",
  "insert into project_tasks (production_id, title, priority, assignee) values (1, 'Rent a crane', 'high', 'Ada');",
  "delete from project_tasks where title = 'Rent a crane';",
] as const;

/** Shows statements to try, each with a button that copies it. */
export function showSamples(): void {
  byId("samples").append(
    ...statements.map((statement) => {
      const button = element("button", "quiet", "Copy");
      button.type = "button";
      button.setAttribute("aria-label", `Copy: ${statement}`);
      button.addEventListener("click", () => void copy(button, statement));
      return element("li", "", element("code", "", statement), button);
    }),
  );
}

async function copy(button: HTMLButtonElement, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Browsers keep the clipboard from pages that are not on https or localhost.
    button.textContent = "Select and copy";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}
