import { describe, expect, it } from 'vitest';
import { Clock } from './clock';
import { framesOf, markIn, markOut, marksText, parseMarks, windowOf } from './marks';

const clock = new Clock({
  rate: { num: 30000n, den: 1001n },
  range: { start: 7n, end: 7n + 10_010_000_000n },
});

describe('marks', () => {
  it('hold both of their ends', () => {
    const m = markOut(markIn({}, 10), 19);
    expect(framesOf(m, clock)).toBe(10);
    expect(windowOf(m, clock)).toEqual({ start: clock.tai(10), end: clock.tai(20) });
  });

  it('never cross', () => {
    expect(markIn({ in: 1, out: 5 }, 6)).toEqual({ in: 6 });
    expect(markOut({ in: 5, out: 9 }, 4)).toEqual({ out: 4 });
  });

  it('come back from an address as they were', () => {
    for (let n = 0; n < 250; n++) {
      const m = { in: n, out: n + 7 };
      expect(parseMarks(marksText(m, clock), clock)).toEqual(m);
    }
    expect(parseMarks('', clock)).toEqual({});
    expect(marksText({}, clock)).toBe('');
  });
});
