import { useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight } from '@mantine/spotlight';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useNavigate } from 'react-router';
import { api } from '@/api/client';
import { fileName } from '@/ui/format';
import { Icons } from '@/ui/icons';

interface Entry {
  readonly key: string;
  readonly label: string;
  readonly description: string;
  readonly icon: ReactNode;
  readonly run: () => void;
}

const HITS = 6;

/** Palette finds pages, commands, jobs and Flows from anywhere: Ctrl-K. */
export function Palette() {
  const [query, setQuery] = useState('');
  const commands = useCommands().filter((c) =>
    `${c.label} ${c.description}`.toLowerCase().includes(query.toLowerCase()),
  );
  const { jobs, flows } = useHits(query.trim());
  return (
    <Spotlight.Root
      query={query}
      onQueryChange={setQuery}
      shortcut="mod + K"
      attributes={{ content: { 'aria-label': 'Search or go to' } }}
      overlayProps={{ blur: 0, backgroundOpacity: 0.55 }}
      clearQueryOnClose
      scrollable
      maxHeight={440}
    >
      <Spotlight.Search
        placeholder="Search jobs and Flows, or go to…"
        aria-label="Search jobs and Flows, or go to"
        leftSection={<Icons.Search />}
      />
      <Spotlight.ActionsList>
        <Group label="Go to" entries={commands} />
        <Group label="Flows" entries={flows} />
        <Group label="Jobs" entries={jobs} />
        {commands.length + flows.length + jobs.length === 0 && (
          <Spotlight.Empty>Nothing goes by that name.</Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function Group({ label, entries }: { label: string; entries: Entry[] }) {
  if (entries.length === 0) return null;
  return (
    <Spotlight.ActionsGroup label={label}>
      {entries.map((e) => (
        <Spotlight.Action
          key={e.key}
          label={e.label}
          description={e.description}
          leftSection={e.icon}
          onClick={e.run}
        />
      ))}
    </Spotlight.ActionsGroup>
  );
}

function useCommands(): Entry[] {
  const navigate = useNavigate();
  const { toggleColorScheme } = useMantineColorScheme();
  const go = (to: string) => () => {
    navigate(to);
  };
  return [
    {
      key: 'new',
      label: 'New job',
      description: 'Bring in a file',
      icon: <Icons.Plus />,
      run: go('/jobs/new'),
    },
    {
      key: 'jobs',
      label: 'Jobs',
      description: 'What runs and what ran',
      icon: <Icons.Jobs />,
      run: go('/jobs'),
    },
    {
      key: 'failed',
      label: 'Failed jobs',
      description: 'What needs a look',
      icon: <Icons.Alert />,
      run: go('/jobs?state=failed'),
    },
    {
      key: 'library',
      label: 'Library',
      description: 'Flows and Sources',
      icon: <Icons.Library />,
      run: go('/library'),
    },
    {
      key: 'scheme',
      label: 'Dark or light',
      description: 'Change the colours',
      icon: <Icons.Sun />,
      run: toggleColorScheme,
    },
  ];
}

function useHits(query: string): { jobs: Entry[]; flows: Entry[] } {
  const [text] = useDebouncedValue(query, 150);
  const navigate = useNavigate();
  const hits = useQuery({
    queryKey: ['palette', text],
    enabled: text.length > 1,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const [jobs, flows] = await Promise.all([
        api.jobs.listJobs({ states: [], text, pageSize: HITS, pageToken: '', oldestFirst: false }).response,
        api.flows.listFlows({
          text,
          sourceId: '',
          format: '',
          jobId: '',
          topLevel: true,
          pageSize: HITS,
          pageToken: '',
        }).response,
      ]);
      return { jobs: jobs.jobs, flows: flows.flows };
    },
  });
  if (text.length <= 1 || !hits.data) return { jobs: [], flows: [] };
  return {
    jobs: hits.data.jobs.map((j) => ({
      key: j.id,
      label: j.spec?.label || fileName(j.spec?.url ?? ''),
      description: j.id,
      icon: <Icons.Jobs />,
      run: () => void navigate(`/jobs/${j.id}`),
    })),
    flows: hits.data.flows.map((f) => ({
      key: f.id,
      label: f.label || f.id,
      description: f.id,
      icon: <Icons.Video />,
      run: () => void navigate(`/flows/${f.id}`),
    })),
  };
}
