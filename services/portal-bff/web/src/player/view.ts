/** The part of a Flow that the timeline shows, in frames, not rounded. */
export interface View {
  readonly from: number;
  readonly to: number;
}

/** The closest that one can zoom in: frames across the whole timeline. */
const CLOSEST = 12;

/** wholeView shows all of a Flow. */
export function wholeView(length: number): View {
  return { from: 0, to: Math.max(length, 1) };
}

/** clampView keeps a view within a Flow and within the limits of zoom. */
export function clampView(v: View, length: number): View {
  const span = Math.min(Math.max(v.to - v.from, Math.min(CLOSEST, length)), length);
  const from = Math.min(Math.max(v.from, 0), length - span);
  return { from, to: from + span };
}

/** zoom scales a view about the frame that stays where it is. */
export function zoom(v: View, factor: number, about: number, length: number): View {
  const span = Math.min(Math.max((v.to - v.from) * factor, Math.min(CLOSEST, length)), length);
  const share = (about - v.from) / (v.to - v.from);
  const from = about - share * span;
  return clampView({ from, to: from + span }, length);
}

/** pan moves a view by frames. */
export function pan(v: View, frames: number, length: number): View {
  return clampView({ from: v.from + frames, to: v.to + frames }, length);
}

/** follow moves a view a page on when the playhead has left it. */
export function follow(v: View, frame: number, length: number): View {
  if (frame >= v.from && frame < v.to) return v;
  const span = v.to - v.from;
  const from = frame < v.from ? frame - span * 0.9 : frame - span * 0.1;
  return clampView({ from, to: from + span }, length);
}

/** isWhole says that there is nothing outside the view. */
export function isWhole(v: View, length: number): boolean {
  return v.to - v.from >= length;
}

/** Distances between labels that people count in, in frames, small to large. */
function steps(fps: number): number[] {
  const inFrames = [1, 2, 5, 10].filter((n) => n < fps);
  const inSeconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200];
  return [...inFrames, ...inSeconds.map((s) => s * fps)];
}

/** rulerStep picks the smallest distance that leaves room for each label. */
export function rulerStep(framesPerPixel: number, labelPixels: number, fps: number): number {
  const all = steps(fps);
  return all.find((s) => s / framesPerPixel >= labelPixels) ?? (all.at(-1) as number);
}
