import type { JobProgressed } from '../../src/api/gen/job/v1/events';
import type { CreateJobRequest } from '../../src/api/gen/job/v1/jobs';
import { Job, JobState } from '../../src/api/gen/job/v1/types';
import type { Flow, Source } from '../../src/api/gen/media/v1/media';
import { flowsOf, sourceOf } from './flows';
import { id, makeJobs } from './jobs';

const JOBS = 3000;
const now = () => BigInt(Date.now()) * 1_000_000n;

/** World is all that the mock knows; running jobs move on with each tick. */
class World {
  jobs = makeJobs(JOBS);
  flows: Flow[] = this.jobs.slice(0, 400).flatMap((job, n) => (job.flowId !== '' ? flowsOf(job, n) : []));
  sources: Source[] = this.flows.map(sourceOf);

  job = (jobId: string) => this.jobs.find((x) => x.id === jobId);
  flow = (flowId: string) => this.flows.find((x) => x.id === flowId);

  add(r: CreateJobRequest): Job {
    const job = Job.create({
      ...{ id: id('1', this.jobs.length + 1), tenant: 'north-tv', state: JobState.ANALYSING, spec: r.spec },
      ...{ run: 1, revision: 1n, createdUnixNs: now(), updatedUnixNs: now(), region: 'eu-north' },
    });
    this.jobs.unshift(job);
    return job;
  }

  move(jobId: string, state: JobState): Job | undefined {
    const old = this.job(jobId);
    if (!old) return undefined;
    const ended = state === JobState.COMPLETED || state === JobState.CANCELLED;
    const job = {
      ...old,
      state,
      revision: old.revision + 1n,
      updatedUnixNs: now(),
      finishedUnixNs: ended ? now() : 0n,
    };
    if (state === JobState.READING) Object.assign(job, { failure: undefined, run: old.run + 1 });
    this.jobs = this.jobs.map((x) => (x.id === jobId ? job : x));
    return job;
  }

  tick(): JobProgressed[] {
    return this.jobs.filter((x) => x.state === JobState.READING).map((job) => this.advance(job));
  }

  private advance(job: Job): JobProgressed {
    job.bytesDone += job.bytesTotal / 400n;
    if (job.bytesDone > job.bytesTotal) job.bytesDone = job.bytesTotal;
    job.chunksDone = Math.floor((Number(job.bytesDone) / Number(job.bytesTotal)) * job.chunksTotal);
    if (job.bytesDone === job.bytesTotal) this.move(job.id, JobState.COMPLETED);
    const { tenant, bytesTotal, bytesDone, chunksTotal, chunksDone } = job;
    return { jobId: job.id, tenant, bytesTotal, bytesDone, chunksTotal, chunksDone, atUnixNs: now() };
  }
}

export const world = new World();
