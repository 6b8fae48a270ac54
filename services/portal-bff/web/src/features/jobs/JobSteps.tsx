import type { TraceStep } from '@/api/gen/job/v1/jobs';
import { type Job, JobState } from '@/api/gen/job/v1/types';
import { useProgress } from '@/api/live';
import { bytes, count, elapsed } from '@/ui/format';
import { ProgressBar } from '@/ui/ProgressBar';
import { StateBadge, type Tone } from '@/ui/StateBadge';
import { Elapsed } from './Elapsed';
import classes from './JobPage.module.css';

type StepState = 'done' | 'now' | 'failed' | 'later';

const steps = [
  { name: 'Analyse', layer: 'analyse', state: JobState.ANALYSING, what: 'Find the tracks in the file' },
  { name: 'Chunk', layer: 'chunk', state: JobState.CHUNKING, what: 'Find where it can be split' },
  { name: 'Read', layer: 'read', state: JobState.READING, what: 'Bring the grains into the store' },
  { name: 'Close', layer: 'close', state: JobState.CLOSING, what: 'Mark the Flows complete' },
];

const tones: Record<StepState, Tone> = { done: 'done', now: 'running', failed: 'failed', later: 'waiting' };

/** JobSteps shows the way of a job through the layers of ingest. */
export function JobSteps({ job, trace }: { job: Job; trace: TraceStep[] }) {
  const current = trace.filter((t) => t.run === job.run || t.run === 0);
  return (
    <ol className={classes.steps} aria-label="Steps">
      {steps.map((step) => {
        const state = stepState(job, step.state, current);
        return (
          <li key={step.name} className={classes.step} data-state={state}>
            <div className={classes.stepHead}>
              <StateBadge tone={tones[state]}>{step.name}</StateBadge>
              {state === 'now' && <Elapsed since={startOf(current, step.layer) ?? job.updatedUnixNs} />}
              {state === 'done' && <span>{tookOf(current, step.layer)}</span>}
            </div>
            <div className={classes.stepNote}>
              {step.layer === 'read' && state !== 'later' ? (
                <ReadNote job={job} />
              ) : (
                noteOf(job, step.state) || step.what
              )}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function ReadNote({ job }: { job: Job }) {
  const p = useProgress(job);
  const failed = job.failure !== undefined;
  // A file's index is not part of any chunk: all is done before every byte is read.
  const whole = job.state === JobState.COMPLETED;
  return (
    <>
      <ProgressBar
        label="Bytes read"
        done={whole ? p.bytesTotal : p.bytesDone}
        total={p.bytesTotal}
        tone={failed ? 'failed' : whole ? 'done' : 'running'}
      />
      <div style={{ marginTop: 4 }}>
        {bytes(p.bytesDone)} of {bytes(p.bytesTotal)} · {p.chunksDone.toLocaleString('en-GB')} of{' '}
        {count(p.chunksTotal, 'chunk')}
      </div>
    </>
  );
}

function stepState(job: Job, step: JobState, trace: TraceStep[]): StepState {
  if (job.state === JobState.COMPLETED) return 'done';
  const running = job.state < JobState.COMPLETED;
  const reached = running ? job.state : reachedState(job, trace);
  if (step < reached) return 'done';
  if (step > reached) return 'later';
  return running ? 'now' : job.failure ? 'failed' : 'later';
}

/** reachedState is the step at which a job ended that did not complete. */
function reachedState(job: Job, trace: TraceStep[]): JobState {
  if (job.chunksTotal > 0) return job.chunksDone < job.chunksTotal ? JobState.READING : JobState.CLOSING;
  return trace.some((t) => t.layer === 'chunk') ? JobState.CHUNKING : JobState.ANALYSING;
}

function startOf(trace: TraceStep[], layer: string): bigint | undefined {
  return trace.find((t) => t.layer === layer)?.atUnixNs;
}

function tookOf(trace: TraceStep[], layer: string): string {
  const of = trace.filter((t) => t.layer === layer);
  const first = of[0];
  const last = of.at(-1);
  if (!first || !last) return '';
  const from = first.atUnixNs - (of.length === 1 ? first.durationNs : 0n);
  return elapsed(last.atUnixNs - from);
}

/** noteOf says what a step has found, once it has. */
function noteOf(job: Job, step: JobState): string {
  if (step === JobState.ANALYSING && job.analysis) {
    const taken = job.analysis.tracks.filter((t) => t.skipped === '').length;
    return `${count(taken, 'track')} of ${job.analysis.format.toUpperCase()}`;
  }
  if (step === JobState.CHUNKING && job.chunksTotal > 0) return count(job.chunksTotal, 'chunk');
  if (step === JobState.CLOSING && job.state === JobState.COMPLETED) return count(job.flowIds.length, 'Flow');
  return '';
}
