// Pictures on a canvas: lines and a histogram. Each says in words, too, what it shows.

import { count, digits } from "./format.js";
import { onTheme } from "./theme.js";

// What all of them share: sharp pixels, colours of the theme, and drawing again when either changes.
class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    new ResizeObserver(() => this.redraw()).observe(canvas);
    onTheme(() => this.redraw());
  }

  // Draws what `paint` shows of the last data, if the canvas is to be seen.
  redraw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || this.data === undefined) return;
    const scale = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
    }
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    this.context.clearRect(0, 0, width, height);
    this.context.font = "11px ui-monospace, Menlo, Consolas, monospace";
    this.paint(this.context, width, height);
  }

  // A colour of the style sheet, as it is in the theme that holds.
  colour(name) {
    this.canvas.style.color = `var(--${name})`;
    return getComputedStyle(this.canvas).color;
  }

  // Horizontal lines at round values, with their labels; returns where a value is.
  scale(context, width, height, low, high) {
    const top = 8;
    const bottom = height - 8;
    const y = (value) => bottom - ((value - low) / (high - low || 1)) * (bottom - top);
    context.strokeStyle = this.colour("rule");
    context.fillStyle = this.colour("quiet");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    const step = roundStep((high - low) / 3);
    for (let line = Math.ceil(low / step); line * step <= high; line += 1) {
      const value = line * step || 0;
      const at = Math.round(y(value)) + 0.5;
      context.beginPath();
      context.moveTo(this.margin, at);
      context.lineTo(width, at);
      context.stroke();
      context.textAlign = "right";
      context.fillText(digits(value), this.margin - 6, at);
    }
    return y;
  }
}

Chart.prototype.margin = 50;

// 1, 2 or 5 times a power of ten, at least as much as `least`.
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least || 1));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? power;
}

// Values one after the other, the last at the right.
export class Line extends Chart {
  constructor(canvas, { unit = "", most }) {
    super(canvas);
    Object.assign(this, { unit, most });
    this.draw([]);
  }

  draw(values) {
    this.data = values.slice(-this.most);
    const last = this.data.at(-1);
    const label = last === undefined ? "nothing has come" : `last ${digits(last)} ${this.unit}`;
    this.canvas.setAttribute("aria-label", `Chart: ${label}`);
    this.redraw();
  }

  paint(context, width, height) {
    const low = Math.min(0, ...this.data);
    const most = Math.max(0, ...this.data);
    const y = this.scale(context, width, height, low, most + (most - low || 1) * 0.1);
    const step = (width - this.margin - 8) / (this.most - 1);
    const x = (index) => width - 8 - (this.data.length - 1 - index) * step;
    stroke(context, this.data, x, y, this.colour("accent"), y(0));
  }
}

// The same without a scale: small, beside its number.
export class Sparkline extends Chart {
  constructor(canvas, { most }) {
    super(canvas);
    this.most = most;
  }

  draw(values) {
    this.data = values;
    this.redraw();
  }

  paint(context, width, height) {
    const high = Math.max(1e-9, ...this.data);
    const y = (value) => height - 3 - (value / high) * (height - 6);
    const step = (width - 6) / (this.most - 1);
    const x = (index) => width - 3 - (this.data.length - 1 - index) * step;
    stroke(context, this.data, x, y, this.colour("accent"), height);
  }
}

// A line through values, a breath of colour between it and the ground, and a dot at its end.
function stroke(context, values, x, y, colour, ground) {
  if (values.length === 0) return;
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  values.forEach((value, index) => context.lineTo(x(index), y(value)));
  context.stroke();
  context.lineTo(x(values.length - 1), ground);
  context.lineTo(x(0), ground);
  context.globalAlpha = 0.1;
  context.fill();
  context.globalAlpha = 1;
  context.beginPath();
  context.arc(x(values.length - 1), y(values.at(-1)), 2.5, 0, 2 * Math.PI);
  context.fill();
}

// How often values of each bin came.
export class Histogram extends Chart {
  constructor(canvas, min, max) {
    super(canvas);
    Object.assign(this, { min, max });
  }

  draw(bins, total) {
    this.data = bins;
    this.total = total;
    const most = Math.max(...bins);
    this.canvas.setAttribute("aria-label", total === 0 ? "Histogram: nothing has come"
      : `Histogram: ${count(total)} values from ${this.min} to ${this.max}, at most ${count(most)} in one of ${bins.length} bins`);
    this.redraw();
  }

  paint(context, width, height) {
    const foot = 20;
    const high = Math.max(1, ...this.data) * 1.1;
    const y = this.scale(context, width, height - foot, 0, high);
    const step = (width - this.margin) / this.data.length;
    context.fillStyle = this.colour("accent");
    this.data.forEach((value, index) => {
      const left = Math.round(this.margin + index * step);
      const right = Math.round(this.margin + (index + 1) * step) - 2;
      const top = Math.round(y(value));
      context.globalAlpha = 0.3;
      context.fillRect(left, top, right - left, y(0) - top);
      context.globalAlpha = 1;
      context.fillRect(left, Math.min(top, y(0) - 1), right - left, 2);
    });
    context.fillStyle = this.colour("quiet");
    context.textBaseline = "alphabetic";
    context.textAlign = "left";
    context.fillText(String(this.min), this.margin, height - 4);
    context.textAlign = "right";
    context.fillText(String(this.max), width, height - 4);
    if (this.total > 0) {
      // What each bin would hold if all were alike.
      const even = Math.round(y(this.total / this.data.length)) + 0.5;
      context.strokeStyle = this.colour("ink");
      context.setLineDash([3, 3]);
      context.beginPath();
      context.moveTo(this.margin, even);
      context.lineTo(width, even);
      context.stroke();
      context.setLineDash([]);
    }
  }
}
