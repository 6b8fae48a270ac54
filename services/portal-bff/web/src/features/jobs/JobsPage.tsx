import { Button, SegmentedControl } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { Link } from 'react-router';
import { type Job, JobState } from '@/api/gen/job/v1/types';
import { useProgress } from '@/api/live';
import { type JobFilter, jobsQuery } from '@/api/queries';
import { usePageName } from '@/ui/crumbs';
import { type Column, DataTable } from '@/ui/DataTable';
import { bytes, elapsed, fileName, when, whenFull } from '@/ui/format';
import { Icons } from '@/ui/icons';
import { ProgressBar } from '@/ui/ProgressBar';
import page from '@/ui/page.module.css';
import { SearchField } from '@/ui/SearchField';
import { StateBadge } from '@/ui/StateBadge';
import { Empty, Failed, SkeletonRows } from '@/ui/states';
import { useDelayedUrlState, useUrlState } from '@/ui/useUrlState';
import { Elapsed } from './Elapsed';
import { isRunning, jobTitle, stateFilters, stateTone, stateWord } from './jobState';

/** JobsPage lists jobs; they move by themselves while somebody looks. */
export function JobsPage() {
  usePageName('Jobs');
  const [state, setState] = useUrlState('state');
  const [text, typed, setTyped] = useDelayedUrlState('q');
  const [order, setOrder] = useUrlState('order', 'newest');
  const filter: JobFilter = useMemo(
    () => ({
      states: stateFilters.find((f) => f.value === state)?.states ?? [],
      text,
      oldestFirst: order === 'oldest',
    }),
    [state, text, order],
  );
  return (
    <div className={page.listPage}>
      <div className={page.toolbar}>
        <SegmentedControl
          aria-label="State"
          style={{ maxWidth: '100%', overflowX: 'auto' }}
          value={state}
          onChange={setState}
          data={stateFilters.map(({ value, label }) => ({ value, label }))}
        />
        <SearchField value={typed} onChange={setTyped} placeholder="Filter by label or URL" />
        <span className={page.spacer} />
        <NewJobButton />
      </div>
      <JobList filter={filter} order={order} setOrder={setOrder} />
    </div>
  );
}

function NewJobButton() {
  return (
    <Button component={Link} to="/jobs/new" leftSection={<Icons.Plus size={15} />}>
      New job
    </Button>
  );
}

function JobList({
  filter,
  order,
  setOrder,
}: {
  filter: JobFilter;
  order: string;
  setOrder: (v: string) => void;
}) {
  const jobs = useInfiniteQuery(jobsQuery(filter));
  const rows = useMemo(() => jobs.data?.pages.flatMap((p) => p.jobs) ?? [], [jobs.data]);
  const columns = useMemo(() => makeColumns(order, setOrder), [order, setOrder]);
  if (jobs.isPending) return <SkeletonRows />;
  if (jobs.isError && rows.length === 0)
    return <Failed what="The jobs could not be listed" error={jobs.error} onRetry={() => jobs.refetch()} />;
  if (rows.length === 0) return <NoJobs filter={filter} />;
  return (
    <DataTable
      label="Jobs"
      columns={columns}
      rows={rows}
      rowKey={(j) => j.id}
      rowHref={(j) => `/jobs/${j.id}`}
      hasMore={jobs.hasNextPage && !jobs.isFetchingNextPage}
      loadMore={jobs.fetchNextPage}
    />
  );
}

function NoJobs({ filter }: { filter: JobFilter }) {
  if (filter.text !== '' || filter.states.length > 0)
    return (
      <Empty
        title="No job fits"
        action={
          <Button component={Link} to="/jobs" variant="default">
            Show all jobs
          </Button>
        }
      >
        <p>
          {filter.text === '' ? 'No job is in this state now.' : 'Look for another word, or in all states.'}
        </p>
      </Empty>
    );
  return (
    <Empty title="No jobs yet" action={<NewJobButton />}>
      <p>
        A job brings a file into the store, from where any frame of it can be had. Start with a URL or a file.
      </p>
    </Empty>
  );
}

function makeColumns(order: string, setOrder: (v: string) => void): Column<Job>[] {
  const direction = order === 'oldest' ? 'ascending' : 'descending';
  const toggle = () => setOrder(order === 'oldest' ? 'newest' : 'oldest');
  return [
    { key: 'title', header: 'Job', width: 'minmax(160px, 3fr)', cell: (j) => <Title job={j} /> },
    {
      key: 'state',
      header: 'State',
      width: '116px',
      cell: (j) => <StateBadge tone={stateTone(j.state)}>{stateWord(j.state)}</StateBadge>,
    },
    {
      key: 'progress',
      header: 'Progress',
      width: 'minmax(150px, 1.6fr)',
      wideOnly: true,
      cell: (j) => <ProgressCell job={j} />,
    },
    {
      key: 'size',
      header: 'Size',
      width: '72px',
      wideOnly: true,
      align: 'right',
      cell: (j) => (j.bytesTotal > 0n ? bytes(j.bytesTotal) : ''),
    },
    {
      key: 'took',
      header: 'Took',
      width: '92px',
      wideOnly: true,
      align: 'right',
      cell: (j) => <Took job={j} />,
    },
    {
      key: 'created',
      header: 'Created',
      width: '120px',
      wideOnly: true,
      sort: { direction, toggle },
      cell: (j) => (
        <span className={page.dim} title={whenFull(j.createdUnixNs)}>
          {when(j.createdUnixNs)}
        </span>
      ),
    },
  ];
}

function Title({ job }: { job: Job }) {
  const name = fileName(job.spec?.url ?? '');
  const title = jobTitle(job);
  return (
    <span className={page.ellipsis}>
      {title} <span className={page.faint}>{title === name ? placeOf(job.spec?.url ?? '') : name}</span>
      {job.run > 1 && <span className={page.faint}> · run {job.run}</span>}
    </span>
  );
}

/** placeOf is where a file stands: what tells one x.mp4 from another. */
function placeOf(url: string): string {
  return url.split(/[?#]/)[0]?.replace(/^[a-z0-9+.-]+:\/\//i, '') ?? '';
}

function ProgressCell({ job }: { job: Job }) {
  const progress = useProgress(job);
  if (job.failure && job.state >= JobState.DISCARDING)
    return (
      <span className={`${page.mono} ${page.dim}`} title={job.failure.message}>
        {job.failure.code}
      </span>
    );
  if (!isRunning(job.state)) return null;
  return (
    <ProgressBar
      label={`Progress of ${jobTitle(job)}`}
      done={progress.bytesDone}
      total={progress.bytesTotal}
    />
  );
}

function Took({ job }: { job: Job }) {
  if (isRunning(job.state)) return <Elapsed since={job.createdUnixNs} />;
  return <span className={page.dim}>{elapsed(job.finishedUnixNs - job.createdUnixNs)}</span>;
}
