import { JobChanged, JobProgressed } from './gen/job/v1/events';
import { FlowChanged, FlowDeleted } from './gen/mediastore/v1/events';

/** Whether pages are up to date: server-sent events arrive, or since when not. */
export interface Liveness {
  readonly state: 'connecting' | 'live' | 'stale';
  /** Date.now() of the last sign of life. */
  readonly since: number;
}

/** What arrives from the portal as it happens. */
export interface EventHandlers {
  job(e: JobChanged): void;
  progress(e: JobProgressed): void;
  flow(e: FlowChanged): void;
  flowDeleted(e: FlowDeleted): void;
  /** Events may have been missed: what is on show must be asked for again. */
  gap(): void;
}

const lenient = { ignoreUnknownFields: true } as const;
const FIRST_RETRY_MS = 500;
/** A connection that comes back sooner was never worth a word. */
const GRACE_MS = 2500;
/** How long a tab that nobody looks at keeps its connection. */
const HIDDEN_MS = 10_000;
const LAST_RETRY_MS = 15_000;

/**
 * EventFeed keeps one connection to /events. The browser reconnects by itself
 * with Last-Event-ID while the server answers; when it gives up (an error status)
 * the feed opens a new connection, with growing pauses.
 *
 * A browser has six connections for one address. A tab that nobody looks at gives
 * its own back, and catches up when it is looked at again: else the seventh tab
 * would wait for ever.
 */
export class EventFeed {
  private source: EventSource | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private grace: ReturnType<typeof setTimeout> | undefined;
  private hidden: ReturnType<typeof setTimeout> | undefined;
  private pause = FIRST_RETRY_MS;
  private liveness: Liveness = { state: 'connecting', since: Date.now() };
  private readonly watchers = new Set<() => void>();
  private lastId = '';

  constructor(private readonly handlers: EventHandlers) {}

  /** start connects and returns the function that stops. */
  start(): () => void {
    const onVisibility = () => (document.hidden ? this.leaveSoon() : this.comeBack());
    const onLeave = () => this.leave();
    const onReturn = () => this.comeBack();
    document.addEventListener('visibilitychange', onVisibility);
    window.addEventListener('pagehide', onLeave);
    window.addEventListener('pageshow', onReturn);
    if (!document.hidden) this.connect();
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      window.removeEventListener('pagehide', onLeave);
      window.removeEventListener('pageshow', onReturn);
      this.leave();
    };
  }

  private leaveSoon() {
    clearTimeout(this.hidden);
    this.hidden = setTimeout(() => this.leave(), HIDDEN_MS);
  }

  private leave() {
    clearTimeout(this.timer);
    clearTimeout(this.grace);
    clearTimeout(this.hidden);
    this.grace = undefined;
    this.source?.close();
    this.source = undefined;
  }

  private comeBack() {
    clearTimeout(this.hidden);
    if (!this.source) this.connect();
  }

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  readonly current = (): Liveness => this.liveness;

  private connect() {
    const query = this.lastId === '' ? '' : `?last_event_id=${encodeURIComponent(this.lastId)}`;
    const source = new EventSource(`/events${query}`);
    this.source = source;
    source.addEventListener('hello', () => this.connected());
    this.on('gap', () => this.handlers.gap());
    this.on('job', (data) => this.handlers.job(JobChanged.fromJsonString(data, lenient)));
    this.on('progress', (data) => this.handlers.progress(JobProgressed.fromJsonString(data, lenient)));
    this.on('flow', (data) => this.handlers.flow(FlowChanged.fromJsonString(data, lenient)));
    this.on('flow_deleted', (data) => this.handlers.flowDeleted(FlowDeleted.fromJsonString(data, lenient)));
    source.onerror = () => this.failed(source);
  }

  private on(name: string, handle: (data: string) => void) {
    this.source?.addEventListener(name, (e) => {
      if (e.lastEventId !== '') this.lastId = e.lastEventId;
      handle(e.data);
    });
  }

  private connected() {
    this.pause = FIRST_RETRY_MS;
    clearTimeout(this.grace);
    this.grace = undefined;
    if (this.liveness.state !== 'live') this.set('live');
    // Without an event to go on from, nothing is known of what went before.
    if (this.lastId === '') this.handlers.gap();
  }

  private failed(source: EventSource) {
    const since = Date.now();
    this.grace ??= setTimeout(() => this.set('stale', since), GRACE_MS);
    if (source.readyState !== EventSource.CLOSED) return;
    // Gone for good: the next attempt is a connection of its own.
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, LAST_RETRY_MS);
  }

  private set(state: Liveness['state'], since = Date.now()) {
    this.liveness = { state, since };
    for (const w of this.watchers) w();
  }
}
