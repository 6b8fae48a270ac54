import { useElementSize } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { type PointerEvent, useEffect, useRef, useState } from 'react';
import { grainsQuery } from '@/api/queries';
import type { Deck } from './deck';
import { draw, paletteOf } from './draw';
import type { Marks } from './marks';
import { formatRange } from './mediatime';
import classes from './Player.module.css';
import { clampView, follow, isWhole, pan, type View, wholeView, zoom } from './view';

interface Props {
  deck: Deck;
  marks: Marks;
  onMarks: (marks: Marks) => void;
  /** The video Flow whose grains are drawn at high zoom; empty for none. */
  grainsOf: string;
}

const HEIGHT = 84;
/** Key frames are asked for when no more frames than this are in view. */
const MAX_GRAINS = 4000;
const BIN = 1000;
/** How near to a mark, in pixels, a press takes hold of it. */
const GRIP = 6;

/** Timeline shows a Flow from all of it down to single frames. */
export function Timeline({ deck, marks, onMarks, grainsOf }: Props) {
  const { length } = deck.clock;
  const canvas = useRef<HTMLCanvasElement>(null);
  const { ref: box, width } = useElementSize();
  const [view, setView] = useState<View>(() => wholeView(length));
  const [hover, setHover] = useState<number>();
  const [drag, setDrag] = useState<'in' | 'out' | 'head'>();
  const grains = useGrains(deck, grainsOf, view);
  useEffect(() => setView((v) => clampView(v, length)), [length]);
  useWheel(canvas, length, setView);
  useDrawing(canvas, width, { deck, view, hover, marks, grains }, (frame) =>
    setView((v) => follow(v, frame, length)),
  );

  const frameAt = (e: PointerEvent) => {
    const rect = e.currentTarget.getBoundingClientRect();
    const share = (e.clientX - rect.left) / rect.width;
    return deck.clock.clamp(Math.floor(view.from + share * (view.to - view.from)));
  };
  const moveTo = (what: typeof drag, frame: number) => {
    if (what === 'head') deck.seek(frame);
    if (what === 'in') onMarks({ ...marks, in: Math.min(frame, marks.out ?? frame) });
    if (what === 'out') onMarks({ ...marks, out: Math.max(frame, marks.in ?? frame) });
  };
  const grip = (e: PointerEvent) => {
    const rect = e.currentTarget.getBoundingClientRect();
    const x = (frame: number) => rect.left + ((frame - view.from) / (view.to - view.from)) * rect.width;
    const near = (frame: number | undefined) => frame !== undefined && Math.abs(x(frame) - e.clientX) < GRIP;
    // The ruler always moves the playhead; marks are held by their brackets.
    if (e.clientY - rect.top < 24) return 'head';
    if (near(marks.in)) return 'in';
    return near(marks.out === undefined ? undefined : marks.out + 1) ? 'out' : 'head';
  };

  return (
    <div className={classes.timeline}>
      <div ref={box} className={classes.timelineBox}>
        <canvas
          ref={canvas}
          className={classes.canvas}
          style={{ height: HEIGHT }}
          role="slider"
          tabIndex={0}
          aria-label="Position"
          aria-valuemin={0}
          aria-valuemax={length - 1}
          aria-valuenow={deck.current().frame}
          aria-valuetext={deck.clock.timecode(deck.current().frame)}
          onPointerDown={(e) => {
            e.currentTarget.setPointerCapture(e.pointerId);
            const what = grip(e);
            setDrag(what);
            if (what === 'head') deck.pause();
            moveTo(what, frameAt(e));
          }}
          onPointerMove={(e) => {
            setHover(frameAt(e));
            if (drag) moveTo(drag, frameAt(e));
          }}
          onPointerUp={() => setDrag(undefined)}
          onPointerLeave={() => setHover(undefined)}
          onDoubleClick={() => setView(wholeView(length))}
        />
        {hover !== undefined && !drag && (
          <HoverLabel deck={deck} frame={hover} share={(hover - view.from) / (view.to - view.from)} />
        )}
      </div>
      <ZoomButtons view={view} length={length} deck={deck} setView={setView} />
    </div>
  );
}

function HoverLabel({ deck, frame, share }: { deck: Deck; frame: number; share: number }) {
  const side = share > 0.5 ? { right: `${(1 - share) * 100}%` } : { left: `${share * 100}%` };
  return (
    <div className={classes.hover} style={side}>
      {deck.clock.timecode(frame)}
      <span>{deck.clock.taiText(frame)}</span>
    </div>
  );
}

interface ZoomProps {
  view: View;
  length: number;
  deck: Deck;
  setView: (change: (v: View) => View) => void;
}

function ZoomButtons({ view, length, deck, setView }: ZoomProps) {
  const by = (factor: number) => setView((v) => zoom(v, factor, deck.current().frame, length));
  return (
    <fieldset className={classes.zoom} aria-label="Zoom">
      <button type="button" onClick={() => by(0.5)} aria-label="Zoom in" title="Zoom in (wheel)">
        +
      </button>
      <button
        type="button"
        onClick={() => by(2)}
        disabled={isWhole(view, length)}
        aria-label="Zoom out"
        title="Zoom out (wheel)"
      >
        −
      </button>
      <button
        type="button"
        onClick={() => setView(() => wholeView(length))}
        disabled={isWhole(view, length)}
        title="Show all (double click)"
      >
        all
      </button>
    </fieldset>
  );
}

/** useGrains asks for the index of what is in view, once that is little enough. */
function useGrains(deck: Deck, flowId: string, view: View) {
  const near = view.to - view.from <= MAX_GRAINS;
  const { clock } = deck;
  const first = Math.max(0, Math.floor(view.from / BIN) * BIN);
  const last = Math.min(clock.length, Math.ceil(view.to / BIN) * BIN);
  const range = formatRange({ start: clock.tai(first), end: clock.tai(last) });
  const grains = useQuery({
    ...grainsQuery(flowId, range),
    enabled: near && flowId !== '',
    placeholderData: (old) => old,
  });
  return near && flowId !== '' ? (grains.data ?? []) : [];
}

/** useWheel zooms about the pointer, and pans with Shift or sideways. */
function useWheel(
  canvas: React.RefObject<HTMLCanvasElement | null>,
  length: number,
  setView: (change: (v: View) => View) => void,
) {
  useEffect(() => {
    const el = canvas.current;
    if (!el) return;
    const onWheel = (e: WheelEvent) => {
      e.preventDefault();
      const rect = el.getBoundingClientRect();
      setView((v) => {
        const perPixel = (v.to - v.from) / rect.width;
        const sideways = e.shiftKey ? e.deltaY : e.deltaX;
        if (Math.abs(sideways) > (e.shiftKey ? 0 : Math.abs(e.deltaY)))
          return pan(v, sideways * perPixel, length);
        return zoom(v, 1.0018 ** e.deltaY, v.from + (e.clientX - rect.left) * perPixel, length);
      });
    };
    // React's own wheel listeners are passive, and the page must not scroll.
    el.addEventListener('wheel', onWheel, { passive: false });
    return () => el.removeEventListener('wheel', onWheel);
  }, [canvas, length, setView]);
}

interface Drawing {
  deck: Deck;
  view: View;
  hover: number | undefined;
  marks: Marks;
  grains: Parameters<typeof draw>[1]['grains'];
}

/** useDrawing paints when anything has changed, at most once a screen refresh. */
function useDrawing(
  canvas: React.RefObject<HTMLCanvasElement | null>,
  width: number,
  drawing: Drawing,
  onMove: (frame: number) => void,
) {
  const latest = useRef({ drawing, onMove });
  latest.current = { drawing, onMove };
  const { deck } = drawing;
  const repaint = useRef(() => {});
  useEffect(() => {
    const el = canvas.current;
    const ctx = el?.getContext('2d');
    if (!el || !ctx || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    el.width = Math.round(width * ratio);
    el.height = Math.round(HEIGHT * ratio);
    let request = 0;
    const paint = () => {
      request = 0;
      ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      draw(ctx, sceneOf(el, latest.current.drawing), width, HEIGHT);
    };
    const schedule = () => {
      if (request === 0) request = requestAnimationFrame(paint);
    };
    repaint.current = schedule;
    const stop = watch(deck, el, schedule, () => latest.current.onMove(deck.current().frame));
    schedule();
    return () => {
      stop();
      cancelAnimationFrame(request);
    };
  }, [canvas, width, deck]);
  useEffect(() => repaint.current());
}

/** watch calls back when position, buffer or colours have changed. */
function watch(deck: Deck, el: Element, schedule: () => void, moved: () => void): () => void {
  const unsubscribe = deck.subscribe(() => {
    schedule();
    moved();
  });
  deck.video.addEventListener('progress', schedule);
  const scheme = new MutationObserver(schedule);
  scheme.observe(el.ownerDocument.documentElement, { attributeFilter: ['data-mantine-color-scheme'] });
  return () => {
    unsubscribe();
    deck.video.removeEventListener('progress', schedule);
    scheme.disconnect();
  };
}

function sceneOf(el: Element, { deck, view, hover, marks, grains }: Drawing) {
  const { clock, video } = deck;
  const buffered = Array.from({ length: video.buffered.length }, (_, i) => {
    const at = (seconds: number) => Math.min(Math.max(clock.nearest(seconds), 0), clock.length);
    return [at(video.buffered.start(i)), at(video.buffered.end(i))] as const;
  });
  const { frame } = deck.current();
  return {
    clock,
    view,
    frame,
    hover,
    markIn: marks.in,
    markOut: marks.out,
    buffered,
    grains,
    palette: paletteOf(el),
  };
}
