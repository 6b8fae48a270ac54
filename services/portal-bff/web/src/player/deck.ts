import type { Clock } from './clock';

/** What a deck shows: where it is, and what it is doing. */
export interface DeckState {
  /** The frame on show. */
  readonly frame: number;
  /** 0 when paused; negative backwards. */
  readonly speed: number;
}

const SPEEDS = [1, 2, 4, 8];

/**
 * Deck drives a media element by frames, as an editor's deck does: exact steps,
 * shuttle in both directions, and the position of the frame that is really on
 * show, from requestVideoFrameCallback.
 */
export class Deck {
  private state: DeckState = { frame: 0, speed: 0 };
  private readonly watchers = new Set<() => void>();
  private readonly cleanups: (() => void)[] = [];
  /** Media time of the first frame; not 0 when a stream's first picture is late. */
  private zero = 0;
  /** Where to go when the seek under way has ended. */
  private next: number | undefined;
  private reverse = 0;

  constructor(
    readonly video: HTMLVideoElement,
    public clock: Clock,
  ) {
    this.listen('seeked', () => this.seeked());
    this.listen('play', () => this.set({ speed: this.video.playbackRate }));
    this.listen('pause', () => this.reverse === 0 && this.set({ speed: 0 }));
    this.listen('ended', () => this.set({ speed: 0 }));
    this.watchFrames();
  }

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  readonly current = (): DeckState => this.state;

  /** follow takes the clock of a Flow that has grown; the position stays. */
  follow(clock: Clock) {
    this.clock = clock;
  }

  /** calibrate tells the media time at which the first picture stands. */
  calibrate(zero: number) {
    this.zero = zero;
  }

  /** close lets go of the media element. */
  close() {
    this.stopReverse();
    for (const cleanup of this.cleanups) cleanup();
  }

  /** toggle plays, or pauses whatever moves. */
  toggle() {
    if (this.state.speed === 0) this.shuttle(1);
    else this.pause();
  }

  pause() {
    this.stopReverse();
    this.video.pause();
    this.set({ speed: 0 });
  }

  /** shuttle goes faster in a direction with each call, as J and L do. */
  shuttle(direction: 1 | -1) {
    const { speed } = this.state;
    const at = Math.sign(speed) === direction ? SPEEDS.indexOf(Math.abs(speed)) : -1;
    this.run(direction * (SPEEDS[Math.min(at + 1, SPEEDS.length - 1)] as number));
  }

  /** seek goes to a frame; seeks that come faster than they end are merged. */
  seek(frame: number) {
    const target = this.clock.clamp(frame);
    this.set({ frame: target });
    if (this.video.seeking) {
      this.next = target;
      return;
    }
    this.next = undefined;
    this.video.currentTime = this.zero + this.clock.seekTarget(target);
  }

  /** step pauses and moves by frames. */
  step(frames: number) {
    this.pause();
    this.seek(this.state.frame + frames);
  }

  private run(speed: number) {
    this.stopReverse();
    if (speed < 0) {
      this.video.pause();
      this.runBackwards(speed);
    } else {
      this.video.playbackRate = speed;
      // A browser that refuses to start has told its user why.
      this.video.play().catch(() => this.set({ speed: 0 }));
    }
    this.set({ speed });
  }

  /** runBackwards seeks, since no browser plays backwards. */
  private runBackwards(speed: number) {
    const from = this.state.frame;
    const began = performance.now();
    const perSecond = (Number(this.clock.rate.num) / Number(this.clock.rate.den)) * speed;
    const tick = () => {
      const frame = Math.round(from + ((performance.now() - began) / 1000) * perSecond);
      if (frame <= 0) {
        this.pause();
        this.seek(0);
        return;
      }
      if (frame !== this.state.frame) this.seek(frame);
      this.reverse = requestAnimationFrame(tick);
    };
    this.reverse = requestAnimationFrame(tick);
  }

  private stopReverse() {
    cancelAnimationFrame(this.reverse);
    this.reverse = 0;
  }

  private seeked() {
    if (this.next !== undefined) {
      const target = this.next;
      this.next = undefined;
      this.seek(target);
    }
  }

  /** watchFrames follows the pictures; sound alone is followed by the screen's rate. */
  private watchFrames() {
    let frameRequest = 0;
    let screenRequest = 0;
    const onFrame = (_: number, meta: VideoFrameCallbackMetadata) => {
      if (!this.busy()) this.set({ frame: this.clock.clamp(this.clock.nearest(meta.mediaTime - this.zero)) });
      frameRequest = this.video.requestVideoFrameCallback(onFrame);
    };
    const onScreen = () => {
      const silent = this.clock.framed && this.video.videoWidth > 0;
      if (!silent && !this.video.paused) {
        this.set({ frame: this.clock.clamp(this.clock.covering(this.video.currentTime - this.zero)) });
      }
      screenRequest = requestAnimationFrame(onScreen);
    };
    frameRequest = this.video.requestVideoFrameCallback(onFrame);
    screenRequest = requestAnimationFrame(onScreen);
    this.cleanups.push(() => {
      this.video.cancelVideoFrameCallback(frameRequest);
      cancelAnimationFrame(screenRequest);
    });
  }

  /** busy says that the wanted frame is not the one on show yet. */
  private busy(): boolean {
    return this.video.seeking || this.next !== undefined || this.reverse !== 0;
  }

  private listen(event: string, handle: () => void) {
    this.video.addEventListener(event, handle);
    this.cleanups.push(() => this.video.removeEventListener(event, handle));
  }

  private set(change: Partial<DeckState>) {
    const next = { ...this.state, ...change };
    if (next.frame === this.state.frame && next.speed === this.state.speed) return;
    this.state = next;
    for (const w of this.watchers) w();
  }
}
