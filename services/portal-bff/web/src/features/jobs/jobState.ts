import { type Job, JobState } from '@/api/gen/job/v1/types';
import { fileName } from '@/ui/format';
import type { Tone } from '@/ui/StateBadge';

/** How each state is called, how it looks, and its name in an address. */
const states: Record<JobState, { word: string; tone: Tone; slug: string }> = {
  [JobState.UNSPECIFIED]: { word: 'Unknown', tone: 'waiting', slug: '' },
  [JobState.ANALYSING]: { word: 'Analysing', tone: 'running', slug: 'analysing' },
  [JobState.CHUNKING]: { word: 'Chunking', tone: 'running', slug: 'chunking' },
  [JobState.READING]: { word: 'Reading', tone: 'running', slug: 'reading' },
  [JobState.CLOSING]: { word: 'Closing', tone: 'running', slug: 'closing' },
  [JobState.COMPLETED]: { word: 'Completed', tone: 'done', slug: 'completed' },
  [JobState.DISCARDING]: { word: 'Discarding', tone: 'failed', slug: 'discarding' },
  [JobState.FAILED]: { word: 'Failed', tone: 'failed', slug: 'failed' },
  [JobState.CANCELLED]: { word: 'Cancelled', tone: 'ended', slug: 'cancelled' },
};

/** stateWord is what people call a state. */
export const stateWord = (s: JobState): string => states[s].word;

/** stateTone is what a state means to the eye. */
export const stateTone = (s: JobState): Tone => states[s].tone;

/** Groups of states that the list can be narrowed to. */
export const stateFilters = [
  { value: '', label: 'All', states: [] },
  {
    value: 'running',
    label: 'Running',
    states: [JobState.ANALYSING, JobState.CHUNKING, JobState.READING, JobState.CLOSING, JobState.DISCARDING],
  },
  { value: 'completed', label: 'Completed', states: [JobState.COMPLETED] },
  { value: 'failed', label: 'Failed', states: [JobState.FAILED] },
  { value: 'cancelled', label: 'Cancelled', states: [JobState.CANCELLED] },
];

/** isRunning says that a job has not ended. */
export function isRunning(s: JobState): boolean {
  return s >= JobState.ANALYSING && s !== JobState.COMPLETED && s < JobState.FAILED;
}

/** jobTitle is what people call a job: its label, or the name of its file. */
export function jobTitle(job: Job): string {
  return job.spec?.label || fileName(job.spec?.url ?? job.id);
}
