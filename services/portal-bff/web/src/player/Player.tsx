import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { MediaController, MediaLoadingIndicator } from 'media-chrome/react';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { type Fault as StreamFault, sentence } from '@/api/errors';
import { Icons } from '@/ui/icons';
import type { Clock } from './clock';
import { Deck } from './deck';
import { type KeyBinding, useKeys } from './keys';
import { type Marks, markIn, markOut } from './marks';
import classes from './Player.module.css';
import { Timeline } from './Timeline';
import { Transport } from './Transport';
import { useStream } from './useStream';

interface Props {
  clock: Clock;
  /** HLS address; empty if nothing of it plays in a browser. */
  url: string;
  poster: ReactNode;
  marks: Marks;
  onMarks: (marks: Marks) => void;
  grainsOf: string;
  /** Shown in the place of a picture, where there is only sound. */
  sound?: ReactNode;
  /** Where to begin, as a frame. */
  start?: number;
  /** Asks for a new address, when the old one no longer serves. */
  onRetry: () => void;
}

/** Player shows a Flow to the frame: picture, timeline, transport, keys. */
export function Player({ clock, url, poster, marks, onMarks, grainsOf, sound, start = 0, onRetry }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const screen = useRef<HTMLElement>(null);
  const deck = useDeck(video, clock, start);
  const fault = useStream(deck, url);
  const [help, { open, close }] = useDisclosure(false);
  const [asking, setAsking] = useState(false);
  const bindings = useMemo(
    () =>
      deck ? bindingsFor(deck, marks, onMarks, { goTo: () => setAsking(true), help: open, screen }) : [],
    [deck, marks, onMarks, open],
  );
  useKeys(bindings, !help && !asking);
  return (
    <div className={classes.player}>
      <div className={classes.stage}>
        <MediaController
          ref={screen as never}
          className={classes.screen}
          noHotkeys
          gesturesDisabled
          noAutohide
        >
          {/* biome-ignore lint/a11y/useMediaCaption: captions are Flows of their own, once there are any */}
          <video
            ref={video}
            slot="media"
            playsInline
            preload="auto"
            className={classes.video}
            onClick={() => deck?.toggle()}
          />
          <MediaLoadingIndicator slot="centered-chrome" noAutohide className={classes.loading} />
        </MediaController>
        {sound && url !== '' && !fault && <div className={classes.sound}>{sound}</div>}
        {(url === '' || fault) && (
          <div className={classes.cover}>{fault ? <Fault fault={fault} onRetry={onRetry} /> : poster}</div>
        )}
      </div>
      {deck && (
        <>
          <Timeline deck={deck} marks={marks} onMarks={onMarks} grainsOf={grainsOf} />
          <Transport deck={deck} bindings={bindings} asking={asking} setAsking={setAsking} onHelp={open} />
        </>
      )}
      <KeyTable bindings={bindings} opened={help} onClose={close} />
    </div>
  );
}

function Fault({ fault, onRetry }: { fault: StreamFault; onRetry: () => void }) {
  return (
    <div role="alert">
      <p>
        <Icons.Alert size={22} />
        {sentence(fault.message)} <code>{fault.code}</code>
      </p>
      {fault.retryable && (
        <Button variant="default" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** useDeck makes the deck once the media element exists; the clock may change later. */
function useDeck(
  video: React.RefObject<HTMLVideoElement | null>,
  clock: Clock,
  start: number,
): Deck | undefined {
  const [deck, setDeck] = useState<Deck>();
  const first = useRef({ clock, start });
  useEffect(() => {
    if (!video.current) return;
    const made = new Deck(video.current, first.current.clock);
    if (first.current.start > 0) made.seek(first.current.start);
    setDeck(made);
    return () => made.close();
  }, [video]);
  // During render, so that nothing below draws by the old clock.
  if (deck && deck.clock !== clock) deck.follow(clock);
  return deck;
}

interface Actions {
  goTo: () => void;
  help: () => void;
  screen: React.RefObject<HTMLElement | null>;
}

function bindingsFor(deck: Deck, marks: Marks, onMarks: (m: Marks) => void, actions: Actions): KeyBinding[] {
  const { clock } = deck;
  const here = () => deck.current().frame;
  const second = Math.round(Number(clock.rate.num) / Number(clock.rate.den));
  // Without frames a step is a fortieth of a second.
  const frame = clock.framed ? 1 : 25;
  const go = (to: number) => {
    deck.pause();
    deck.seek(to);
  };
  const fullScreen = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void actions.screen.current?.requestFullscreen();
  };
  const mute = () => {
    deck.video.muted = !deck.video.muted;
  };
  return [
    { keys: ['Space'], does: 'Play or pause', run: () => deck.toggle() },
    { keys: ['J'], does: 'Back, faster each time', run: () => deck.shuttle(-1) },
    { keys: ['K'], does: 'Stop', run: () => deck.pause() },
    { keys: ['L'], does: 'On, faster each time', run: () => deck.shuttle(1) },
    { keys: ['Left'], does: 'One frame back', run: () => deck.step(-frame) },
    { keys: ['Right'], does: 'One frame on', run: () => deck.step(frame) },
    { keys: ['Shift+Left'], does: 'One second back', run: () => deck.step(-second) },
    { keys: ['Shift+Right'], does: 'One second on', run: () => deck.step(second) },
    { keys: ['I'], does: 'Mark in, here', run: () => onMarks(markIn(marks, here())) },
    { keys: ['O'], does: 'Mark out, here', run: () => onMarks(markOut(marks, here())) },
    { keys: ['Q'], does: 'Go to the in mark', run: () => go(marks.in ?? 0) },
    { keys: ['W'], does: 'Go to the out mark', run: () => go(marks.out ?? clock.length - 1) },
    { keys: ['Home'], does: 'Go to the first frame', run: () => go(0) },
    { keys: ['End'], does: 'Go to the last frame', run: () => go(clock.length - 1) },
    { keys: ['G'], does: 'Go to a timecode', run: actions.goTo },
    { keys: ['X'], does: 'Clear the marks', run: () => onMarks({}) },
    { keys: ['F'], does: 'Full screen', run: fullScreen },
    { keys: ['M'], does: 'Sound on or off', run: mute },
    { keys: ['?', 'Shift+?'], does: 'Show all keys', run: actions.help },
  ];
}

const arrows: Record<string, string> = { Left: '←', Right: '→' };

function KeyTable({
  bindings,
  opened,
  onClose,
}: {
  bindings: KeyBinding[];
  opened: boolean;
  onClose: () => void;
}) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Keys of the player"
      closeButtonProps={{ 'aria-label': 'Close' }}
      size="lg"
      centered
    >
      <dl className={classes.keys}>
        {bindings.map((b) => (
          <div key={b.does}>
            <dt>
              {(b.keys[0] as string).split('+').map((k) => (
                <kbd key={k}>{arrows[k] ?? k}</kbd>
              ))}
            </dt>
            <dd>{b.does}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
