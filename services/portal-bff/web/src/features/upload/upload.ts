import { api } from '@/api/client';
import type { Fault } from '@/api/errors';

/** How far an upload is. */
export interface UploadProgress {
  readonly sent: number;
  readonly total: number;
}

const PARALLEL = 4;
const SIGN_AT_ONCE = 100;
const TRIES = 3;

/**
 * uploadFile sends a file straight to the object store, whole or in parts, and
 * returns the URL to ingest. Aborting leaves nothing behind.
 */
export async function uploadFile(
  file: File,
  onProgress: (p: UploadProgress) => void,
  signal: AbortSignal,
): Promise<string> {
  const start = (
    await api.portal.startUpload(
      { fileName: file.name, size: BigInt(file.size), mimeType: file.type },
      { abort: signal },
    )
  ).response;
  const { uploadId } = start;
  // One part that fails for good stops the others.
  const all = new AbortController();
  const stop = () => all.abort(cancelled);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const meter = new Meter(file.size, onProgress);
    const etags = await putParts(file, uploadId, start.parts, Number(start.partSize), meter, all);
    return (await api.portal.completeUpload({ uploadId, etags }, { abort: signal })).response.url;
  } catch (err) {
    // The owner collects what was sent in any case; this only frees it at once.
    await api.portal.abortUpload({ uploadId }).response.catch(() => undefined);
    throw err;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Meter adds up what the parts have sent. */
class Meter {
  private readonly sent = new Map<number, number>();

  constructor(
    private readonly total: number,
    private readonly tell: (p: UploadProgress) => void,
  ) {}

  set(part: number, bytes: number) {
    this.sent.set(part, bytes);
    let sent = 0;
    for (const n of this.sent.values()) sent += n;
    this.tell({ sent, total: this.total });
  }
}

async function putParts(
  file: File,
  uploadId: string,
  parts: number,
  partSize: number,
  meter: Meter,
  all: AbortController,
): Promise<Record<number, string>> {
  const etags: Record<number, string> = {};
  for (let first = 1; first <= parts; first += SIGN_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(SIGN_AT_ONCE, parts - first + 1) }, (_, i) => first + i);
    const { urls } = (await api.portal.signParts({ uploadId, parts: numbers }, { abort: all.signal }))
      .response;
    await inParallel(numbers, all, async (n) => {
      const blob = file.slice((n - 1) * partSize, n * partSize);
      etags[n] = await putBlob(urls[n] ?? '', blob, (sent) => meter.set(n, sent), all.signal);
    });
  }
  return etags;
}

/** inParallel ends when all work has, and throws what went wrong first. */
async function inParallel(
  numbers: number[],
  all: AbortController,
  work: (n: number) => Promise<void>,
): Promise<void> {
  const queue = [...numbers];
  const worker = async () => {
    for (let n = queue.shift(); n !== undefined && !all.signal.aborted; n = queue.shift()) {
      await work(n).catch((err) => {
        all.abort(err);
        throw err;
      });
    }
  };
  await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
  if (all.signal.aborted) throw all.signal.reason;
}

async function putBlob(
  url: string,
  blob: Blob,
  onSent: (n: number) => void,
  signal: AbortSignal,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await putOnce(url, blob, onSent, signal);
    } catch (err) {
      onSent(0);
      if (attempt === TRIES || signal.aborted || !(err as Fault).retryable) throw err;
    }
  }
}

/** putOnce uses XMLHttpRequest, because fetch tells nothing of bytes sent. */
function putOnce(url: string, blob: Blob, onSent: (n: number) => void, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener('abort', abort, { once: true });
    request.upload.onprogress = (e) => onSent(e.loaded);
    request.onloadend = () => signal.removeEventListener('abort', abort);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        onSent(blob.size);
        resolve(request.getResponseHeader('ETag') ?? '');
      } else reject(refused(request.status));
    };
    request.onerror = () => reject(unreachable);
    request.onabort = () => reject(cancelled);
    request.open('PUT', url);
    request.send(blob);
  });
}

function refused(status: number): Fault {
  const message = `The object store refused the upload with status ${status}.`;
  return { code: 'upload_refused', message, fault: 'platform', retryable: status >= 500 };
}

const unreachable: Fault = {
  code: 'object_store_unreachable',
  message: 'The object store does not answer this browser.',
  fault: 'network',
  retryable: true,
};

const cancelled: Fault = {
  code: 'cancelled',
  message: 'The upload was cancelled.',
  fault: 'customer',
  retryable: false,
};
