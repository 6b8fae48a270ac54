import type { Clock } from './clock';
import { formatRange, parseRange, type TimeRange } from './mediatime';

/** The range that an editor has marked, in frames; both ends are within it. */
export interface Marks {
  readonly in?: number;
  readonly out?: number;
}

/** markIn puts the in mark, and drops an out mark that would stand before it. */
export function markIn(m: Marks, frame: number): Marks {
  return m.out !== undefined && m.out < frame ? { in: frame } : { ...m, in: frame };
}

/** markOut puts the out mark, and drops an in mark that would stand after it. */
export function markOut(m: Marks, frame: number): Marks {
  return m.in !== undefined && m.in > frame ? { out: frame } : { ...m, out: frame };
}

/** framesOf counts the frames within the marks; what is not marked is the Flow's end. */
export function framesOf(m: Marks, clock: Clock): number {
  return (m.out ?? clock.length - 1) - (m.in ?? 0) + 1;
}

/** windowOf is the range of time within the marks, exact to the frame. */
export function windowOf(m: Marks, clock: Clock): TimeRange {
  return { start: clock.tai(m.in ?? 0), end: clock.tai((m.out ?? clock.length - 1) + 1) };
}

/** marksText writes marks for an address; empty when there are none. */
export function marksText(m: Marks, clock: Clock): string {
  return m.in === undefined && m.out === undefined ? '' : formatRange(windowOf(m, clock));
}

/** parseMarks reads what marksText wrote. */
export function parseMarks(text: string, clock: Clock): Marks {
  const range = parseRange(text);
  if (!range) return {};
  const first = clock.clamp(clock.indexAt(range.start));
  return { in: first, out: Math.max(first, clock.clamp(clock.indexAt(range.end - 1n))) };
}
