import classes from './StateBadge.module.css';

/** What a state means to the eye. */
export type Tone = 'running' | 'done' | 'waiting' | 'failed' | 'ended';

const signs: Record<Tone, string> = { running: '', done: '✓', waiting: '·', failed: '!', ended: '–' };

/** StateBadge shows a state by colour, sign and word, never by colour alone. */
export function StateBadge({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={classes.badge} data-tone={tone}>
      <span className={classes.sign} aria-hidden="true">
        {signs[tone]}
      </span>
      {children}
    </span>
  );
}
