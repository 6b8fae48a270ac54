import { ActionIcon, TextInput, Tooltip } from '@mantine/core';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { Icons } from '@/ui/icons';
import type { Deck } from './deck';
import type { KeyBinding } from './keys';
import classes from './Player.module.css';

interface Props {
  deck: Deck;
  bindings: KeyBinding[];
  asking: boolean;
  setAsking: (asking: boolean) => void;
  onHelp: () => void;
}

/** Transport is the row below the timeline: timecode left, deck, duration right. */
export function Transport({ deck, bindings, asking, setAsking, onHelp }: Props) {
  const { speed } = useSyncExternalStore(deck.subscribe, deck.current);
  const press = (key: string) => () => bindings.find((b) => b.keys.includes(key))?.run();
  return (
    <div className={classes.transport}>
      <div className={classes.left}>
        {asking ? (
          <GoTo deck={deck} onDone={() => setAsking(false)} />
        ) : (
          <Position deck={deck} onAsk={() => setAsking(true)} />
        )}
      </div>
      <div className={classes.deck}>
        <DeckButton label="Go to the in mark (Q)" onClick={press('Q')}>
          <span className={classes.mark}>[</span>
        </DeckButton>
        <DeckButton label="One frame back (←)" onClick={press('Left')}>
          <Icons.StepBack />
        </DeckButton>
        <ActionIcon
          className={classes.play}
          variant="filled"
          radius="xl"
          size={38}
          aria-label={speed === 0 ? 'Play' : 'Pause'}
          onClick={press('Space')}
        >
          {speed === 0 ? <Icons.Play size={20} /> : <Icons.Pause size={20} />}
        </ActionIcon>
        <DeckButton label="One frame on (→)" onClick={press('Right')}>
          <Icons.StepForward />
        </DeckButton>
        <DeckButton label="Go to the out mark (W)" onClick={press('W')}>
          <span className={classes.mark}>]</span>
        </DeckButton>
      </div>
      <div className={classes.right}>
        <span className={classes.speed}>
          {speed !== 0 && speed !== 1 ? `${speed}×`.replace('-', '−') : ''}
        </span>
        <Sound deck={deck} onToggle={press('M')} />
        <DeckButton label="Full screen (F)" onClick={press('F')}>
          <Icons.Full />
        </DeckButton>
        <DeckButton label="All keys (?)" onClick={onHelp}>
          <Icons.Help />
        </DeckButton>
        <span className={classes.duration} title="Duration">
          {deck.clock.duration(deck.clock.length)}
        </span>
      </div>
    </div>
  );
}

function DeckButton({
  label,
  onClick,
  children,
}: {
  label: string;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size={32} aria-label={label} onClick={onClick}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

/** Position shows where the deck is; TAI on hover, and a press asks where to go. */
function Position({ deck, onAsk }: { deck: Deck; onAsk: () => void }) {
  const { frame } = useSyncExternalStore(deck.subscribe, deck.current);
  const { clock } = deck;
  return (
    <>
      <button
        type="button"
        className={classes.timecode}
        title={`TAI ${clock.taiText(frame)}\nPress, or G, to go elsewhere`}
        onClick={onAsk}
        data-testid="timecode"
        data-frame={frame}
      >
        {clock.timecode(frame)}
      </button>
      <span className={classes.tai}>
        <span data-testid="tai">{clock.taiText(frame)}</span> TAI
      </span>
    </>
  );
}

function GoTo({ deck, onDone }: { deck: Deck; onDone: () => void }) {
  const [text, setText] = useState('');
  const frame = deck.clock.parse(text);
  const problem = text === '' ? undefined : deck.clock.problem(text);
  return (
    <form
      className={classes.goto}
      onSubmit={(e) => {
        e.preventDefault();
        if (frame === undefined || problem) return;
        deck.pause();
        deck.seek(frame);
        onDone();
      }}
    >
      <TextInput
        autoFocus
        size="sm"
        aria-label="Go to timecode or TAI"
        placeholder={deck.clock.timecode(0)}
        value={text}
        error={problem !== undefined}
        aria-describedby="goto-note"
        onChange={(e) => setText(e.currentTarget.value.replace(/[^\d:;.-]/g, ''))}
        onBlur={onDone}
        onKeyDown={(e) => e.key === 'Escape' && onDone()}
      />
      <span id="goto-note" className={problem ? classes.wrong : classes.tai} aria-live="polite">
        {problem ?? 'Enter goes there'}
      </span>
    </form>
  );
}

function Sound({ deck, onToggle }: { deck: Deck; onToggle: () => void }) {
  const [muted, setMuted] = useState(deck.video.muted);
  useEffect(() => {
    const update = () => setMuted(deck.video.muted);
    deck.video.addEventListener('volumechange', update);
    return () => deck.video.removeEventListener('volumechange', update);
  }, [deck]);
  return (
    <DeckButton label={muted ? 'Sound on (M)' : 'Sound off (M)'} onClick={onToggle}>
      {muted ? <Icons.Muted /> : <Icons.Volume />}
    </DeckButton>
  );
}
