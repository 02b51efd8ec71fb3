// Numbers as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

// 1,234,567
export const count = (number) => whole.format(number);

// Three digits: 0.123, 12.3, 1,230
export const digits = (number) => (number >= 1000 ? whole : fine).format(number);

// 12.3 KiB
export function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) {
    number /= 1024;
    unit += 1;
  }
  return `${digits(number)} ${units[unit]}`;
}

// 123 µs, 12.3 ms, 1.23 s, from milliseconds
export function milliseconds(number) {
  if (number < 1) return `${digits(number * 1000)} µs`;
  return number < 1000 ? `${digits(number)} ms` : `${digits(number / 1000)} s`;
}

// 2d 3h, 3h 4m, 4m 5s or 5s, from seconds
export function age(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const first = units.findIndex(([length]) => seconds >= length);
  const parts = [];
  for (const [length, unit] of units.slice(first < 0 ? 3 : first, first < 0 ? 4 : first + 2)) {
    parts.push(`${Math.floor(seconds / length)}${unit}`);
    seconds %= length;
  }
  return parts.join(" ");
}

const two = (number) => String(number).padStart(2, "0");

// 12:34:56.789
export function clock(date) {
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

// 2 bytes, 1 byte
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

// The bytes as "de ad be ef"
export const hex = (array) => Array.from(array, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
