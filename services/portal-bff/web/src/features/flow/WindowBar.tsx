import { ActionIcon, Button, Select, Tooltip } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { faultOf, sentence } from '@/api/errors';
import type { Flow } from '@/api/gen/media/v1/media';
import type { Clock } from '@/player/clock';
import { framesOf, type Marks, windowOf } from '@/player/marks';
import { formatRange } from '@/player/mediatime';
import { CopyLine } from '@/ui/CopyLine';
import { count } from '@/ui/format';
import { Icons } from '@/ui/icons';
import classes from './FlowPage.module.css';
import { MarkField } from './MarkField';
import { download, formatsFor, type Trim, windowCommand, windowUrl } from './window';

interface Props {
  flow: Flow;
  members: Flow[];
  clock: Clock;
  marks: Marks;
  onMarks: (marks: Marks) => void;
}

/** WindowBar marks a range exactly, and downloads it. */
export function WindowBar({ flow, members, clock, marks, onMarks }: Props) {
  const formats = formatsFor(flow, members);
  const [format, setFormat] = useState(formats[0]?.value ?? 'gsf');
  const [trim, setTrim] = useState<Trim>('exact');
  const [command, setCommand] = useState(false);
  const [wrong, setWrong] = useState({ In: false, Out: false });
  const tellWrong = useCallback(
    (name: 'In' | 'Out', is: boolean) => setWrong((old) => ({ ...old, [name]: is })),
    [],
  );
  const get = useMutation({ mutationFn: download });
  const range = formatRange(windowOf(marks, clock));
  const chosen = formats.find((f) => f.value === format);
  const cut = chosen?.hidesPreroll ? 'exact' : trim;
  const from = chosen?.flowId ?? flow.id;
  const marked = marks.in !== undefined || marks.out !== undefined;
  return (
    <section className={classes.window} aria-label="Window">
      <MarkField
        name="In"
        keyName="I"
        clock={clock}
        frame={marks.in}
        fallback={0}
        onChange={(n) => onMarks({ ...marks, in: n })}
        limit={marks.out}
        onWrong={tellWrong}
      />
      <MarkField
        name="Out"
        keyName="O"
        clock={clock}
        frame={marks.out}
        fallback={clock.length - 1}
        onChange={(n) => onMarks({ ...marks, out: n })}
        limit={marks.in}
        onWrong={tellWrong}
      />
      <Length clock={clock} marks={marks} marked={marked} onClear={() => onMarks({})} />
      <div className={classes.download}>
        {chosen && !chosen.hidesPreroll && (
          <Select
            size="xs"
            w={158}
            aria-label="Cut"
            allowDeselect={false}
            value={trim}
            onChange={(v) => setTrim((v ?? 'exact') as Trim)}
            data={[
              { value: 'exact', label: 'Cut exactly' },
              { value: 'rap', label: 'From the key frame' },
            ]}
          />
        )}
        <Select
          size="xs"
          w={132}
          aria-label="Format"
          allowDeselect={false}
          data={formats.map(({ value, label }) => ({ value, label }))}
          value={format}
          onChange={(v) => setFormat(v ?? format)}
        />
        <Tooltip label="The same on the command line">
          <ActionIcon
            variant="default"
            size={30}
            aria-label="Show the command"
            aria-pressed={command}
            onClick={() => setCommand(!command)}
          >
            <span className={classes.prompt}>$_</span>
          </ActionIcon>
        </Tooltip>
        <Button
          leftSection={<Icons.Download size={15} />}
          loading={get.isPending}
          disabled={wrong.In || wrong.Out}
          onClick={() => get.mutate(windowUrl(from, range, format, cut))}
          data-href={windowUrl(from, range, format, cut)}
        >
          {marked ? 'Download range' : 'Download all'}
        </Button>
      </div>
      {get.isError && <Problem error={get.error} onClose={get.reset} />}
      {command && (
        <div style={{ width: '100%' }}>
          <CopyLine label="command" prompt text={windowCommand(from, range, format, cut)} />
        </div>
      )}
    </section>
  );
}

function Length({
  clock,
  marks,
  marked,
  onClear,
}: {
  clock: Clock;
  marks: Marks;
  marked: boolean;
  onClear: () => void;
}) {
  const frames = framesOf(marks, clock);
  return (
    <div className={classes.length}>
      <div className={classes.fieldLabel}>
        Length
        {marked && (
          <button type="button" className={classes.clear} onClick={onClear} title="Clear the marks (X)">
            clear
          </button>
        )}
      </div>
      <div className={classes.lengthValue}>{clock.duration(frames)}</div>
      <div className={classes.fieldNote}>{clock.framed ? count(frames, 'frame') : ''}</div>
    </div>
  );
}

function Problem({ error, onClose }: { error: unknown; onClose: () => void }) {
  const fault = faultOf(error);
  return (
    <p className={classes.problem} role="alert">
      <Icons.Alert size={18} />
      <span style={{ flex: 1 }}>
        {sentence(fault.message)} <code>{fault.code}</code>
      </span>
      <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Close" onClick={onClose}>
        <Icons.Cross size={14} />
      </ActionIcon>
    </p>
  );
}
