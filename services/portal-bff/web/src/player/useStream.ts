import Hls, { type ErrorData, Events } from 'hls.js';
import { useEffect, useState } from 'react';
import type { Fault } from '@/api/errors';
import type { Deck } from './deck';

/**
 * useStream plays an HLS stream in the deck's media element, and tells what
 * stopped it for good. Network hiccups are retried by hls.js itself.
 */
export function useStream(deck: Deck | undefined, url: string): Fault | undefined {
  const [fault, setFault] = useState<Fault>();
  useEffect(() => {
    setFault(undefined);
    if (!deck || url === '') return;
    const hls = new Hls({ backBufferLength: 60, maxBufferLength: 30, startPosition: deck.video.currentTime });
    let recovered = false;
    hls.on(Events.ERROR, (_, data) => {
      if (!data.fatal) return;
      if (data.type === 'mediaError' && !recovered) {
        recovered = true;
        hls.recoverMediaError();
        return;
      }
      setFault(faultOfStream(data));
    });
    hls.on(Events.BUFFER_APPENDED, (_, data) => calibrate(deck, data));
    hls.loadSource(url);
    hls.attachMedia(deck.video);
    return () => hls.destroy();
  }, [deck, url]);
  return fault;
}

interface Appended {
  readonly frag: { readonly sn: number | 'initSegment'; readonly start: number } | null;
  readonly timeRanges: { video?: TimeRanges; audio?: TimeRanges };
}

/** calibrate reads where the first picture really stands, from the first segment. */
function calibrate(deck: Deck, { frag, timeRanges }: Appended) {
  const { video } = timeRanges;
  if (frag?.start !== 0 || frag.sn === 'initSegment' || !video || video.length === 0) return;
  deck.calibrate(video.start(0));
}

function faultOfStream(data: ErrorData): Fault {
  const status = data.response?.code ?? 0;
  if (status === 410)
    return { code: 'flow_gone', message: 'This Flow was taken back.', fault: 'customer', retryable: false };
  const message =
    data.type === 'networkError'
      ? `The stream could not be loaded${status > 0 ? ` (status ${status})` : ''}.`
      : `The browser cannot play the stream: ${data.error.message}`;
  return { code: data.details, message, fault: 'platform', retryable: true };
}
