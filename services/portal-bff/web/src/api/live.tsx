import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from 'react';
import { EventFeed, type EventHandlers, type Liveness } from './events';
import type { JobProgressed } from './gen/job/v1/events';
import type { Job } from './gen/job/v1/types';
import { forgetFlow, mergeFlow, mergeJob } from './queries';
import { throttled } from './throttle';

/** How often what a job's page shows besides its progress is asked for while the job moves. */
const DETAIL_MS = 1000;

/** The last word on each running job between two changes of it. */
class ProgressBook {
  private readonly byJob = new Map<string, JobProgressed>();
  private readonly watchers = new Set<() => void>();

  put(p: JobProgressed) {
    const known = this.byJob.get(p.jobId);
    if (known && known.atUnixNs > p.atUnixNs) return;
    this.byJob.set(p.jobId, p);
    for (const w of this.watchers) w();
  }

  drop(jobId: string) {
    this.byJob.delete(jobId);
  }

  readonly get = (jobId: string) => this.byJob.get(jobId);

  readonly subscribe = (watcher: () => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
}

interface Live {
  readonly feed: EventFeed;
  readonly progress: ProgressBook;
}

const LiveContext = createContext<Live | undefined>(undefined);

/** LiveProvider connects the pages below it to the server's events. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const live = useMemo(() => {
    const progress = new ProgressBook();
    return { progress, feed: new EventFeed(handlersFor(client, progress)) };
  }, [client]);
  useEffect(() => live.feed.start(), [live]);
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

function handlersFor(client: QueryClient, progress: ProgressBook): EventHandlers {
  // A refetch under way is left to end: else a slow one would never arrive.
  const refreshDetail = throttled(
    (jobId) => client.invalidateQueries({ queryKey: ['job-detail', jobId] }, { cancelRefetch: false }),
    DETAIL_MS,
  );
  return {
    job: ({ job }) => {
      if (!job) return;
      mergeJob(client, job);
      if (job.finishedUnixNs !== 0n) progress.drop(job.id);
      client.invalidateQueries({ queryKey: ['job-detail', job.id] });
    },
    progress: (e) => {
      progress.put(e);
      refreshDetail(e.jobId);
    },
    flow: (e) => e.flow && mergeFlow(client, e.flow),
    flowDeleted: (e) => forgetFlow(client, e.flowId),
    gap: () => askAgain(client),
  };
}

/** What events tell of. Links to play are not: a new one would start the player anew. */
const told = ['jobs', 'job', 'job-detail', 'flows', 'flow', 'sources'];

function askAgain(client: QueryClient) {
  for (const kind of told) client.invalidateQueries({ queryKey: [kind] });
}

function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error('useLive is for pages within LiveProvider');
  return live;
}

/** useLiveness tells whether what is on show is up to date. */
export function useLiveness(): Liveness {
  const { feed } = useLive();
  return useSyncExternalStore(feed.subscribe, feed.current);
}

/** What a progress bar needs. */
export interface Progress {
  readonly bytesTotal: bigint;
  readonly bytesDone: bigint;
  readonly chunksTotal: number;
  readonly chunksDone: number;
}

/** useProgress gives how far a job is, the newer of its row and its events. */
export function useProgress(job: Job): Progress {
  const { progress } = useLive();
  const event = useSyncExternalStore(
    progress.subscribe,
    useCallback(() => progress.get(job.id), [progress, job.id]),
  );
  return event && event.bytesDone >= job.bytesDone ? event : job;
}
