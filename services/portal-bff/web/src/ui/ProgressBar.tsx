import { percent } from './format';
import classes from './ProgressBar.module.css';

interface Props {
  done: bigint | number;
  total: bigint | number;
  label: string;
  tone?: 'running' | 'done' | 'failed';
  /** Leave out the figure on the right. */
  bare?: boolean;
}

/** ProgressBar fills without moving its neighbours; its figure has a fixed width. */
export function ProgressBar({ done, total, label, tone = 'running', bare = false }: Props) {
  const value = percent(done, total);
  const known = Number(total) > 0;
  return (
    <span className={classes.root} data-tone={tone}>
      <span
        className={classes.track}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={known ? value : undefined}
      >
        <span
          className={classes.fill}
          data-unknown={!known}
          style={{ width: known ? `${value}%` : '100%' }}
        />
      </span>
      {!bare && <span className={classes.figure}>{known ? `${value}%` : ''}</span>}
    </span>
  );
}
