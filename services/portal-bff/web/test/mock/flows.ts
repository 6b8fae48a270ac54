import type { Job } from '../../src/api/gen/job/v1/types';
import { Flow, FlowStatus, Source } from '../../src/api/gen/media/v1/media';
import type { GrainInfo } from '../../src/api/gen/mediastore/v1/flows';
import { offsetOf, parseRange, type TimeRange } from '../../src/player/mediatime';
import { fileName } from '../../src/ui/format';
import { id } from './jobs';

const FORMAT = 'urn:x-nmos:format:';
const RATE = { num: 24n, den: 1n };

function flow(job: Job, n: number, kind: string, rest: Partial<Flow>): Flow {
  const label = job.spec?.label || fileName(job.spec?.url ?? '').replace(/\.\w+$/, '');
  return Flow.create({
    id: id('f', n),
    sourceId: id('5', n),
    format: FORMAT + kind,
    label: kind === 'multi' ? label : `${label}, ${kind}`,
    status: FlowStatus.CLOSED_COMPLETE,
    timerange: '[0:0_10:0)',
    createdUnixNs: job.createdUnixNs,
    updatedUnixNs: job.updatedUnixNs,
    jobId: job.id,
    startTimecode: '10:00:00:00',
    tags: {
      'grainmesh:origin': { values: ['zero'] },
      'grainmesh:file_name': { values: [fileName(job.spec?.url ?? '')] },
    },
    ...rest,
  });
}

/** flowsOf makes what a completed job leaves in the store. */
export function flowsOf(job: Job, n: number): Flow[] {
  const multi = id('f', n * 3 + 1);
  const video = flow(job, n * 3 + 2, 'video', {
    codec: 'video/h264',
    container: 'application/x-ips-gsf',
    grainRate: { numerator: 24n, denominator: 1n },
    avgBitRate: 4203n,
    collectedBy: [multi],
    timescale: 12288n,
    video: {
      ...{ width: 1280, height: 720, bitDepth: 8, interlaceMode: 'progressive', colorspace: 'BT709' },
      ...{ transferCharacteristic: 'SDR', componentType: 'YCbCr', horizontalChromaSubsampling: 2 },
      ...{ verticalChromaSubsampling: 2, uncType: '', profile: 100, level: 31, profileFlags: 0 },
      ...{ variableFrameRate: false, gsfFormat: 0 },
      aspectRatio: { numerator: 16n, denominator: 9n },
      pixelAspectRatio: { numerator: 1n, denominator: 1n },
    },
  });
  const audio = flow(job, n * 3 + 3, 'audio', {
    codec: 'audio/aac',
    container: 'application/x-ips-gsf',
    avgBitRate: 128n,
    collectedBy: [multi],
    audio: {
      ...{ sampleRate: 44100, channels: 2, bitDepth: 0, uncType: '', codedFrameSize: 1024, mp4Oti: 2 },
      ...{ floatingPoint: false, gsfFormat: 0 },
    },
  });
  const collection = [
    { flowId: video.id, role: 'video' },
    { flowId: audio.id, role: 'audio' },
  ];
  return [flow(job, n * 3 + 1, 'multi', { collection, avgBitRate: 4331n }), video, audio];
}

/** sourceOf makes the Source that a Flow represents. */
export function sourceOf(f: Flow): Source {
  return Source.create({
    id: f.sourceId,
    format: f.format,
    label: f.label,
    createdUnixNs: f.createdUnixNs,
    updatedUnixNs: f.updatedUnixNs,
  });
}

const KEY_EVERY = 48n;

/** grainsOf lists frames with a key frame every two seconds. */
export function grainsOf(f: Flow, wanted: TimeRange | undefined): GrainInfo[] {
  const range = parseRange(f.timerange);
  if (!range || !wanted) return [];
  const grains: GrainInfo[] = [];
  for (let n = 0n; range.start + offsetOf(n, RATE) < range.end; n++) {
    const timeNs = range.start + offsetOf(n, RATE);
    if (timeNs < wanted.start || timeNs >= wanted.end) continue;
    grains.push({
      ...{ timeNs, durationNs: 41_666_666n, position: Number(n % KEY_EVERY), size: 21_000n },
      ...{ randomAccess: n % KEY_EVERY === 0n ? 'idr' : '', leading: false, disposable: false },
      ...{ objectId: 'o', offset: 0n, samples: 0 },
    });
  }
  return grains;
}
