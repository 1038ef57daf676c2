const calm = matchMedia("(prefers-reduced-motion: reduce)");

const glide: KeyframeAnimationOptions = { duration: 420, easing: "cubic-bezier(.2,.8,.2,1)" };

/**
 * Lets cards glide from where they were to where a change puts them.
 *
 * Measures before and after (FLIP) and animates the difference, so that several changes in a row interrupt each other smoothly.
 */
export function glideCards(board: HTMLElement, change: () => void): void {
  if (calm.matches) {
    change();
    return;
  }
  const before = new Map(cardsOf(board).map((card) => [card, card.getBoundingClientRect()]));
  change();
  for (const card of cardsOf(board)) {
    const from = before.get(card);
    const to = card.getBoundingClientRect();
    if (from === undefined) {
      card.animate([{ opacity: 0, transform: "scale(.9)" }, { opacity: 1, transform: "none" }], glide);
    } else if (from.left !== to.left || from.top !== to.top) {
      const transform = `translate(${from.left - to.left}px, ${from.top - to.top}px)`;
      card.animate([{ transform, zIndex: 2 }, { transform: "none", zIndex: 2 }], glide);
    }
  }
}

/** Draws the eye to a card that has changed. */
export function flash(card: HTMLElement): void {
  card.classList.remove("fresh");
  // Reading a size makes the browser notice that the class was gone, so that its animation begins anew.
  void card.offsetWidth;
  card.classList.add("fresh");
}

/** Leaves a fading picture where a card was. */
export function fadeAway(card: HTMLElement): void {
  if (calm.matches) {
    return;
  }
  const { left, top, width, height } = card.getBoundingClientRect();
  const ghost = card.cloneNode(true) as HTMLElement;
  ghost.removeAttribute("data-id");
  ghost.setAttribute("aria-hidden", "true");
  Object.assign(ghost.style, {
    position: "fixed",
    left: `${left}px`,
    top: `${top}px`,
    width: `${width}px`,
    height: `${height}px`,
    margin: "0",
    pointerEvents: "none",
  });
  document.body.append(ghost);
  const gone = ghost.animate([{ opacity: 1, transform: "none" }, { opacity: 0, transform: "scale(.92)" }], { duration: 320, easing: "ease-in" });
  gone.onfinish = () => ghost.remove();
}

function cardsOf(board: HTMLElement): readonly HTMLElement[] {
  return [...board.querySelectorAll<HTMLElement>("[data-id]")];
}
