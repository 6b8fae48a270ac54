import Timecode from 'smpte-timecode';
import { describe, expect, it } from 'vitest';
import { Clock } from './clock';
import { formatRange, indexOf, offsetOf, parseRange, parseTime, type Rate } from './mediatime';
import { completeTimecode, formatTimecode, parseTimecode } from './timecode';

const rate = (num: number, den = 1): Rate => ({ num: BigInt(num), den: BigInt(den) });
const rates = [
  rate(24),
  rate(25),
  rate(30),
  rate(50),
  rate(60),
  rate(24000, 1001),
  rate(30000, 1001),
  rate(60000, 1001),
];

describe('frame times', () => {
  it('finds each frame again from its first and last nanosecond', () => {
    for (const r of rates) {
      for (const n of [0n, 1n, 2n, 999n, 86_399n, 10_000_019n]) {
        expect(indexOf(offsetOf(n, r), r)).toBe(n);
        expect(indexOf(offsetOf(n + 1n, r) - 1n, r)).toBe(n);
      }
    }
  });

  it('leaves neither gap nor overlap and does not accumulate', () => {
    expect(offsetOf(3_600n * 24_000n, rate(24000, 1001))).toBe(3_600n * 1001n * 1_000_000_000n);
    expect(offsetOf(1n, rate(30000, 1001))).toBe(33_366_666n);
    expect(offsetOf(-1n, rate(30000, 1001))).toBe(-33_366_667n);
  });
});

describe('time ranges', () => {
  it('reads and writes as TAMS does', () => {
    const r = parseRange('[10:500000000_-0:0)');
    expect(r).toBeUndefined();
    expect(parseRange('()')).toBeUndefined();
    expect(parseRange('[0:0_')).toBeUndefined();
    expect(parseRange('(0:0_1:0]')).toEqual({ start: 1n, end: 1_000_000_001n });
    expect(formatRange({ start: -1n, end: 2_000_000_001n })).toBe('[-0:1_2:1)');
    expect(parseTime('-0:1')).toBe(-1n);
  });
});

describe('timecode', () => {
  it('agrees with smpte-timecode, drop frame included', () => {
    const cases: [Rate, 29.97 | 59.94 | 25 | 24, boolean][] = [
      [rate(30000, 1001), 29.97, true],
      [rate(30000, 1001), 29.97, false],
      [rate(60000, 1001), 59.94, true],
      [rate(25), 25, false],
      [rate(24), 24, false],
    ];
    for (const [r, fps, drop] of cases) {
      for (let n = 0; n < 2_000_000; n += 1_777) {
        expect(formatTimecode(n, r, drop)).toBe(new Timecode(n, fps, drop).toString());
      }
    }
  });

  it('reads back what it writes and refuses what names no frame', () => {
    const r = rate(30000, 1001);
    for (let n = 0; n < 200_000; n += 331) {
      expect(parseTimecode(formatTimecode(n, r, true), r)).toEqual({ frames: n, drop: true });
    }
    expect(parseTimecode('00:01:00;00', r)).toBeUndefined();
    expect(parseTimecode('00:00:00:30', r)).toBeUndefined();
    expect(parseTimecode('1:00', r)).toBeUndefined();
    expect(completeTimecode('1512')).toBe('00:00:15:12');
  });
});

describe('Clock', () => {
  const clock = new Clock({
    rate: rate(24),
    range: { start: 0n, end: 10_000_000_000n },
    startTimecode: '10:00:00:00',
  });

  it('counts the frames of a range', () => {
    expect(clock.length).toBe(240);
    expect(new Clock({ rate: rate(30000, 1001), range: { start: 5n, end: 5n + 33_366_667n } }).length).toBe(
      2,
    );
  });

  it('takes every media time of a frame to that frame', () => {
    for (let n = 0; n < clock.length; n++) {
      expect(clock.nearest(n / 24)).toBe(n);
      expect(clock.covering(n / 24)).toBe(n);
      expect(clock.covering(clock.seekTarget(n))).toBe(n);
      expect(clock.indexAt(clock.tai(n))).toBe(n);
    }
  });

  it('reads timecode, short timecode and TAI', () => {
    expect(clock.parse('10:00:01:00')).toBe(24);
    expect(clock.parse('10000100')).toBe(24);
    expect(clock.parse('1:0')).toBe(24);
    expect(clock.parse('what')).toBeUndefined();
  });

  it('shows sound to the millisecond', () => {
    const sound = new Clock({ range: { start: 0n, end: 61_500_000_000n } });
    expect(sound.timecode(61_499)).toBe('00:01:01.499');
    expect(sound.parse('1:01.5')).toBe(61_500);
    expect(sound.length).toBe(61_500);
  });
});

describe('what cannot be a position', () => {
  const clock = new Clock({ rate: rate(25), range: { start: 0n, end: 10_000_000_000n } });

  it('says why', () => {
    expect(clock.problem('00:00:09:24')).toBeUndefined();
    expect(clock.problem('00:00:20:00')).toBe('This is after the end, 00:00:09:24.');
    expect(clock.problem('99:0')).toMatch(/after the end/);
    expect(clock.problem('00:00:99:99')).toBe('There is no frame 99: the last is 24.');
    expect(clock.problem('00:61:00:00')).toBe('There is no minute 61: the last is 59.');
    expect(clock.problem('abc')).toMatch(/HH:MM:SS:FF/);
  });

  it('knows what stands before the start, and what drop-frame counting leaves out', () => {
    const range = { start: 0n, end: 10_000_000_000n };
    const late = new Clock({ rate: rate(25), range, startTimecode: '10:00:00:00' });
    expect(late.problem('00:00:01:00')).toBe('This is before the start, 10:00:00:00.');
    const drop = new Clock({ rate: rate(30000, 1001), range, startTimecode: '00:00:00;00' });
    expect(drop.problem('00:01:00;00')).toMatch(/leaves this number out/);
    expect(new Clock({ range }).problem('x')).toMatch(/SS.mmm/);
  });
});
