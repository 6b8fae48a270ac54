import { type Flow, FlowStatus } from '@/api/gen/media/v1/media';
import { parseRange } from '@/player/mediatime';
import { bitRate, elapsed } from './format';
import { Icons } from './icons';
import type { Tone } from './StateBadge';

/** formatName is the last word of an NMOS format: video, audio, multi, data. */
export function formatName(format: string): string {
  return format.split(':').at(-1) ?? format;
}

const icons = { video: Icons.Video, audio: Icons.Audio, multi: Icons.Multi } as const;

/** FormatIcon draws what kind of content a Flow or Source is. */
export function FormatIcon({ format }: { format: string }) {
  const Icon = icons[formatName(format) as keyof typeof icons] ?? Icons.Data;
  return <Icon size={16} style={{ flex: 'none', color: 'var(--gm-faint)' }} />;
}

const codecs: Record<string, string> = {
  'video/h264': 'H.264',
  'video/h265': 'HEVC',
  'video/raw': 'Uncompressed',
  'audio/aac': 'AAC',
  'audio/x-raw-int': 'PCM',
  'audio/x-raw-float': 'PCM float',
};

/** codecName is what people call a TAMS codec. */
export function codecName(codec: string): string {
  return codecs[codec.toLowerCase()] ?? codec;
}

/** rateText writes a frame rate as people say it: 25, 29.97. */
export function rateText(rate: Flow['grainRate']): string {
  if (!rate || rate.denominator === 0n) return '';
  const value = Number(rate.numerator) / Number(rate.denominator);
  return value.toFixed(3).replace(/\.?0+$/, '');
}

/** essenceFacts is what tells one Flow from another at a glance. */
export function essenceFacts(f: Flow): string {
  const { video, audio } = f;
  if (video) {
    const scan = video.interlaceMode.startsWith('interlaced') ? 'i' : 'p';
    const rate = video.variableFrameRate ? ' variable' : rateText(f.grainRate);
    return `${video.width} × ${video.height}${scan}${rate}${video.bitDepth > 8 ? `, ${video.bitDepth} bit` : ''}`;
  }
  if (audio) {
    const depth = audio.bitDepth > 0 ? `, ${audio.bitDepth} bit` : '';
    return `${audio.sampleRate / 1000} kHz, ${channels(audio.channels)}${depth}`;
  }
  return f.avgBitRate > 0n ? bitRate(f.avgBitRate) : '';
}

function channels(n: number): string {
  return n === 1 ? 'mono' : n === 2 ? 'stereo' : `${n} channels`;
}

/** lengthText is how long a Flow is, as people say it; a player counts frames besides. */
export function lengthText(f: Flow): string {
  const range = parseRange(f.timerange);
  return range ? elapsed(range.end - range.start) : '';
}

/** flowState gives the word and the look of a Flow's status. */
export function flowState(status: FlowStatus): { word: string; tone: Tone } {
  switch (status) {
    case FlowStatus.INGESTING:
      return { word: 'Ingesting', tone: 'running' };
    case FlowStatus.CLOSED_COMPLETE:
      return { word: 'Complete', tone: 'done' };
    case FlowStatus.REPLICATION_IN_PROGRESS:
      return { word: 'Replicating', tone: 'running' };
    default:
      return { word: 'Waiting', tone: 'waiting' };
  }
}
