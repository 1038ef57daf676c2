const [width, height] = [240, 40];

/** Draws the numbers as bars, the latest at the right. */
export function sparkline(svg: Element, values: readonly number[]): void {
  const most = Math.max(20, ...values);
  const step = width / 60;
  svg.replaceChildren(
    ...values.map((value, index) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const tall = Math.max(1.5, (value / most) * height);
      const place = { x: width - (values.length - index) * step, y: height - tall, width: step - 1, height: tall };
      Object.entries(place).forEach(([name, size]) => bar.setAttribute(name, size.toFixed(1)));
      return bar;
    }),
  );
}
