/**
 * Media time in exact arithmetic: TAI instants are bigint nanoseconds, rates are
 * fractions, and frame n of a Flow starts at origin + floor(n * 1e9 * den / num).
 * Nothing is ever added up from rounded durations.
 */

/** One second in nanoseconds. */
export const SECOND = 1_000_000_000n;

/** An exact number of frames (or samples) per second. */
export interface Rate {
  readonly num: bigint;
  readonly den: bigint;
}

/** A half-open range of TAI instants, [start, end). */
export interface TimeRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** floorDiv divides two integers, rounding towards minus infinity; b > 0. */
export function floorDiv(a: bigint, b: bigint): bigint {
  const q = a / b;
  return a % b < 0n ? q - 1n : q;
}

/** offsetOf returns how long after its origin frame n starts, in ns. */
export function offsetOf(n: bigint, rate: Rate): bigint {
  return floorDiv(n * SECOND * rate.den, rate.num);
}

/** indexOf returns the frame that covers the instant t ns after the origin. */
export function indexOf(t: bigint, rate: Rate): bigint {
  // offsetOf floors, so the plain inverse can be one too low on a boundary.
  let n = floorDiv(t * rate.num, SECOND * rate.den);
  while (offsetOf(n + 1n, rate) <= t) n++;
  return n;
}

/** nearestIndex returns the frame whose start is nearest to t seconds. */
export function nearestIndex(seconds: number, rate: Rate): number {
  return Math.round((seconds * Number(rate.num)) / Number(rate.den));
}

/** framesPerSecond is for drawing and for people, not for arithmetic. */
export function framesPerSecond(rate: Rate): number {
  return Number(rate.num) / Number(rate.den);
}

/** formatTime writes an instant as TAMS does, "seconds:nanoseconds". */
export function formatTime(t: bigint): string {
  const sign = t < 0n ? '-' : '';
  const abs = t < 0n ? -t : t;
  return `${sign}${abs / SECOND}:${abs % SECOND}`;
}

/** parseTime reads "seconds:nanoseconds", or returns undefined. */
export function parseTime(text: string): bigint | undefined {
  const m = /^(-?)(\d{1,15}):(\d{1,9})$/.exec(text.trim());
  if (!m) return undefined;
  const abs = BigInt(m[2] as string) * SECOND + BigInt(m[3] as string);
  return m[1] ? -abs : abs;
}

/** formatRange writes [start, end) as TAMS does. */
export function formatRange(r: TimeRange): string {
  return `[${formatTime(r.start)}_${formatTime(r.end)})`;
}

/**
 * parseRange reads a bounded TAMS time range; "()" and open ranges give
 * undefined, since there is nothing to draw.
 */
export function parseRange(text: string): TimeRange | undefined {
  const single = /^\[([^_\]]+)\]$/.exec(text);
  if (single) {
    const t = parseTime(single[1] as string);
    return t === undefined ? undefined : { start: t, end: t + 1n };
  }
  const m = /^([[(])([^_]+)_([^_]+)([\])])$/.exec(text);
  if (!m) return undefined;
  const a = parseTime(m[2] as string);
  const b = parseTime(m[3] as string);
  if (a === undefined || b === undefined) return undefined;
  const start = m[1] === '(' ? a + 1n : a;
  const end = m[4] === ']' ? b + 1n : b;
  return end > start ? { start, end } : undefined;
}
