import { Button, SegmentedControl, Tabs, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { api } from '@/api/client';
import { faultOf } from '@/api/errors';
import { formatsQuery } from '@/api/queries';
import { CopyLine } from '@/ui/CopyLine';
import { usePageName } from '@/ui/crumbs';
import { Problem } from '@/ui/Problem';
import page from '@/ui/page.module.css';
import { useUrlState } from '@/ui/useUrlState';
import { FilePicker, UploadMeter } from './FilePicker';
import { MoreOptions } from './MoreOptions';
import classes from './NewJobPage.module.css';
import { check, cliLine, curlLine, type Draft, emptyDraft, requestOf } from './request';
import { type UploadProgress, uploadFile } from './upload';

/** NewJobPage takes a job: a URL to ingest, or a file to upload first. */
export function NewJobPage() {
  usePageName('New job', { label: 'Jobs', to: '/jobs' });
  const [from, setFrom] = useUrlState('from', 'url');
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  const [file, setFile] = useState<File>();
  const change = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const formats = useQuery(formatsQuery);
  const mimeTypes = formats.data?.flatMap((f) => f.mimeTypes);
  const problems = check(from === 'file' ? { ...draft, url: '' } : draft, mimeTypes);
  const submit = useSubmit();
  const ready =
    Object.keys(problems).length === 0 && (from === 'file' ? file !== undefined : draft.url.trim() !== '');
  const onSubmit = (e: FormEvent) => {
    e.preventDefault();
    if (ready) submit.run(draft, from === 'file' ? file : undefined);
  };
  return (
    <div className={page.scrollPage}>
      <form className={page.narrow} onSubmit={onSubmit} noValidate>
        <h1 className={page.title}>New job</h1>
        <p className={classes.lead}>Brings one file into the store, from where any frame of it can be had.</p>
        <SegmentedControl
          aria-label="Where the file is"
          value={from}
          onChange={setFrom}
          data={[
            { value: 'url', label: 'By URL' },
            { value: 'file', label: 'Upload a file' },
          ]}
          mb={16}
        />
        {from === 'file' ? (
          <FilePicker file={file} onPick={setFile} disabled={submit.isPending} />
        ) : (
          <TextInput
            label="URL of the file"
            description="https, http or s3. The mesh reads it in ranges, from where it runs."
            placeholder="https://cdn.example.com/film.mp4"
            className={classes.url}
            autoFocus
            value={draft.url}
            error={problems.url}
            onChange={(e) => change({ url: e.currentTarget.value })}
          />
        )}
        <TextInput
          label="Label"
          description="How it is called in lists. The file's name, if empty."
          mt={16}
          value={draft.label}
          onChange={(e) => change({ label: e.currentTarget.value })}
        />
        <MoreOptions draft={draft} problems={problems} change={change} />
        {submit.error !== null && <Refusal error={submit.error} />}
        <div className={classes.submit}>
          {submit.progress && <UploadMeter progress={submit.progress} onCancel={submit.cancel} />}
          <Button type="submit" size="sm" disabled={!ready} loading={submit.isPending}>
            {from === 'file' ? 'Upload and ingest' : 'Ingest'}
          </Button>
          {!ready && !submit.isPending && <span className={page.faint}>{missing(from, problems)}</span>}
        </div>
        <Equivalents draft={draft} file={from === 'file' ? (file?.name ?? 'FILE') : undefined} />
      </form>
    </div>
  );
}

function missing(from: string, problems: object): string {
  const wrong = Object.keys(problems).length;
  if (wrong > 0) return wrong === 1 ? 'One field needs another look.' : `${wrong} fields need another look.`;
  return from === 'file' ? 'Choose a file first.' : 'Give a URL first.';
}

/** useSubmit uploads if there is a file, creates the job, and goes to its page. */
function useSubmit() {
  const navigate = useNavigate();
  const [progress, setProgress] = useState<UploadProgress>();
  const abort = useRef<AbortController>(undefined);
  const keyFor = useIdempotencyKey();
  const mutation = useMutation({
    mutationFn: async ({ draft, file }: { draft: Draft; file?: File }) => {
      abort.current = new AbortController();
      const url = file ? await uploadFile(file, setProgress, abort.current.signal) : draft.url;
      const label = draft.label || file?.name || '';
      const wanted = { ...draft, url, label };
      return (await api.jobs.createJob(requestOf(wanted, keyFor(wanted)))).response.job;
    },
    onSuccess: (job) => navigate(job ? `/jobs/${job.id}` : '/jobs'),
    onSettled: () => setProgress(undefined),
  });
  return {
    run: (draft: Draft, file?: File) => mutation.mutate({ draft, file }),
    cancel: () => abort.current?.abort(),
    isPending: mutation.isPending,
    error: mutation.error,
    progress,
  };
}

/** useIdempotencyKey gives the same key for the same request: repeats make one job. */
function useIdempotencyKey(): (draft: Draft) => string {
  const last = useRef({ request: '', key: '' });
  return (draft) => {
    const request = JSON.stringify(draft);
    if (last.current.request !== request) last.current = { request, key: crypto.randomUUID() };
    return last.current.key;
  };
}

function Refusal({ error }: { error: unknown }) {
  const fault = faultOf(error);
  return (
    <Problem title="The job was not taken">
      <p>
        {fault.message} <code>{fault.code}</code>
      </p>
      <p className={page.dim}>What you typed is still here.</p>
    </Problem>
  );
}

function Equivalents({ draft, file }: { draft: Draft; file?: string }) {
  const curl = curlLine(file ? { ...draft, url: '' } : draft, window.location.origin);
  return (
    <section className={classes.same}>
      <Tabs defaultValue="cli" variant="default" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="cli">Command line</Tabs.Tab>
          <Tabs.Tab value="api">API call</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="cli" pt={10}>
          <CopyLine label="command" prompt text={cliLine(draft, file)} />
        </Tabs.Panel>
        <Tabs.Panel value="api" pt={10}>
          <CopyLine label="API call" text={curl} />
        </Tabs.Panel>
      </Tabs>
    </section>
  );
}
