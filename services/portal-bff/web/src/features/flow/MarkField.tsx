import { TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Clock } from '@/player/clock';
import classes from './FlowPage.module.css';

interface Props {
  name: 'In' | 'Out';
  keyName: string;
  clock: Clock;
  frame: number | undefined;
  fallback: number;
  /** The other mark, which this one may not cross. */
  limit: number | undefined;
  onChange: (frame: number | undefined) => void;
  /** Tells whether what is typed here cannot be a mark. */
  onWrong: (name: 'In' | 'Out', is: boolean) => void;
}

/**
 * MarkField takes a timecode or a TAI instant, and shows both. What cannot be a mark
 * stays as it was typed, with the reason below, until it is mended or Escape gives
 * the mark back; an empty field takes the mark away.
 */
export function MarkField({ name, keyName, clock, frame, fallback, limit, onChange, onWrong }: Props) {
  const marked = frame === undefined ? '' : clock.timecode(frame);
  const [text, setText] = useState(marked);
  useEffect(() => setText(marked), [marked]);
  const typed = text.trim();
  const parsed = typed === '' ? undefined : clock.parse(typed);
  const problem = typed === '' ? undefined : (clock.problem(typed) ?? crossing(name, parsed, limit));
  useEffect(() => onWrong(name, problem !== undefined), [onWrong, name, problem]);
  const commit = () => {
    if (problem) return;
    setText(parsed === undefined ? '' : clock.timecode(parsed));
    if (parsed !== frame) onChange(parsed);
  };
  const note = `mark-${name}-note`;
  return (
    <div className={classes.field}>
      <label className={classes.fieldLabel} htmlFor={`mark-${name}`}>
        {name} <kbd>{keyName}</kbd>
      </label>
      <TextInput
        id={`mark-${name}`}
        size="xs"
        value={text}
        placeholder={clock.timecode(fallback)}
        error={problem !== undefined}
        aria-describedby={note}
        onBlur={commit}
        onChange={(e) => setText(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === 'Enter' && !problem) e.currentTarget.blur();
          if (e.key === 'Escape') setText(marked);
        }}
      />
      <div
        id={note}
        className={classes.fieldNote}
        data-wrong={problem !== undefined}
        aria-live="polite"
        title={problem ? undefined : 'TAI, seconds:nanoseconds'}
      >
        {problem ?? clock.taiText(parsed ?? fallback)}
      </div>
    </div>
  );
}

function crossing(name: 'In' | 'Out', frame: number | undefined, limit: number | undefined) {
  if (limit === undefined || frame === undefined) return undefined;
  if (name === 'In' && frame > limit) return 'This is after the out mark.';
  if (name === 'Out' && frame < limit) return 'This is before the in mark.';
  return undefined;
}
