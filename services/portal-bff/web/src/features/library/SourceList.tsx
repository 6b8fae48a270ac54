import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Source } from '@/api/gen/media/v1/media';
import { sourcesQuery } from '@/api/queries';
import { type Column, DataTable } from '@/ui/DataTable';
import { FormatIcon, formatName } from '@/ui/flows';
import { when, whenFull } from '@/ui/format';
import page from '@/ui/page.module.css';
import { Empty, Failed, SkeletonRows } from '@/ui/states';

/** SourceList lists Sources; each leads to the Flows that represent it. */
export function SourceList({ filter }: { filter: { text: string; format: string } }) {
  const sources = useInfiniteQuery(sourcesQuery(filter));
  const rows = useMemo(() => sources.data?.pages.flatMap((p) => p.sources) ?? [], [sources.data]);
  if (sources.isPending) return <SkeletonRows />;
  if (sources.isError && rows.length === 0)
    return (
      <Failed
        what="The Sources could not be listed"
        error={sources.error}
        onRetry={() => sources.refetch()}
      />
    );
  if (rows.length === 0)
    return (
      <Empty title="No Source here">
        <p>A Source is a piece of content; the Flows of the library represent it.</p>
      </Empty>
    );
  return (
    <DataTable
      label="Sources"
      columns={columns}
      rows={rows}
      rowKey={(s) => s.id}
      rowHref={(s) => `/library?source=${s.id}`}
      hasMore={sources.hasNextPage && !sources.isFetchingNextPage}
      loadMore={sources.fetchNextPage}
    />
  );
}

const columns: Column<Source>[] = [
  {
    key: 'label',
    header: 'Source',
    width: 'minmax(200px, 2fr)',
    cell: (s) => (
      <>
        <FormatIcon format={s.format} />
        <span className={page.ellipsis}>{s.label || s.id}</span>
      </>
    ),
  },
  { key: 'format', header: 'Format', width: '96px', cell: (s) => formatName(s.format) },
  {
    key: 'id',
    header: 'Id',
    width: 'minmax(280px, 1fr)',
    cell: (s) => <span className={`${page.mono} ${page.dim}`}>{s.id}</span>,
  },
  {
    key: 'created',
    header: 'Created',
    width: '120px',
    cell: (s) => (
      <span className={page.dim} title={whenFull(s.createdUnixNs)}>
        {when(s.createdUnixNs)}
      </span>
    ),
  },
];
