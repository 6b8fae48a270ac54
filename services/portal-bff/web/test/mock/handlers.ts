import type { ProbeResponse } from '../../src/api/gen/analyser/v1/analyser';
import type * as j from '../../src/api/gen/job/v1/jobs';
import type { Job } from '../../src/api/gen/job/v1/types';
import { JobState } from '../../src/api/gen/job/v1/types';
import type * as f from '../../src/api/gen/mediastore/v1/flows';
import type * as p from '../../src/api/gen/portal/v1/portal';
import { parseRange } from '../../src/player/mediatime';
import { grainsOf } from './flows';
import { chunksOf, formats, traceOf } from './jobs';
import { prepareMedia } from './media';
import { world } from './world';

/** MockFault is an error as the services answer it. */
export class MockFault extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly twirp = 'not_found',
    readonly status = 404,
  ) {
    super(message);
  }

  get meta() {
    return { code: this.code, fault: 'customer', retryable: 'false' };
  }
}

function found<T>(value: T | undefined, what: string, id: string): T {
  if (value === undefined) throw new MockFault(`no ${what} has the id ${id}`, `${what}_not_found`);
  return value;
}

function paged<T>(all: T[], size: number, token: string): [T[], string] {
  const from = Number(token || 0);
  const to = from + (size || 100);
  return [all.slice(from, to), to < all.length ? String(to) : ''];
}

const hit = (text: string, ...fields: string[]) =>
  fields.join(' ').toLowerCase().includes(text.toLowerCase());

function listJobs(r: j.ListJobsRequest) {
  let all = world.jobs.filter(
    (job) =>
      (r.states.length === 0 || r.states.includes(job.state)) &&
      hit(r.text, job.spec?.label ?? '', job.spec?.url ?? ''),
  );
  if (r.oldestFirst) all = all.toReversed();
  const [jobs, nextPageToken] = paged(all, r.pageSize, r.pageToken);
  return { jobs, nextPageToken };
}

function listFlows(r: f.ListFlowsRequest) {
  const all = world.flows.filter(
    (x) =>
      (!r.topLevel || x.collectedBy.length === 0) &&
      (r.format === '' || x.format === r.format) &&
      (r.sourceId === '' || x.sourceId === r.sourceId) &&
      (r.jobId === '' || x.jobId === r.jobId) &&
      hit(r.text, x.label, x.codec, x.id),
  );
  const [flows, nextPageToken] = paged(all, r.pageSize, r.pageToken);
  return { flows, nextPageToken };
}

function getFlow(r: f.GetFlowRequest) {
  const flow = found(world.flow(r.id), 'flow', r.id);
  const members = flow.collection.map((c) => world.flow(c.flowId)).filter((x) => x !== undefined);
  return { flow, members, segments: 12n, objects: 12n, bytes: 5_253_880n, grains: 240n };
}

function createJob(r: j.CreateJobRequest) {
  if (r.spec?.url.includes('broken'))
    throw new MockFault(
      'url: nothing answers at that address',
      'source_unreachable',
      'invalid_argument',
      400,
    );
  return { job: world.add(r) };
}

type Handler = (r: never) => object | Promise<object>;

/** What each method answers, by name; names are unique among the services. */
export const handlers: Record<string, Handler> = {
  CreateJob: createJob,
  GetJob: (r: j.GetJobRequest) => ({ job: found(world.job(r.id), 'job', r.id) }),
  ListJobs: listJobs,
  CancelJob: (r: j.CancelJobRequest) => ({ job: world.move(r.id, JobState.CANCELLED) as Job }),
  RetryJob: (r: j.RetryJobRequest) => ({ job: world.move(r.id, JobState.READING) as Job }),
  ListChunks: (r: j.ListChunksRequest) => ({ chunks: chunksOf(found(world.job(r.jobId), 'job', r.jobId)) }),
  TraceJob: (r: j.TraceJobRequest) => ({
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    steps: traceOf(found(world.job(r.id), 'job', r.id)),
  }),
  ListFormats: () => ({ formats }),
  ListFlows: listFlows,
  GetFlow: getFlow,
  ListGrains: (r: f.ListGrainsRequest) => ({
    grains: grainsOf(found(world.flow(r.flowId), 'flow', r.flowId), parseRange(r.timerange)),
  }),
  ListSources: (r: f.ListSourcesRequest) => {
    const all = world.sources.filter(
      (s) => (r.format === '' || s.format === r.format) && hit(r.text, s.label, s.id),
    );
    const [sources, nextPageToken] = paged(all, r.pageSize, r.pageToken);
    return { sources, nextPageToken };
  },
  GetLinks: async () => ({ hlsUrl: await prepareMedia(), expiresUnixNs: 0n, unplayable: [] }),
  Me: () => ({
    user: 'admin',
    tenant: 'north-tv',
    scopes: ['read', 'write', 'delete', 'admin'],
    version: '0.1.0',
    region: 'eu-north',
  }),
  StartUpload: (r: p.StartUploadRequest) => {
    const partSize = 16n * 1024n * 1024n;
    const whole = r.size <= partSize;
    return {
      uploadId: 'up-1',
      putUrl: whole ? '/upload/whole' : '',
      partSize,
      parts: whole ? 1 : Number((r.size + partSize - 1n) / partSize),
    };
  },
  SignParts: (r: p.SignPartsRequest) => ({
    urls: Object.fromEntries(r.parts.map((n) => [n, `/upload/${n}`])),
  }),
  CompleteUpload: () => ({ url: 's3://uploads/north-tv/up-1/film.mp4' }),
  AbortUpload: () => ({}),
  Probe: (): ProbeResponse => ({ analysis: world.jobs[0]?.analysis, bytesRead: 65_536n }),
};
