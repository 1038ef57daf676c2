const calm = matchMedia("(prefers-reduced-motion: reduce)");

const glide: KeyframeAnimationOptions = { duration: 420, easing: "cubic-bezier(.2,.8,.2,1)" };

/** More than this many changes in a frame are no motion that an eye could follow, and measuring them all would hold the page up. */
const most = 30;

const gliding = new WeakMap<HTMLElement, Animation>();

/** Whether so many changes in a frame are shown with motion. */
export function isMoving(changes: number): boolean {
  return changes <= most && !calm.matches;
}

/**
 * Lets cards glide from where they were to where a change puts them.
 *
 * Measures all cards before and after (FLIP) and animates the difference. A card that is still gliding goes on from where it is seen: it is measured before its
 * animation is cancelled, and where it is going to after.
 */
export function glideCards(board: HTMLElement, change: () => void): void {
  const before = new Map(cardsOf(board).map((card) => [card, card.getBoundingClientRect()]));
  for (const card of before.keys()) {
    gliding.get(card)?.cancel();
  }
  change();
  const after = cardsOf(board).map((card) => [card, card.getBoundingClientRect()] as const);
  for (const [card, to] of after) {
    const from = before.get(card);
    if (from === undefined) {
      start(card, [{ opacity: 0, transform: "scale(.9)" }, { opacity: 1, transform: "none" }]);
    } else if (from.left !== to.left || from.top !== to.top) {
      const transform = `translate(${from.left - to.left}px, ${from.top - to.top}px)`;
      start(card, [{ transform, zIndex: 2 }, { transform: "none", zIndex: 2 }]);
    }
  }
}

/** Draws the eye to what has changed. */
export function flash(elements: readonly HTMLElement[]): void {
  elements.forEach((changed) => changed.classList.remove("fresh"));
  // Reading a size makes the browser notice that the class was gone, so that its animation begins anew.
  void document.body.offsetWidth;
  elements.forEach((changed) => changed.classList.add("fresh"));
}

/** Leaves a fading picture where each card was. */
export function fadeAway(cards: readonly HTMLElement[]): void {
  for (const [card, place] of cards.map((card) => [card, card.getBoundingClientRect()] as const)) {
    const ghost = card.cloneNode(true) as HTMLElement;
    ghost.removeAttribute("data-id");
    ghost.setAttribute("aria-hidden", "true");
    Object.assign(ghost.style, {
      position: "fixed",
      left: `${place.left}px`,
      top: `${place.top}px`,
      width: `${place.width}px`,
      height: `${place.height}px`,
      margin: "0",
      pointerEvents: "none",
    });
    document.body.append(ghost);
    const gone = ghost.animate([{ opacity: 1, transform: "none" }, { opacity: 0, transform: "scale(.92)" }], { duration: 320, easing: "ease-in" });
    gone.onfinish = () => ghost.remove();
  }
}

function start(card: HTMLElement, keyframes: Keyframe[]): void {
  gliding.set(card, card.animate(keyframes, glide));
}

function cardsOf(board: HTMLElement): readonly HTMLElement[] {
  return [...board.querySelectorAll<HTMLElement>("[data-id]")];
}
