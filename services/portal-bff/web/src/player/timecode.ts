import type { Rate } from './mediatime';

/** nominal returns the whole number of frames that a timecode second counts. */
export function nominal(rate: Rate): number {
  return Number((rate.num + rate.den - 1n) / rate.den);
}

/** dropped returns how many labels each minute but the tenth leaves out. */
function dropped(fps: number): number {
  return Math.floor(fps / 15);
}

/** canDrop says whether drop-frame counting exists at this rate. */
export function canDrop(rate: Rate): boolean {
  return rate.den === 1001n && nominal(rate) % 30 === 0;
}

/** withDropped returns the label number of frame n (SMPTE ST 12-1). */
function withDropped(n: number, fps: number): number {
  const drop = dropped(fps);
  const perMinute = fps * 60 - drop;
  const perTen = fps * 600 - 9 * drop;
  const tens = Math.floor(n / perTen);
  const rest = n % perTen;
  const extra = rest >= drop ? Math.floor((rest - drop) / perMinute) * drop : 0;
  return n + tens * 9 * drop + extra;
}

const two = (n: number) => String(n).padStart(2, '0');

/**
 * formatTimecode writes frame n since midnight as HH:MM:SS:FF, with a semicolon
 * before the frames when numbers are dropped. It wraps at midnight.
 */
export function formatTimecode(n: number, rate: Rate, drop = false): string {
  const fps = nominal(rate);
  const frames = drop ? dayFrames(fps, true) : dayFrames(fps, false);
  const inDay = ((n % frames) + frames) % frames;
  const label = drop ? withDropped(inDay, fps) : inDay;
  const seconds = Math.floor(label / fps);
  const head = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two);
  return `${head.join(':')}${drop ? ';' : ':'}${two(label % fps)}`;
}

function dayFrames(fps: number, drop: boolean): number {
  return fps * 86400 - (drop ? dropped(fps) * 1296 : 0);
}

/**
 * parseTimecode reads HH:MM:SS:FF (or ; or . before the frames for drop-frame
 * counting) and returns frames since midnight; undefined if it names no frame.
 */
export function parseTimecode(text: string, rate: Rate): { frames: number; drop: boolean } | undefined {
  const m = /^(\d{2}):(\d{2}):(\d{2})([:;.])(\d{2,3})$/.exec(text.trim());
  if (!m) return undefined;
  const [h, min, s, f] = [m[1], m[2], m[3], m[5]].map(Number) as [number, number, number, number];
  const drop = m[4] !== ':';
  const fps = nominal(rate);
  if (h > 23 || min > 59 || s > 59 || f >= fps) return undefined;
  const minutes = h * 60 + min;
  const label = (minutes * 60 + s) * fps + f;
  if (!drop) return { frames: label, drop };
  if (min % 10 !== 0 && s === 0 && f < dropped(fps)) return undefined;
  return { frames: label - dropped(fps) * (minutes - Math.floor(minutes / 10)), drop };
}

/** timecodeProblem says in a sentence why a text is no timecode; undefined if it is one. */
export function timecodeProblem(text: string, rate: Rate): string | undefined {
  if (parseTimecode(text, rate)) return undefined;
  const m = /^(\d{2}):(\d{2}):(\d{2})[:;.](\d{2,3})$/.exec(text.trim());
  if (!m) return 'Write it as HH:MM:SS:FF, or TAI as seconds:nanoseconds.';
  const fps = nominal(rate);
  const limits = [24, 60, 60, fps];
  const names = ['hour', 'minute', 'second', 'frame'];
  for (let i = 3; i >= 0; i--) {
    const value = Number(m[i + 1]);
    const limit = limits[i] as number;
    if (value >= limit) return `There is no ${names[i]} ${value}: the last is ${limit - 1}.`;
  }
  return 'Drop-frame counting leaves this number out.';
}

/**
 * completeTimecode turns what people type into a full timecode, filled from the
 * right as on an edit controller: "1512" is 00:00:15:12.
 */
export function completeTimecode(text: string, drop = false): string {
  const trimmed = text.trim();
  if (!/^\d{1,8}$/.test(trimmed)) return trimmed;
  const d = trimmed.padStart(8, '0');
  return `${d.slice(0, 2)}:${d.slice(2, 4)}:${d.slice(4, 6)}${drop ? ';' : ':'}${d.slice(6, 8)}`;
}
