import { byId } from "./element.js";

const order = ["system", "light", "dark"] as const;

/** Lets the user choose between the system's colours, light and dark; kept for the next visit. */
export function showTheme(): void {
  const button = byId("theme");
  let current = order.find((theme) => theme === localStorage.getItem("theme")) ?? "system";
  const apply = (): void => {
    document.documentElement.dataset["theme"] = current;
    button.textContent = `Theme: ${current}`;
  };
  button.addEventListener("click", () => {
    current = order[(order.indexOf(current) + 1) % order.length] ?? "system";
    localStorage.setItem("theme", current);
    apply();
  });
  apply();
}
