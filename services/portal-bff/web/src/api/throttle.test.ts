import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { throttled } from './throttle';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('calls at once, then once in a span, and never forgets the last', () => {
  const calls: string[] = [];
  const f = throttled((key) => calls.push(key), 1000);
  f('a');
  f('b');
  expect(calls).toEqual(['a', 'b']);
  f('a');
  f('a');
  expect(calls).toEqual(['a', 'b']);
  vi.advanceTimersByTime(1000);
  expect(calls).toEqual(['a', 'b', 'a']);
  vi.advanceTimersByTime(5000);
  expect(calls).toEqual(['a', 'b', 'a']);
  f('a');
  expect(calls).toHaveLength(4);
});
