import type { GrainInfo } from '@/api/gen/mediastore/v1/flows';
import type { Clock } from './clock';
import { nominal } from './timecode';
import { rulerStep, type View } from './view';

/** The colours of the timeline, read from the page so that they follow its scheme. */
export interface Palette {
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly strong: string;
  readonly lane: string;
  readonly buffered: string;
  readonly accent: string;
  readonly wash: string;
  readonly key: string;
}

/** Everything that one picture of the timeline is made from. */
export interface Scene {
  readonly clock: Clock;
  readonly view: View;
  readonly frame: number;
  readonly hover: number | undefined;
  readonly markIn: number | undefined;
  /** The last frame within the marks. */
  readonly markOut: number | undefined;
  readonly buffered: readonly (readonly [number, number])[];
  readonly grains: readonly GrainInfo[];
  readonly palette: Palette;
}

const LABEL_PIXELS = 104;
const RULER = 20;
const LANE_TOP = 26;
/** From this width on, each frame is drawn. */
const FRAME_PIXELS = 6;

/** paletteOf reads the colours that apply to an element. */
export function paletteOf(el: Element): Palette {
  const style = getComputedStyle(el);
  const get = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: get('--gm-text'),
    faint: get('--gm-faint'),
    line: get('--gm-line'),
    strong: get('--gm-line-strong'),
    lane: get('--gm-raised'),
    buffered: get('--gm-line-strong'),
    accent: get('--gm-accent'),
    wash: get('--gm-accent-wash'),
    key: get('--gm-running'),
  };
}

/** draw paints a scene; width and height are in CSS pixels. */
export function draw(ctx: CanvasRenderingContext2D, scene: Scene, width: number, height: number) {
  const { view, palette } = scene;
  const x = (frame: number) => ((frame - view.from) / (view.to - view.from)) * width;
  ctx.clearRect(0, 0, width, height);
  const laneHeight = height - LANE_TOP - 8;
  ctx.fillStyle = palette.lane;
  ctx.fillRect(0, LANE_TOP, width, laneHeight);
  drawBuffered(ctx, scene, x, LANE_TOP + laneHeight - 3);
  drawRuler(ctx, scene, x, width);
  drawFrames(ctx, scene, x, laneHeight);
  drawMarks(ctx, scene, x, laneHeight, width);
  drawHover(ctx, scene, x, height);
  drawPlayhead(ctx, scene, x, height);
}

type X = (frame: number) => number;

function drawBuffered(ctx: CanvasRenderingContext2D, { buffered, palette }: Scene, x: X, top: number) {
  ctx.fillStyle = palette.buffered;
  for (const [a, b] of buffered) ctx.fillRect(x(a), top, Math.max(1, x(b) - x(a)), 3);
}

function drawRuler(ctx: CanvasRenderingContext2D, { clock, view, palette }: Scene, x: X, width: number) {
  const fps = nominal(clock.rate);
  const step = rulerStep((view.to - view.from) / width, LABEL_PIXELS, fps);
  const minor = step % 5 === 0 ? step / 5 : step / 2;
  ctx.font = `11px ${getComputedStyle(ctx.canvas).fontFamily}`;
  ctx.textBaseline = 'middle';
  for (let n = Math.floor(view.from / step) * step; n <= view.to; n += step) {
    const left = Math.round(x(n)) + 0.5;
    line(ctx, left, 4, RULER, palette.strong);
    ctx.fillStyle = palette.faint;
    const label = clock.timecode(n);
    if (n < clock.length && left + 5 + ctx.measureText(label).width <= width)
      ctx.fillText(label, left + 5, 10);
    for (let m = n + minor; m < n + step; m += minor)
      line(ctx, Math.round(x(m)) + 0.5, 16, RULER, palette.line);
  }
}

/** drawFrames shows single frames once they are wide enough, and key frames always. */
function drawFrames(
  ctx: CanvasRenderingContext2D,
  { clock, view, grains, palette }: Scene,
  x: X,
  laneHeight: number,
) {
  const frameWidth = x(view.from + 1);
  if (clock.framed && frameWidth >= FRAME_PIXELS) {
    for (let n = Math.ceil(view.from); n < view.to; n++)
      line(ctx, Math.round(x(n)) + 0.5, LANE_TOP, LANE_TOP + laneHeight, palette.line);
  }
  for (const g of grains) {
    if (g.randomAccess === '') continue;
    const n = clock.indexAt(g.timeNs);
    if (n < view.from - 1 || n > view.to) continue;
    const center = frameWidth >= FRAME_PIXELS ? x(n + 0.5) : x(n);
    diamond(ctx, center, LANE_TOP + laneHeight / 2, g.randomAccess === 'idr', palette.key);
  }
}

function diamond(ctx: CanvasRenderingContext2D, cx: number, cy: number, filled: boolean, color: string) {
  const r = 4.5;
  ctx.beginPath();
  ctx.moveTo(cx, cy - r);
  ctx.lineTo(cx + r, cy);
  ctx.lineTo(cx, cy + r);
  ctx.lineTo(cx - r, cy);
  ctx.closePath();
  if (filled) {
    ctx.fillStyle = color;
    ctx.fill();
  } else {
    ctx.strokeStyle = color;
    ctx.lineWidth = 1.25;
    ctx.stroke();
  }
}

function drawMarks(ctx: CanvasRenderingContext2D, scene: Scene, x: X, laneHeight: number, width: number) {
  const { markIn, markOut, palette } = scene;
  if (markIn === undefined && markOut === undefined) return;
  const left = markIn === undefined ? 0 : x(markIn);
  const right = markOut === undefined ? width : x(markOut + 1);
  ctx.fillStyle = palette.wash;
  ctx.fillRect(left, LANE_TOP, right - left, laneHeight);
  ctx.fillStyle = palette.accent;
  ctx.fillRect(left, LANE_TOP, right - left, 2);
  if (markIn !== undefined) bracket(ctx, left, 1, laneHeight);
  if (markOut !== undefined) bracket(ctx, right, -1, laneHeight);
}

function bracket(ctx: CanvasRenderingContext2D, at: number, direction: 1 | -1, laneHeight: number) {
  ctx.fillRect(direction > 0 ? at : at - 2, LANE_TOP, 2, laneHeight);
  ctx.fillRect(direction > 0 ? at : at - 7, LANE_TOP + laneHeight - 2, 7, 2);
  ctx.fillRect(direction > 0 ? at : at - 7, LANE_TOP, 7, 4);
}

function drawHover(ctx: CanvasRenderingContext2D, { hover, palette }: Scene, x: X, height: number) {
  if (hover !== undefined) line(ctx, Math.round(x(hover)) + 0.5, LANE_TOP, height - 8, palette.faint);
}

function drawPlayhead(ctx: CanvasRenderingContext2D, { frame, view, palette }: Scene, x: X, height: number) {
  if (frame < view.from - 1 || frame > view.to) return;
  const frameWidth = x(view.from + 1);
  const left = Math.round(x(frame));
  if (frameWidth >= FRAME_PIXELS) {
    ctx.globalAlpha = 0.22;
    ctx.fillStyle = palette.text;
    ctx.fillRect(left, LANE_TOP, frameWidth, height - LANE_TOP - 8);
    ctx.globalAlpha = 1;
  }
  ctx.fillStyle = palette.text;
  ctx.fillRect(left - 0.75, RULER - 4, 1.5, height - RULER + 2);
  ctx.beginPath();
  ctx.moveTo(left - 6, RULER - 6);
  ctx.lineTo(left + 6, RULER - 6);
  ctx.lineTo(left + 6, RULER - 1);
  ctx.lineTo(left, RULER + 5);
  ctx.lineTo(left - 6, RULER - 1);
  ctx.fill();
}

function line(ctx: CanvasRenderingContext2D, x: number, top: number, bottom: number, color: string) {
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, bottom);
  ctx.stroke();
}
