import { Fragment } from 'react';
import { Link } from 'react-router';
import type { Flow } from '@/api/gen/media/v1/media';
import type { GetFlowResponse } from '@/api/gen/mediastore/v1/flows';
import { CopyLine } from '@/ui/CopyLine';
import { codecName, essenceFacts, FormatIcon, flowState, formatName, lengthText, rateText } from '@/ui/flows';
import { bitRate, bytes, count, when } from '@/ui/format';
import { Icons } from '@/ui/icons';
import page from '@/ui/page.module.css';
import { StateBadge } from '@/ui/StateBadge';
import classes from './FlowPage.module.css';

/** FlowFacts is what is known of a Flow, beside its picture. */
export function FlowFacts({ flow, answer }: { flow: Flow; answer: GetFlowResponse }) {
  const { word, tone } = flowState(flow.status);
  const tags = Object.entries(flow.tags);
  return (
    <aside className={classes.side} aria-label="Facts">
      <section>
        <h1>{flow.label || flow.id}</h1>
        <StateBadge tone={tone}>{word}</StateBadge>
        {flow.description !== '' && <p className={page.dim}>{flow.description}</p>}
      </section>
      {answer.members.length > 0 && (
        <section>
          <h2>Members</h2>
          {answer.members.map((m) => (
            <Member key={m.id} flow={m} />
          ))}
        </section>
      )}
      <section>
        <h2>Flow</h2>
        <Facts rows={flowRows(flow, answer)} />
      </section>
      {tags.length > 0 && (
        <section>
          <h2>Tags</h2>
          <Facts
            rows={tags.map(([name, { values }]) => [name.replace(/^grainmesh:/, ''), values.join(', ')])}
          />
        </section>
      )}
      <section>
        <h2>Id</h2>
        <CopyLine label="Flow id" text={flow.id} />
        <Origins flow={flow} />
      </section>
    </aside>
  );
}

type Row = readonly [name: string, value: string];

function Facts({ rows }: { rows: Row[] }) {
  return (
    <dl className={classes.factsGrid}>
      {rows
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
    </dl>
  );
}

function flowRows(f: Flow, answer: GetFlowResponse): Row[] {
  const { video, audio } = f;
  return [
    ['Format', formatName(f.format)],
    ['Codec', codecName(f.codec)],
    ['Picture', video ? essenceFacts(f) : ''],
    ['Rate', video && f.grainRate ? `${rateText(f.grainRate)} frames/s` : ''],
    ['Colour', video ? [video.colorspace, video.transferCharacteristic].filter(Boolean).join(', ') : ''],
    ['Sound', audio ? essenceFacts(f) : ''],
    ['Bit rate', f.avgBitRate > 0n ? bitRate(f.avgBitRate) : ''],
    ['Timecode', f.startTimecode],
    ['Duration', lengthText(f)],
    ['Time range', f.timerange],
    ['Stored', answer.bytes > 0n ? `${bytes(answer.bytes)} in ${count(answer.objects, 'object')}` : ''],
    ['Grains', answer.grains > 0n ? answer.grains.toLocaleString('en-GB') : ''],
    ['Created', when(f.createdUnixNs)],
  ];
}

function Member({ flow }: { flow: Flow }) {
  return (
    <Link to={`/flows/${flow.id}`} className={classes.member}>
      <FormatIcon format={flow.format} />
      <span className={page.ellipsis}>{codecName(flow.codec) || formatName(flow.format)}</span>
      <Icons.Chevron size={14} />
      <span className={page.ellipsis}>{essenceFacts(flow)}</span>
    </Link>
  );
}

function Origins({ flow }: { flow: Flow }) {
  return (
    <p>
      {flow.jobId !== '' && <Link to={`/jobs/${flow.jobId}`}>Job that wrote it</Link>}
      {flow.collectedBy[0] !== undefined && (
        <>
          {' · '}
          <Link to={`/flows/${flow.collectedBy[0]}`}>Whole programme</Link>
        </>
      )}
    </p>
  );
}
