import { Button } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import type { TraceJobResponse, TraceStep } from '@/api/gen/job/v1/jobs';
import { elapsed, whenFull } from '@/ui/format';
import page from '@/ui/page.module.css';
import { Failed } from '@/ui/states';
import classes from './JobPage.module.css';

const FOLDED = 14;

/** TraceList shows the path of a job through all services, on one time line. */
export function TraceList({ trace }: { trace: UseQueryResult<TraceJobResponse> }) {
  const [all, setAll] = useState(false);
  if (trace.isError)
    return (
      <Failed what="The path of the job is not known" error={trace.error} onRetry={() => trace.refetch()} />
    );
  const steps = trace.data?.steps ?? [];
  const first = steps[0];
  if (!first) return null;
  const span = spanOf(steps);
  const shown = all || steps.length <= FOLDED + 2 ? steps : steps.slice(0, FOLDED);
  return (
    <section className={page.section}>
      <h2 className={page.heading}>
        Path <span className={page.note}>{elapsed(span.end - span.start)} through all services</span>
        <span className={page.spacer} />
        {trace.data?.traceId && (
          <span
            className={`${page.mono} ${page.faint} ${classes.traceId}`}
            title="Trace id, for the tracing backend"
          >
            {trace.data.traceId}
          </span>
        )}
      </h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section className={classes.traceBox} tabIndex={0} aria-label="Path">
        <table className={classes.trace}>
          <thead>
            <tr>
              <th scope="col" style={{ width: 84 }}>
                After
              </th>
              <th scope="col" style={{ width: 104 }}>
                Service
              </th>
              <th scope="col" style={{ width: 92 }}>
                What
              </th>
              <th scope="col" style={{ width: 76 }}>
                Took
              </th>
              <th scope="col">Detail</th>
              <th scope="col">
                <span className={page.faint}>0 to {elapsed(span.end - span.start)}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((s, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: steps have no id, and are only ever appended
              <Step key={i} step={s} span={span} />
            ))}
          </tbody>
        </table>
      </section>
      {shown.length < steps.length && (
        <Button variant="subtle" color="gray" mt={8} onClick={() => setAll(true)}>
          Show all {steps.length} steps
        </Button>
      )}
    </section>
  );
}

interface Span {
  readonly start: bigint;
  readonly end: bigint;
}

function spanOf(steps: TraceStep[]): Span {
  let start = startOf(steps[0] as TraceStep);
  let end = start + 1n;
  for (const s of steps) {
    if (startOf(s) < start) start = startOf(s);
    if (s.atUnixNs > end) end = s.atUnixNs;
  }
  return { start, end };
}

const startOf = (s: TraceStep) => s.atUnixNs - s.durationNs;

function kindOf(s: TraceStep): string {
  if (s.what.includes('fail') || s.what === 'dead') return 'failed';
  if (s.what === 'completed') return 'done';
  return s.durationNs > 0n ? 'work' : 'instant';
}

function Step({ step, span }: { step: TraceStep; span: Span }) {
  const total = Number(span.end - span.start);
  const left = (Number(startOf(step) - span.start) / total) * 100;
  const width = (Number(step.durationNs) / total) * 100;
  return (
    <tr>
      <td className={page.dim} title={whenFull(step.atUnixNs)}>
        {elapsed(step.atUnixNs - span.start)}
      </td>
      <td>{step.service}</td>
      <td>{step.what}</td>
      <td className={page.dim}>{step.durationNs > 0n ? elapsed(step.durationNs) : ''}</td>
      <td className={classes.detail} title={step.detail}>
        {step.detail}
      </td>
      <td>
        <div className={classes.lane}>
          <span
            className={classes.span}
            data-kind={kindOf(step)}
            style={{
              left: `min(${left}%, 100% - 3px)`,
              width: step.durationNs > 0n ? `${width}%` : undefined,
            }}
          />
        </div>
      </td>
    </tr>
  );
}
