import { memo } from 'react';
import type { ChunkProgress } from '@/api/gen/job/v1/types';
import { bytes, count } from '@/ui/format';
import page from '@/ui/page.module.css';
import classes from './JobPage.module.css';

const order = ['done', 'running', 'queued', 'waiting', 'dead', 'cancelled'];

/** ChunkGrid draws each chunk as a small cell, in the order of the file. */
export const ChunkGrid = memo(function ChunkGrid({
  chunks,
  total,
}: {
  chunks: ChunkProgress[];
  total: number;
}) {
  const counts = new Map<string, number>();
  for (const c of chunks) counts.set(c.state, (counts.get(c.state) ?? 0) + 1);
  return (
    <section className={page.section}>
      <h2 className={page.heading}>
        Chunks
        <span className={page.note}>
          {chunks.length < total ? `the first ${chunks.length} of ${total}` : count(total, 'chunk')}
        </span>
      </h2>
      <div className={classes.grid} role="img" aria-label={describe(counts)}>
        {chunks.map((c) => (
          <div key={c.number} className={classes.chunk} data-state={c.state} title={titleOf(c)}>
            {c.state === 'running' && c.bytesTotal > 0n && (
              <span
                className={classes.fill}
                style={{ width: `${Number((c.bytesDone * 100n) / c.bytesTotal)}%` }}
              />
            )}
          </div>
        ))}
      </div>
      <div className={classes.legend}>
        {order
          .filter((s) => counts.has(s))
          .map((s) => (
            <span key={s}>
              <i className={classes.chunk} data-state={s} />
              {counts.get(s)} {s}
            </span>
          ))}
      </div>
    </section>
  );
});

function describe(counts: Map<string, number>): string {
  return order
    .filter((s) => counts.has(s))
    .map((s) => `${counts.get(s)} ${s}`)
    .join(', ');
}

function titleOf(c: ChunkProgress): string {
  const parts = [`Chunk ${c.number}: ${c.state}`, `${bytes(c.bytesDone)} of ${bytes(c.bytesTotal)}`];
  if (c.timerange !== '') parts.push(c.timerange);
  if (c.attempts > 1) parts.push(`attempt ${c.attempts}`);
  if (c.failure) parts.push(`${c.failure.code}: ${c.failure.message}`);
  return parts.join('\n');
}
