import { Button, Group, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from 'react-router';
import { api } from '@/api/client';
import { faultOf } from '@/api/errors';
import { type Job, JobState } from '@/api/gen/job/v1/types';
import { chunksQuery, jobQuery, mergeJob, traceQuery } from '@/api/queries';
import { CopyLine } from '@/ui/CopyLine';
import { usePageName } from '@/ui/crumbs';
import { bytes, fileName, program, when, whenFull } from '@/ui/format';
import { Icons } from '@/ui/icons';
import page from '@/ui/page.module.css';
import { StateBadge } from '@/ui/StateBadge';
import { Failed, SkeletonRows } from '@/ui/states';
import { ChunkGrid } from './ChunkGrid';
import { FailureNote } from './FailureNote';
import classes from './JobPage.module.css';
import { JobSteps } from './JobSteps';
import { isRunning, jobTitle, stateTone, stateWord } from './jobState';
import { ResultFlows } from './ResultFlows';
import { TraceList } from './TraceList';

/** JobPage shows one job: where it stands, what it made, and its whole path. */
export function JobPage() {
  const { id = '' } = useParams();
  const job = useQuery(jobQuery(id));
  usePageName(job.data ? jobTitle(job.data) : id.slice(0, 8), { label: 'Jobs', to: '/jobs' });
  if (job.isPending) return <SkeletonRows rows={6} />;
  if (job.isLoadingError)
    return <Failed what="The job cannot be shown" error={job.error} onRetry={() => job.refetch()} />;
  return <JobView job={job.data} />;
}

function JobView({ job }: { job: Job }) {
  const chunks = useQuery({ ...chunksQuery(job.id), enabled: job.chunksTotal > 0 });
  const trace = useQuery(traceQuery(job.id));
  return (
    <div className={page.scrollPage}>
      <div className={page.column}>
        <header className={classes.header}>
          <div className={classes.name}>
            <h1 className={page.title}>{jobTitle(job)}</h1>
            <div className={classes.sub}>
              <StateBadge tone={stateTone(job.state)}>{stateWord(job.state)}</StateBadge>
              {job.run > 1 && <span>run {job.run}</span>}
              <span title={whenFull(job.createdUnixNs)}>created {when(job.createdUnixNs)}</span>
              {job.bytesTotal > 0n && <span>{bytes(job.bytesTotal)}</span>}
              <span className={page.mono}>{job.id}</span>
            </div>
          </div>
          <Actions job={job} />
        </header>
        <JobSteps job={job} trace={trace.data?.steps ?? []} />
        {job.failure && <FailureNote job={job} failure={job.failure} retry={<RetryButton job={job} />} />}
        <ResultFlows job={job} />
        {chunks.data && chunks.data.chunks.length > 0 && (
          <ChunkGrid chunks={chunks.data.chunks} total={job.chunksTotal} />
        )}
        <TraceList trace={trace} />
        <Request job={job} />
      </div>
    </div>
  );
}

function useJobAction(call: (id: string) => Promise<Job | undefined>, failed: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: call,
    onSuccess: (job) => job && mergeJob(client, job),
    onError: (err) => {
      const { message, code } = faultOf(err);
      notifications.show({ color: 'red', title: failed, message: `${message} (${code})` });
    },
  });
}

const retry = async (id: string) => (await api.jobs.retryJob({ id })).response.job;
const cancel = async (id: string) => (await api.jobs.cancelJob({ id })).response.job;

function RetryButton({ job }: { job: Job }) {
  const action = useJobAction(retry, 'The job was not started again');
  const hopeless = job.failure !== undefined && !job.failure.retryable;
  return (
    <Button
      variant={hopeless ? 'subtle' : job.failure ? 'filled' : 'default'}
      color={hopeless ? 'gray' : undefined}
      leftSection={<Icons.Retry size={15} />}
      loading={action.isPending}
      onClick={() => action.mutate(job.id)}
    >
      {hopeless ? 'Retry anyway' : 'Retry'}
    </Button>
  );
}

function Actions({ job }: { job: Job }) {
  const action = useJobAction(cancel, 'The job was not cancelled');
  const [asking, { open, close }] = useDisclosure(false);
  if (job.state === JobState.CANCELLED) return <RetryButton job={job} />;
  if (!isRunning(job.state) || job.state === JobState.DISCARDING) return null;
  return (
    <>
      <Button variant="default" loading={action.isPending} onClick={open}>
        Cancel job
      </Button>
      <Modal opened={asking} onClose={close} title="Cancel this job?" centered withCloseButton={false}>
        <p>It stops, and what it wrote is taken back.</p>
        <Group justify="flex-end" mt={16}>
          <Button variant="default" onClick={close} data-autofocus>
            Let it run
          </Button>
          <Button
            color="red"
            onClick={() => {
              close();
              action.mutate(job.id);
            }}
          >
            Cancel the job
          </Button>
        </Group>
      </Modal>
    </>
  );
}

function Request({ job }: { job: Job }) {
  const { spec } = job;
  if (!spec) return null;
  return (
    <section className={page.section}>
      <h2 className={page.heading}>Request</h2>
      <dl className={page.facts}>
        <dt>File</dt>
        <dd>{fileName(spec.url)}</dd>
        <dt>URL</dt>
        <dd className={page.mono}>{spec.url}</dd>
        <dt>MIME type</dt>
        <dd>{spec.mimeType || job.analysis?.mimeType || 'found out from the file'}</dd>
        {spec.tracks.length > 0 && (
          <>
            <dt>Tracks</dt>
            <dd>{spec.tracks.join(', ')}</dd>
          </>
        )}
        {spec.timerange !== '' && (
          <>
            <dt>Time range</dt>
            <dd className={page.mono}>{spec.timerange}</dd>
          </>
        )}
        <dt>Command line</dt>
        <dd>
          <CopyLine label="command" prompt text={`${program} job watch ${job.id}`} />
        </dd>
      </dl>
    </section>
  );
}
