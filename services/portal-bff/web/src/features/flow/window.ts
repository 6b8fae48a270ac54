import type { Fault } from '@/api/errors';
import type { Flow } from '@/api/gen/media/v1/media';
import { formatName } from '@/ui/flows';
import { program, shellQuote } from '@/ui/format';

/** A container that a window can be had in. */
export interface WindowFormat {
  readonly value: string;
  readonly label: string;
  /** Whether pre-roll can be hidden, so that a cut is exact for every codec. */
  readonly hidesPreroll: boolean;
  /** The member that is meant, where the format holds one Flow and the page shows several. */
  readonly flowId?: string;
}

const all: Record<string, WindowFormat> = {
  mp4: { value: 'mp4', label: 'MP4', hidesPreroll: true },
  mov: { value: 'mov', label: 'MOV', hidesPreroll: true },
  wav: { value: 'wav', label: 'WAV', hidesPreroll: true },
  gsf: { value: 'gsf', label: 'GSF', hidesPreroll: false },
  raw: { value: 'raw', label: 'Raw essence', hidesPreroll: false },
};

const isRawSound = (f: Flow) => f.codec.startsWith('audio/x-raw');
const inMovies = (f: Flow) => isRawSound(f) || /^(video\/h264|audio\/aac)$/i.test(f.codec);

/** formatsFor lists the containers that hold what a Flow carries, the likeliest first. */
export function formatsFor(flow: Flow, members: Flow[]): WindowFormat[] {
  if (formatName(flow.format) === 'multi') return formatsForMulti(members);
  const movies = !inMovies(flow) ? [] : isRawSound(flow) ? ['wav', 'mov', 'mp4'] : ['mp4', 'mov'];
  return [...movies, 'gsf', 'raw'].map((n) => all[n] as WindowFormat);
}

/** What holds one Flow alone is offered for the only member that it can hold. */
function formatsForMulti(members: Flow[]): WindowFormat[] {
  const sounds = members.filter(isRawSound);
  const movies = sounds.length > 0 ? ['mov', 'mp4', 'gsf'] : ['mp4', 'mov', 'gsf'];
  const formats = movies.map((n) => all[n] as WindowFormat);
  const [sound, another] = sounds;
  if (!sound || another) return formats;
  const alone = ['wav', 'raw'].map((n) => ({ ...(all[n] as WindowFormat), flowId: sound.id }));
  return [...formats, ...alone.map((f) => ({ ...f, label: `${f.label}, sound` }))];
}

/** How exactly a window is cut: at the marks, or from the key frame before. */
export type Trim = 'exact' | 'rap';

/** windowUrl is where a window is downloaded. */
export function windowUrl(flowId: string, timerange: string, format: string, trim: Trim): string {
  const query = new URLSearchParams({ timerange, format, trim });
  return `/tams/v8.2/flows/${flowId}/window?${query}`;
}

/** windowCommand is the same on the command line. */
export function windowCommand(flowId: string, timerange: string, format: string, trim: Trim): string {
  const end = format === 'raw' ? 'bin' : format;
  const line = `${program} window ${flowId} ${shellQuote(timerange)} -o window.${end}`;
  return `${line} --format ${format}${trim === 'exact' ? '' : ` --trim ${trim}`}`;
}

/**
 * download asks for a window and, when the store agrees, lets the browser save
 * it; a window may be larger than memory, so scripts do not touch its bytes.
 */
export async function download(url: string): Promise<void> {
  const asked = new AbortController();
  const response = await fetch(url, { credentials: 'same-origin', signal: asked.signal });
  if (!response.ok) throw await faultOfResponse(response);
  asked.abort();
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
}

async function faultOfResponse(response: Response): Promise<Fault> {
  const body: Partial<Fault> = await response.json().catch(() => ({}));
  return {
    code: body.code ?? `http_${response.status}`,
    message: body.message ?? `The store answered with status ${response.status}.`,
    fault: body.fault ?? 'platform',
    retryable: body.retryable ?? response.status >= 500,
  };
}
