import { Button } from '@mantine/core';
import { type ReactNode, useEffect, useState } from 'react';
import { type Fault, faultOf } from '@/api/errors';
import { program } from './format';
import { Icons } from './icons';
import classes from './states.module.css';

/** Empty says what belongs here, and offers the first thing to do. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={classes.center}>
      <div className={classes.grain} aria-hidden="true" />
      <h2 className={classes.title}>{title}</h2>
      {children && <div className={classes.text}>{children}</div>}
      {action && <div className={classes.action}>{action}</div>}
    </div>
  );
}

const nextSteps: Record<string, string> = {
  customer: 'It will fail the same way until the cause is mended.',
  platform: 'The fault is ours. If it stays, the log of the service named by the code says more.',
  network: `It is tried again by itself. Check that the mesh is up: ${program} status.`,
};

function nextStep(fault: Fault): string | undefined {
  if (fault.code.endsWith('not_found')) return 'It may have been deleted, or belong to another tenant.';
  return nextSteps[fault.fault];
}

/** Failed says what went wrong, why, and what to do now. */
export function Failed({ what, error, onRetry }: { what: string; error: unknown; onRetry?: () => void }) {
  const fault = faultOf(error);
  return (
    <div className={classes.center} role="alert">
      <Icons.Alert size={26} className={classes.alert} />
      <h2 className={classes.title}>{fault.fault === 'network' ? 'Grainmesh cannot be reached' : what}</h2>
      <div className={classes.text}>
        <p>{fault.message}</p>
        <p className={classes.next}>{nextStep(fault)}</p>
        <code className={classes.code}>{fault.code}</code>
      </div>
      {onRetry && fault.retryable && (
        <div className={classes.action}>
          <Button variant="default" leftSection={<Icons.Retry size={15} />} onClick={onRetry}>
            Try again
          </Button>
        </div>
      )}
    </div>
  );
}

/** useLate turns true when something has been on for longer than a blink. */
export function useLate(on: boolean, afterMs = 200): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!on) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), afterMs);
    return () => clearTimeout(timer);
  }, [on, afterMs]);
  return on && late;
}

/** SkeletonRows stands in for a list that takes longer than 200 ms to come. */
export function SkeletonRows({ rows = 12 }: { rows?: number }) {
  const late = useLate(true);
  if (!late) return null;
  return (
    <div role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={i} className={classes.skeletonRow}>
          <span className={classes.bone} style={{ width: `${36 - ((i * 7) % 17)}%` }} />
          <span className={classes.bone} style={{ width: '9%' }} />
          <span className={classes.bone} style={{ width: '14%' }} />
        </div>
      ))}
    </div>
  );
}
