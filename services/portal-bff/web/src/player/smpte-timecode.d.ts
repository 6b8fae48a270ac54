declare module 'smpte-timecode' {
  /** The one use that tests make of it: a count of frames as text. */
  export default class Timecode {
    constructor(frames: number, frameRate: number, dropFrame?: boolean);
    toString(): string;
  }
}
