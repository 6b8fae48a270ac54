import { Autocomplete, Checkbox, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { formatsQuery } from '@/api/queries';
import { Icons } from '@/ui/icons';
import classes from './NewJobPage.module.css';
import type { Draft, Problems } from './request';

interface Props {
  draft: Draft;
  problems: Problems;
  change: (part: Partial<Draft>) => void;
}

const origins: { value: Draft['origin']; label: string }[] = [
  { value: 'zero', label: 'Zero of the file’s time line' },
  { value: 'timecode', label: 'Start timecode' },
  { value: 'creation_time', label: 'Creation time' },
  { value: 'explicit', label: 'A TAI instant' },
];

/** MoreOptions folds away what most jobs do not need. */
export function MoreOptions(props: Props) {
  const [open, setOpen] = useState(false);
  // A fold never hides a field that is wrong.
  const wrong = Object.keys(props.problems).some((k) => k !== 'url');
  return (
    <div className={classes.more}>
      <button
        type="button"
        className={classes.toggle}
        aria-expanded={open || wrong}
        onClick={() => setOpen(!open)}
      >
        <Icons.Chevron size={14} /> More
      </button>
      {(open || wrong) && <Options {...props} />}
    </div>
  );
}

function Options({ draft, problems, change }: Props) {
  const formats = useQuery(formatsQuery);
  return (
    <div className={classes.options}>
      <Autocomplete
        label="MIME type"
        description="Found out from the file's first bytes, if empty."
        data={formats.data?.flatMap((f) => f.mimeTypes) ?? []}
        value={draft.mimeType}
        error={problems.mimeType}
        onChange={(mimeType) => change({ mimeType })}
      />
      <TextInput
        label="Tracks"
        description="Numbers, such as 1, 2. All that can be taken, if empty."
        value={draft.tracks}
        error={problems.tracks}
        onChange={(e) => change({ tracks: e.currentTarget.value })}
      />
      <TextInput
        className={classes.wide}
        label="Time range"
        description="Part of the file's own time line, such as [10:0_25:0). All of it, if empty."
        value={draft.timerange}
        error={problems.timerange}
        onChange={(e) => change({ timerange: e.currentTarget.value })}
      />
      <Select
        label="Origin"
        description="Which instant of TAI the file's start becomes."
        data={origins}
        allowDeselect={false}
        value={draft.origin}
        onChange={(v) => change({ origin: (v ?? 'zero') as Draft['origin'] })}
      />
      <OriginDetail draft={draft} problems={problems} change={change} />
      <Select
        label="If the job fails"
        description="What becomes of what it wrote."
        data={[
          { value: 'discard', label: 'Take it back' },
          { value: 'keep', label: 'Keep what is whole' },
        ]}
        allowDeselect={false}
        value={draft.onFailure}
        onChange={(v) => change({ onFailure: (v ?? 'discard') as Draft['onFailure'] })}
      />
      <Checkbox
        mt={24}
        label="Strict"
        description="Fail if any track cannot be taken."
        checked={draft.strict}
        onChange={(e) => change({ strict: e.currentTarget.checked })}
      />
      <TextInput
        label="Tags"
        description="For all its Flows, such as reel=A1, note=final."
        value={draft.tags}
        error={problems.tags}
        onChange={(e) => change({ tags: e.currentTarget.value })}
      />
      <TextInput
        label="Priority"
        description="Higher goes first within the tenant. 0, if empty."
        value={draft.priority}
        error={problems.priority}
        onChange={(e) => change({ priority: e.currentTarget.value })}
      />
      <Checkbox
        className={classes.wide}
        label="New ids"
        description="Give new ids to Flows that a GSF file names, for a file that was ingested before."
        checked={draft.newIds}
        onChange={(e) => change({ newIds: e.currentTarget.checked })}
      />
    </div>
  );
}

function OriginDetail({ draft, problems, change }: Props) {
  if (draft.origin === 'timecode')
    return (
      <TextInput
        label="Date"
        description="Of the timecode, YYYY-MM-DD. 1970-01-01, if empty."
        value={draft.originDate}
        error={problems.originDate}
        onChange={(e) => change({ originDate: e.currentTarget.value })}
      />
    );
  if (draft.origin === 'explicit')
    return (
      <TextInput
        label="Instant"
        description="TAI, seconds:nanoseconds."
        value={draft.originTime}
        error={problems.originTime}
        onChange={(e) => change({ originTime: e.currentTarget.value })}
      />
    );
  return <span />;
}
