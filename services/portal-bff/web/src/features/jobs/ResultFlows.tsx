import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { type Job, JobState } from '@/api/gen/job/v1/types';
import type { Flow, Track } from '@/api/gen/media/v1/media';
import { flowQuery } from '@/api/queries';
import { codecName, essenceFacts, FormatIcon } from '@/ui/flows';
import { count } from '@/ui/format';
import { Icons } from '@/ui/icons';
import page from '@/ui/page.module.css';
import classes from './JobPage.module.css';

/** ResultFlows lists what the job made, or is making, and what it left out. */
export function ResultFlows({ job }: { job: Job }) {
  const visible = job.flowId !== '' && job.state <= JobState.COMPLETED;
  const flow = useQuery({ ...flowQuery(job.flowId), enabled: visible });
  const skipped = job.analysis?.tracks.filter((t) => t.skipped !== '') ?? [];
  const warnings = job.analysis?.warnings ?? [];
  const flows = flow.data?.flow ? [flow.data.flow, ...flow.data.members] : [];
  if (flows.length + skipped.length + warnings.length === 0) return null;
  return (
    <section className={page.section}>
      <h2 className={page.heading}>
        Flows{' '}
        {job.state < JobState.COMPLETED && <span className={page.note}>readable while the ingest runs</span>}
      </h2>
      {flows.length > 0 && (
        <ul className={classes.flows}>
          {flows.map((f) => (
            <FlowRow key={f.id} flow={f} />
          ))}
        </ul>
      )}
      {[...skipped.map(skippedNote), ...warnings].map((note) => (
        <p key={note} className={page.dim}>
          {note}
        </p>
      ))}
    </section>
  );
}

function skippedNote(t: Track): string {
  return `Track ${t.number} was left out: ${t.skipped}`;
}

function FlowRow({ flow }: { flow: Flow }) {
  const members = flow.collection.length;
  return (
    <li>
      <Link to={`/flows/${flow.id}`} className={classes.flow}>
        <FormatIcon format={flow.format} />
        <span className={page.ellipsis}>{flow.label || flow.id}</span>
        <span className={`${page.dim} ${page.ellipsis}`}>
          {members > 0 ? count(members, 'member') : essenceFacts(flow)}
        </span>
        <span className={page.dim}>{members > 0 ? 'all together' : codecName(flow.codec)}</span>
        <Icons.Chevron size={14} />
      </Link>
    </li>
  );
}
