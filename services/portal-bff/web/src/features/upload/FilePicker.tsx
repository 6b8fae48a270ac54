import { ActionIcon, Button } from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import { useEffect, useRef, useState } from 'react';
import { bytes, elapsed } from '@/ui/format';
import { Icons } from '@/ui/icons';
import { ProgressBar } from '@/ui/ProgressBar';
import page from '@/ui/page.module.css';
import classes from './NewJobPage.module.css';
import type { UploadProgress } from './upload';

interface Props {
  file: File | undefined;
  onPick: (file: File | undefined) => void;
  disabled: boolean;
}

/** FilePicker takes one file, dropped or chosen. */
export function FilePicker({ file, onPick, disabled }: Props) {
  if (file)
    return (
      <div className={classes.picked}>
        <Icons.File />
        <span className={page.ellipsis} style={{ flex: 1 }}>
          {file.name}
        </span>
        <span className={page.dim}>{bytes(file.size)}</span>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label="Choose another file"
          disabled={disabled}
          onClick={() => onPick(undefined)}
        >
          <Icons.Cross size={16} />
        </ActionIcon>
      </div>
    );
  return (
    <Dropzone
      unstyled
      className={classes.drop}
      multiple={false}
      onDrop={(files) => onPick(files[0])}
      inputProps={{ 'aria-label': 'File to upload' }}
    >
      <div>
        <Icons.Upload size={26} className={classes.dropIcon} />
        <div className={classes.dropTitle}>Drop a file here, or press to choose one</div>
        <div className={page.faint}>
          MP4, MOV, WAV, BWF, RF64, GSF. It goes straight to the object store, at any size.
        </div>
      </div>
    </Dropzone>
  );
}

/** UploadMeter shows how far an upload is, how fast, and what remains. */
export function UploadMeter({ progress, onCancel }: { progress: UploadProgress; onCancel: () => void }) {
  const rate = useRate(progress.sent);
  const left = rate > 0 ? ` · ${elapsed(((progress.total - progress.sent) / rate) * 1e9)} left` : '';
  return (
    <div className={classes.meter}>
      <ProgressBar label="Upload" done={progress.sent} total={progress.total} />
      <span className={classes.meterText}>
        {bytes(progress.sent)} of {bytes(progress.total)}
        {rate > 0 && ` · ${bytes(rate)}/s`}
        {left}
      </span>
      <Button variant="default" onClick={onCancel}>
        Cancel
      </Button>
    </div>
  );
}

/** useRate averages bytes a second since the upload began. */
function useRate(sent: number): number {
  const start = useRef(performance.now());
  const [rate, setRate] = useState(0);
  useEffect(() => {
    const seconds = (performance.now() - start.current) / 1000;
    if (seconds > 0.5) setRate(sent / seconds);
  }, [sent]);
  return rate;
}
