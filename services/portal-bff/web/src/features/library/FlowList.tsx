import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { Link } from 'react-router';
import type { Flow } from '@/api/gen/media/v1/media';
import { type FlowFilter, flowsQuery } from '@/api/queries';
import { type Column, DataTable } from '@/ui/DataTable';
import { codecName, essenceFacts, FormatIcon, flowState, formatName, lengthText } from '@/ui/flows';
import { bitRate, count, when, whenFull } from '@/ui/format';
import page from '@/ui/page.module.css';
import { StateBadge } from '@/ui/StateBadge';
import { Empty, Failed, SkeletonRows } from '@/ui/states';
import { useUrlState } from '@/ui/useUrlState';
import { type Order, sortRows } from './order';

/** FlowList lists Flows; only whole ones unless a format is asked for. */
export function FlowList({ filter }: { filter: FlowFilter }) {
  const flows = useInfiniteQuery(flowsQuery(filter));
  const [order, setOrder] = useUrlState('order', 'server');
  const rows = useMemo(() => {
    const all = flows.data?.pages.flatMap((p) => p.flows) ?? [];
    return sortRows(
      all,
      order as Order,
      (f) => f.label || f.id,
      (f) => f.createdUnixNs,
    );
  }, [flows.data, order]);
  const columns = useMemo(() => makeColumns(order as Order, setOrder), [order, setOrder]);
  if (flows.isPending) return <SkeletonRows />;
  if (flows.isError && rows.length === 0)
    return (
      <Failed what="The Flows could not be listed" error={flows.error} onRetry={() => flows.refetch()} />
    );
  if (rows.length === 0)
    return <NoFlows filtered={filter.text !== '' || filter.format !== '' || filter.sourceId !== ''} />;
  return (
    <DataTable
      label="Flows"
      columns={columns}
      rows={rows}
      rowKey={(f) => f.id}
      rowHref={(f) => `/flows/${f.id}`}
      hasMore={flows.hasNextPage && !flows.isFetchingNextPage}
      loadMore={flows.fetchNextPage}
    />
  );
}

function NoFlows({ filtered }: { filtered: boolean }) {
  if (filtered)
    return (
      <Empty
        title="No Flow fits"
        action={
          <Button component={Link} to="/library" variant="default">
            Show the whole library
          </Button>
        }
      />
    );
  return (
    <Empty
      title="The library is empty"
      action={
        <Button component={Link} to="/jobs/new">
          Ingest a file
        </Button>
      }
    >
      <p>
        What a job brings in stands here as Flows: one for the picture, one for each sound, one for all
        together.
      </p>
    </Empty>
  );
}

function makeColumns(order: Order, setOrder: (v: string) => void): Column<Flow>[] {
  const byName = order === 'name';
  const byAge = order === 'oldest' ? 'ascending' : order === 'newest' ? 'descending' : 'none';
  return [
    {
      key: 'label',
      header: 'Flow',
      width: 'minmax(110px, 3fr)',
      sort: { direction: byName ? 'ascending' : 'none', toggle: () => setOrder(byName ? 'server' : 'name') },
      cell: (f) => (
        <>
          <FormatIcon format={f.format} />
          <span className={page.ellipsis}>{f.label || f.id}</span>
        </>
      ),
    },
    { key: 'status', header: 'Status', width: '112px', cell: (f) => <Status flow={f} /> },
    {
      key: 'codec',
      header: 'Codec',
      wideOnly: true,
      width: '112px',
      cell: (f) => codecName(f.codec) || formatName(f.format),
    },
    {
      key: 'facts',
      header: 'Essence',
      wideOnly: true,
      width: 'minmax(130px, 1fr)',
      cell: (f) => (
        <span className={page.dim}>
          {f.collection.length > 0 ? count(f.collection.length, 'member') : essenceFacts(f)}
        </span>
      ),
    },
    {
      key: 'length',
      header: 'Duration',
      width: '100px',
      wideOnly: true,
      align: 'right',
      cell: (f) => <span title={f.timerange}>{lengthText(f)}</span>,
    },
    {
      key: 'rate',
      header: 'Bit rate',
      wideOnly: true,
      width: '84px',
      align: 'right',
      cell: (f) => (f.avgBitRate > 0n ? bitRate(f.avgBitRate) : ''),
    },
    {
      key: 'created',
      header: 'Created',
      wideOnly: true,
      width: '120px',
      sort: { direction: byAge, toggle: () => setOrder(order === 'newest' ? 'oldest' : 'newest') },
      cell: (f) => (
        <span className={page.dim} title={whenFull(f.createdUnixNs)}>
          {when(f.createdUnixNs)}
        </span>
      ),
    },
  ];
}

function Status({ flow }: { flow: Flow }) {
  const { word, tone } = flowState(flow.status);
  return <StateBadge tone={tone}>{word}</StateBadge>;
}
