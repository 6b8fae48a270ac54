import type { ReactNode } from 'react';
import { sentence } from '@/api/errors';
import type { Job } from '@/api/gen/job/v1/types';
import type { Failure } from '@/api/gen/media/v1/media';
import { Problem } from '@/ui/Problem';
import page from '@/ui/page.module.css';
import { isRunning } from './jobState';

/** FailureNote says what failed, why, and what to do now. */
export function FailureNote({ job, failure, retry }: { job: Job; failure: Failure; retry: ReactNode }) {
  const title =
    failure.fault === 'customer' ? 'The file could not be ingested' : 'The platform failed this job';
  return (
    <Problem title={title} action={isRunning(job.state) ? undefined : retry}>
      <p>{sentence(failure.message)}</p>
      <p className={page.dim}>
        {nextStep(failure)} <code className={page.mono}>{failure.code}</code>
      </p>
    </Problem>
  );
}

function nextStep(failure: Failure): string {
  if (failure.fault !== 'customer')
    return 'The file is not to blame. A retry starts a new run with new Flows.';
  if (failure.retryable) return 'A retry may succeed once the source answers again.';
  return 'The same request will fail again, unless the file or its address is mended first.';
}
