import { describe, expect, it } from 'vitest';
import { clampView, follow, pan, rulerStep, wholeView, zoom } from './view';

const length = 90_000;

describe('View', () => {
  it('keeps the frame under the pointer in its place', () => {
    const v = zoom(wholeView(length), 0.25, 30_000, length);
    expect((30_000 - v.from) / (v.to - v.from)).toBeCloseTo(1 / 3, 9);
    expect(v.to - v.from).toBe(22_500);
  });

  it('never leaves the Flow and stops at single frames', () => {
    let v = wholeView(length);
    for (let i = 0; i < 100; i++) v = zoom(v, 0.5, 89_999, length);
    expect(v.to - v.from).toBe(12);
    expect(v.to).toBeLessThanOrEqual(length);
    expect(pan(v, 1e9, length).to).toBe(length);
    expect(clampView({ from: -5, to: 3 }, 2)).toEqual({ from: 0, to: 2 });
  });

  it('turns the page when the playhead leaves it', () => {
    const v = { from: 100, to: 200 };
    expect(follow(v, 150, length)).toBe(v);
    expect(follow(v, 200, length)).toEqual({ from: 190, to: 290 });
  });

  it('labels as often as there is room', () => {
    expect(rulerStep(0.05, 100, 25)).toBe(5);
    expect(rulerStep(1, 100, 25)).toBe(125);
    expect(rulerStep(1e9, 100, 25)).toBe(43_200 * 25);
  });
});
