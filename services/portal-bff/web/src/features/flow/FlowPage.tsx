import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useParams } from 'react-router';
import { type Flow, FlowStatus } from '@/api/gen/media/v1/media';
import type { GetFlowResponse } from '@/api/gen/mediastore/v1/flows';
import { flowQuery, linksQuery } from '@/api/queries';
import { Clock } from '@/player/clock';
import { type Marks, marksText, parseMarks } from '@/player/marks';
import { parseRange } from '@/player/mediatime';
import { Player } from '@/player/Player';
import { usePageName } from '@/ui/crumbs';
import { essenceFacts } from '@/ui/flows';
import { Icons } from '@/ui/icons';
import { Empty, Failed, SkeletonRows } from '@/ui/states';
import { useUrlState } from '@/ui/useUrlState';
import { FlowFacts } from './FlowFacts';
import classes from './FlowPage.module.css';
import { WindowBar } from './WindowBar';

/** FlowPage plays one Flow to the frame, and gives any window of it. */
export function FlowPage() {
  const { id = '' } = useParams();
  const flow = useQuery(flowQuery(id));
  usePageName(flow.data?.flow?.label || id.slice(0, 8), { label: 'Library', to: '/library' });
  if (flow.isPending) return <SkeletonRows rows={6} />;
  if (flow.isLoadingError)
    return <Failed what="The Flow cannot be shown" error={flow.error} onRetry={() => flow.refetch()} />;
  const found = flow.data.flow;
  if (!found) return <Empty title="There is no such Flow" />;
  return <FlowView key={found.id} flow={found} answer={flow.data} />;
}

function FlowView({ flow, answer }: { flow: Flow; answer: GetFlowResponse }) {
  const picture = useMemo(
    () => [flow, ...answer.members].find((f) => f.video !== undefined),
    [flow, answer.members],
  );
  const clock = useClock(flow, picture);
  return (
    <div className={classes.page}>
      {clock ? (
        <Stage flow={flow} members={answer.members} picture={picture} clock={clock} />
      ) : (
        <div className={classes.main}>
          <NothingStored ended={flow.status === FlowStatus.CLOSED_COMPLETE} />
        </div>
      )}
      <FlowFacts flow={flow} answer={answer} />
    </div>
  );
}

function NothingStored({ ended }: { ended: boolean }) {
  if (ended)
    return (
      <Empty title="Nothing is stored of this Flow">
        <p>It ended without a single grain, and nothing more will come.</p>
      </Empty>
    );
  return (
    <Empty title="Nothing is stored yet">
      <p>The first grains show here as soon as they are in the store.</p>
    </Empty>
  );
}

/** useClock makes the clock of the picture, or of the sound where there is none. */
function useClock(flow: Flow, picture: Flow | undefined): Clock | undefined {
  const of = picture ?? flow;
  const { timerange, startTimecode } = of;
  const constant = picture !== undefined && !picture.video?.variableFrameRate;
  const num = constant ? picture.grainRate?.numerator : undefined;
  const den = constant ? picture.grainRate?.denominator : undefined;
  return useMemo(() => {
    const range = parseRange(timerange);
    if (!range) return undefined;
    const rate = num !== undefined && den !== undefined ? { num, den } : undefined;
    return new Clock({ rate, range, startTimecode });
  }, [timerange, startTimecode, num, den]);
}

interface StageProps {
  flow: Flow;
  members: Flow[];
  picture: Flow | undefined;
  clock: Clock;
}

function Stage({ flow, members, picture, clock }: StageProps) {
  const links = useQuery(linksQuery(flow.id));
  const [range, setRange] = useUrlState('range');
  const marks = useMemo(() => parseMarks(range, clock), [range, clock]);
  const setMarks = useMemo(() => (m: Marks) => setRange(marksText(m, clock)), [setRange, clock]);
  return (
    <div className={classes.main}>
      <Player
        clock={clock}
        url={links.data?.hlsUrl ?? ''}
        poster={<Poster links={links} />}
        marks={marks}
        onMarks={setMarks}
        grainsOf={picture?.id ?? ''}
        sound={picture === undefined && <Sound flow={flow} />}
        start={marks.in}
        onRetry={() => links.refetch()}
      />
      <WindowBar flow={flow} members={members} clock={clock} marks={marks} onMarks={setMarks} />
    </div>
  );
}

function Sound({ flow }: { flow: Flow }) {
  return (
    <>
      <Icons.Audio size={72} strokeWidth={1} />
      <p>{essenceFacts(flow) || 'Sound only'}</p>
    </>
  );
}

interface LinksState {
  isError: boolean;
  error: unknown;
  refetch: () => void;
  data?: { unplayable: string[] };
}

function Poster({ links }: { links: LinksState }) {
  if (links.isError)
    return <Failed what="There is no stream to play" error={links.error} onRetry={() => links.refetch()} />;
  if (!links.data) return null;
  return (
    <div className={classes.unplayable}>
      <h2>No browser plays this</h2>
      {links.data.unplayable.map((why) => (
        <p key={why}>{why}</p>
      ))}
      <p>Mark a range below and download it instead.</p>
    </div>
  );
}
