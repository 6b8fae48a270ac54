import type { Format, TraceStep } from '../../src/api/gen/job/v1/jobs';
import {
  type ChunkProgress,
  type IngestSpec,
  Job,
  JobState,
  OnFailure,
} from '../../src/api/gen/job/v1/types';
import type { Failure } from '../../src/api/gen/media/v1/media';

const MS = 1_000_000n;

/** Formats as the services name them. */
export const formats: Format[] = [
  {
    name: 'mp4',
    mimeTypes: ['video/mp4', 'video/quicktime', 'audio/mp4'],
    extensions: ['mp4', 'mov', 'm4a'],
  },
  { name: 'wav', mimeTypes: ['audio/wav', 'audio/x-wav'], extensions: ['wav', 'bwf', 'rf64'] },
  { name: 'gsf', mimeTypes: ['application/x-ips-gsf'], extensions: ['gsf'] },
];

const names = [
  'evening_news_2026-11-20.mov',
  'bbb_prog_10s.mp4',
  'interview_cam_a.mp4',
  'interview_cam_b.mp4',
  'parliament_live_floor.gsf',
  'atmos_forest_night.wav',
  'trailer_master_v7.mov',
  'regional_sport_02.mp4',
  'voiceover_take_12.wav',
  'documentary_reel_4.mov',
];

const failures: Failure[] = [
  {
    code: 'media_truncated',
    message: 'the moov box is missing: the file ends at byte 73,400,320 inside mdat',
    fault: 'customer',
    retryable: false,
  },
  {
    code: 'source_unreachable',
    message: 'GET https://cdn.example.com/film.mp4 answered 503 three times',
    fault: 'customer',
    retryable: true,
  },
];

const mulberry = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

/** id makes a UUID out of a kind and a number. */
export const id = (kind: string, n: number) =>
  `${kind}${n.toString(16).padStart(8 - kind.length, '0')}-7c1e-5f3a-9b20-4d1a6e${n.toString(16).padStart(6, '0')}`;

function stateOf(n: number, random: number): JobState {
  if (n === 0) return JobState.READING;
  if (n === 2) return JobState.READING;
  if (n === 3) return JobState.CHUNKING;
  if (n === 4) return JobState.ANALYSING;
  if (n === 6 || n === 9) return JobState.FAILED;
  if (random < 0.03) return JobState.FAILED;
  return random < 0.05 ? JobState.CANCELLED : JobState.COMPLETED;
}

const started = BigInt(Date.now()) * MS;

function times(n: number, finished: boolean, took: bigint) {
  const createdUnixNs = started - BigInt(n) * 97_000n * MS - 40_000n * MS;
  return {
    createdUnixNs,
    updatedUnixNs: createdUnixNs + took,
    finishedUnixNs: finished ? createdUnixNs + took : 0n,
  };
}

/** specOf asks for one file, as a form would. */
export function specOf(url: string, label = ''): IngestSpec {
  const none = {
    tracks: [],
    timerange: '',
    flowIds: {},
    sourceIds: {},
    strict: false,
    newIds: false,
    tags: {},
  };
  return { url, mimeType: '', label, onFailure: OnFailure.DISCARD, ...none };
}

/** makeJobs makes n jobs, the newest first. */
export function makeJobs(n: number): Job[] {
  const random = mulberry(7);
  return Array.from({ length: n }, (_, i) => {
    const name = names[i % names.length] as string;
    const state = stateOf(i, random());
    const total = BigInt(Math.floor(20e6 + random() * 8e9));
    const chunksTotal = Math.max(1, Math.ceil(Number(total) / 100e6));
    const part = state === JobState.COMPLETED ? 1 : state >= JobState.READING ? 0.1 + random() * 0.5 : 0;
    const ended = state === JobState.COMPLETED || state >= JobState.FAILED;
    return Job.create({
      id: id('1', i + 1),
      tenant: 'north-tv',
      state,
      spec: specOf(`s3://uploads/north-tv/${i}/${name}`, i % 4 === 3 ? 'Tuesday, reel 2' : ''),
      run: 1,
      revision: 1n,
      chunksTotal: state >= JobState.READING ? chunksTotal : 0,
      chunksDone: Math.floor(chunksTotal * part),
      bytesTotal: state >= JobState.CHUNKING ? total : 0n,
      bytesDone: BigInt(Math.floor(Number(total) * part)),
      failure: state === JobState.FAILED ? failures[i % 2] : undefined,
      flowId: state >= JobState.READING && state !== JobState.FAILED ? id('f', i * 3 + 1) : '',
      flowIds: state >= JobState.READING ? [id('f', i * 3 + 2), id('f', i * 3 + 3)] : [],
      region: 'eu-north',
      ...times(i, ended, BigInt(Math.floor(2e9 + random() * 60e9))),
    });
  });
}

/** chunksOf lists a job's chunks in a state that fits its own. */
export function chunksOf(job: Job): ChunkProgress[] {
  const size = 100_000_000n;
  return Array.from({ length: job.chunksTotal }, (_, n) => {
    const at = n - job.chunksDone;
    const failed = job.state === JobState.FAILED && at === 0;
    const open = at < 0 ? 'done' : at < 4 ? 'running' : at < 12 ? 'queued' : 'waiting';
    return {
      number: n + 1,
      state: failed ? 'dead' : job.state === JobState.FAILED && at > 0 ? 'cancelled' : open,
      attempts: failed ? 3 : at < 4 ? 1 : 0,
      bytesTotal: size,
      bytesDone: at < 0 ? size : at < 4 ? size / BigInt(at + 2) : 0n,
      timerange: `[${n * 4}:0_${n * 4 + 4}:0)`,
      failure: failed ? job.failure : undefined,
    };
  });
}

/** traceOf tells the path of a job. */
export function traceOf(job: Job): TraceStep[] {
  const step = (
    ms: number,
    service: string,
    what: string,
    layer: string,
    took: number,
    detail = '',
  ): TraceStep => ({
    atUnixNs: job.createdUnixNs + BigInt(ms) * MS,
    service,
    what,
    layer,
    workId: id('3', ms + 1),
    epoch: 1,
    durationNs: BigInt(took) * MS,
    detail,
    run: job.run,
  });
  const steps = [
    step(0, 'job-api', 'created', 'job', 0),
    step(6, 'analyser', 'started', 'analyse', 0, 'analyser-0'),
    step(92, 'analyser', 'reported', 'analyse', 86, '2 tracks; 131 kB read'),
    step(97, 'chunker', 'started', 'chunk', 0, 'chunker-0'),
    step(168, 'chunker', 'reported', 'chunk', 71, `${job.chunksTotal} chunks`),
  ];
  for (let n = 0; n < Math.min(job.chunksTotal, 12); n++) {
    const at = 180 + Math.floor(n / 4) * 900 + (n % 4) * 30;
    steps.push(step(at, 'reader', 'started', 'read', 0, `chunk ${n + 1}, reader-${n % 4}`));
    if (n < job.chunksDone)
      steps.push(step(at + 800, 'reader', 'reported', 'read', 800, `chunk ${n + 1}, 100 MB`));
  }
  if (job.state === JobState.FAILED)
    steps.push(step(4000, 'reader', 'failed', 'read', 310, `${job.failure?.code}: ${job.failure?.message}`));
  if (job.state === JobState.COMPLETED) {
    steps.push(step(4100, 'media-store', 'closed', 'close', 24, '3 Flows closed'));
    steps.push(step(4126, 'job-api', 'completed', 'job', 0));
  }
  return steps.sort((a, b) => Number(a.atUnixNs - b.atUnixNs));
}
