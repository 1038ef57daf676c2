/**
 * Makes of `work` a function that asks for it: it runs in the next frame, once, however often it is asked for until then.
 *
 * A page that nobody looks at has no frames, so what waits for one must not grow with every call.
 */
export function oncePerFrame(work: () => void): () => void {
  let isAsked = false;
  return () => {
    if (!isAsked) {
      isAsked = true;
      requestAnimationFrame(() => {
        isAsked = false;
        work();
      });
    }
  };
}
