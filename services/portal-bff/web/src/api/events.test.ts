import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventFeed, type EventHandlers } from './events';

/** A source of events that the test plays. */
class Played extends EventTarget {
  static readonly CLOSED = 2;
  static all: Played[] = [];
  readyState = 1;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    Played.all.push(this);
  }

  close() {
    this.readyState = Played.CLOSED;
  }

  say(name: string, lastEventId: string, data = '{}') {
    this.dispatchEvent(Object.assign(new Event(name), { data, lastEventId }));
  }
}

const target = () => Object.assign(new EventTarget(), { hidden: false });

beforeEach(() => {
  Played.all = [];
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', Played);
  vi.stubGlobal('document', target());
  vi.stubGlobal('window', target());
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const ignore = () => undefined;

function follow() {
  const gap = vi.fn();
  const handlers: EventHandlers = { job: ignore, progress: ignore, flow: ignore, flowDeleted: ignore, gap };
  const stop = new EventFeed(handlers).start();
  return { gap, stop, source: () => Played.all[Played.all.length - 1] as Played };
}

test('asks again for everything where events are lost, and goes on from there', () => {
  const { gap, stop, source } = follow();
  source().say('hello', '');
  expect(gap).toHaveBeenCalledTimes(1); // nothing is known of what went before
  source().say('job', '5000-1');
  source().close();
  source().onerror?.();
  vi.runOnlyPendingTimers();
  expect(source().url).toBe('/events?last_event_id=5000-1');
  source().say('hello', '');
  expect(gap).toHaveBeenCalledTimes(1);
  source().say('gap', '3-2');
  expect(gap).toHaveBeenCalledTimes(2);
  source().close();
  source().onerror?.();
  vi.runOnlyPendingTimers();
  expect(source().url).toBe('/events?last_event_id=3-2');
  stop();
});
