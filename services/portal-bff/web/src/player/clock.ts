import { formatTime, indexOf, offsetOf, parseTime, type Rate, type TimeRange } from './mediatime';
import { canDrop, completeTimecode, formatTimecode, parseTimecode, timecodeProblem } from './timecode';

/** What a clock is made from, as a Flow states it. */
export interface ClockInput {
  /** Frames per second; absent for sound and for variable rates. */
  readonly rate?: Rate;
  readonly range: TimeRange;
  /** HH:MM:SS:FF of the first frame; empty if the source gave none. */
  readonly startTimecode?: string;
}

/** Positions of essence without frames are shown to a thousandth of a second. */
const MILLIS: Rate = { num: 1000n, den: 1n };

/**
 * Clock translates between positions of one Flow: a frame's index from the
 * Flow's first frame, its timecode, its TAI instant, and seconds on the
 * player's media time line, whose zero is the first frame.
 */
export class Clock {
  readonly rate: Rate;
  /** Whether positions are frames; otherwise they are milliseconds. */
  readonly framed: boolean;
  readonly start: bigint;
  /** Number of frames: valid positions are 0 to length - 1. */
  readonly length: number;
  private readonly startFrames: number;
  private readonly drop: boolean;

  constructor(input: ClockInput) {
    this.framed = input.rate !== undefined && input.rate.num > 0n && input.rate.den > 0n;
    this.rate = this.framed ? (input.rate as Rate) : MILLIS;
    this.start = input.range.start;
    const last = indexOf(input.range.end - input.range.start - 1n, this.rate);
    this.length = Math.max(1, Number(last) + 1);
    const parsed = this.framed ? parseTimecode(input.startTimecode ?? '', this.rate) : undefined;
    this.startFrames = parsed?.frames ?? 0;
    this.drop = (parsed?.drop ?? false) && canDrop(this.rate);
  }

  /** tai returns the instant at which frame n starts. */
  tai(n: number): bigint {
    return this.start + offsetOf(BigInt(Math.round(n)), this.rate);
  }

  /** taiText returns tai(n) as TAMS writes it. */
  taiText(n: number): string {
    return formatTime(this.tai(n));
  }

  /** indexAt returns the frame that covers an instant. */
  indexAt(tai: bigint): number {
    return Number(indexOf(tai - this.start, this.rate));
  }

  /** timecode returns the label of frame n. */
  timecode(n: number): string {
    return this.framed ? formatTimecode(n + this.startFrames, this.rate, this.drop) : formatMillis(n);
  }

  /** duration writes a count of frames as a length, from zero. */
  duration(frames: number): string {
    return this.framed ? formatTimecode(frames, this.rate, false) : formatMillis(frames);
  }

  /** parse reads a timecode or a TAI instant; undefined if it is neither. */
  parse(text: string): number | undefined {
    const tai = parseTime(text);
    if (tai !== undefined) return this.indexAt(tai);
    if (!this.framed) return parseMillis(text);
    const tc = parseTimecode(completeTimecode(text, this.drop), this.rate);
    return tc === undefined ? undefined : tc.frames - this.startFrames;
  }

  /** problem says in a sentence why a text is no position of the Flow; undefined if it is one. */
  problem(text: string): string | undefined {
    const n = this.parse(text);
    if (n === undefined)
      return this.framed
        ? timecodeProblem(completeTimecode(text, this.drop), this.rate)
        : 'Write it as HH:MM:SS.mmm, or TAI as seconds:nanoseconds.';
    if (n < 0) return `This is before the start, ${this.timecode(0)}.`;
    if (n >= this.length) return `This is after the end, ${this.timecode(this.length - 1)}.`;
    return undefined;
  }

  /** clamp brings a position into the Flow. */
  clamp(n: number): number {
    return Math.min(Math.max(Math.round(n), 0), this.length - 1);
  }

  /** seconds returns where frame n starts on the player's time line. */
  seconds(n: number): number {
    return (n * Number(this.rate.den)) / Number(this.rate.num);
  }

  /** seekTarget is the middle of frame n: no rounding of a player leaves it. */
  seekTarget(n: number): number {
    return this.seconds(n + 0.5);
  }

  /** nearest returns the frame whose start is nearest to a media time. */
  nearest(seconds: number): number {
    return Math.round((seconds * Number(this.rate.num)) / Number(this.rate.den));
  }

  /** covering returns the frame that is on show at a media time. */
  covering(seconds: number): number {
    // A millionth of a frame makes up for seconds being a binary fraction.
    return Math.floor((seconds * Number(this.rate.num)) / Number(this.rate.den) + 1e-6);
  }
}

const pad = (n: number, width: number) => String(n).padStart(width, '0');

function formatMillis(n: number): string {
  const abs = Math.abs(Math.round(n));
  const s = Math.floor(abs / 1000);
  const text = `${pad(Math.floor(s / 3600), 2)}:${pad(Math.floor(s / 60) % 60, 2)}:${pad(s % 60, 2)}.${pad(abs % 1000, 3)}`;
  return n < 0 ? `-${text}` : text;
}

function parseMillis(text: string): number | undefined {
  const m = /^(?:(\d{1,2}):)?(?:(\d{1,2}):)?(\d{1,2})(?:\.(\d{1,3}))?$/.exec(text.trim());
  if (!m) return undefined;
  // With two fields the first is minutes.
  const [h, min] = m[2] === undefined ? [0, Number(m[1] ?? 0)] : [Number(m[1]), Number(m[2])];
  return ((h * 60 + min) * 60 + Number(m[3])) * 1000 + Number((m[4] ?? '').padEnd(3, '0'));
}
