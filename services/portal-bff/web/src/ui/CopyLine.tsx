import { ActionIcon, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import classes from './CopyLine.module.css';
import { Icons } from './icons';

/** CopyLine shows a command or a value that is there to be copied. */
export function CopyLine({ text, label, prompt = false }: { text: string; label: string; prompt?: boolean }) {
  const clipboard = useClipboard({ timeout: 1500 });
  return (
    <div className={classes.root}>
      <pre className={classes.text} data-prompt={prompt}>
        {text}
      </pre>
      <Tooltip label={clipboard.copied ? 'Copied' : 'Copy'}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={`Copy ${label}`}
          onClick={() => clipboard.copy(text)}
        >
          {clipboard.copied ? <Icons.Check size={15} /> : <Icons.Copy size={15} />}
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
