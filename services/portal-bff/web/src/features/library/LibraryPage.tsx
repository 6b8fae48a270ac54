import { Button, SegmentedControl, Select } from '@mantine/core';
import { Link } from 'react-router';
import { usePageName } from '@/ui/crumbs';
import { Icons } from '@/ui/icons';
import page from '@/ui/page.module.css';
import { SearchField } from '@/ui/SearchField';
import { useDelayedUrlState, useUrlState } from '@/ui/useUrlState';
import { FlowList } from './FlowList';
import { SourceList } from './SourceList';

const FORMAT = 'urn:x-nmos:format:';
const formats = [
  { value: '', label: 'Every format' },
  { value: `${FORMAT}multi`, label: 'Multi' },
  { value: `${FORMAT}video`, label: 'Video' },
  { value: `${FORMAT}audio`, label: 'Audio' },
  { value: `${FORMAT}data`, label: 'Data' },
];

/** LibraryPage lists what the store holds: Flows, or the Sources they represent. */
export function LibraryPage() {
  usePageName('Library');
  const [kind, setKind] = useUrlState('show', 'flows');
  const [format, setFormat] = useUrlState('format');
  const [sourceId, setSourceId] = useUrlState('source');
  const [text, typed, setTyped] = useDelayedUrlState('q');
  return (
    <div className={page.listPage}>
      <div className={page.toolbar}>
        <SegmentedControl
          aria-label="Show"
          value={kind}
          onChange={setKind}
          data={[
            { value: 'flows', label: 'Flows' },
            { value: 'sources', label: 'Sources' },
          ]}
        />
        <Select
          aria-label="Format"
          size="xs"
          w={132}
          data={formats}
          value={format}
          allowDeselect={false}
          onChange={(v) => setFormat(v ?? '')}
        />
        <SearchField value={typed} onChange={setTyped} placeholder="Filter by label, codec or id" />
        {sourceId !== '' && (
          <Button
            variant="default"
            color="gray"
            rightSection={<Icons.Cross size={13} />}
            onClick={() => setSourceId('')}
            title={sourceId}
          >
            of Source {sourceId.slice(0, 8)}
          </Button>
        )}
        <span className={page.spacer} />
        <Button component={Link} to="/jobs/new" leftSection={<Icons.Plus size={15} />}>
          New job
        </Button>
      </div>
      {kind === 'sources' ? (
        <SourceList filter={{ text, format }} />
      ) : (
        // A format or a Source asks for its own Flows, also those that a multi Flow collects.
        <FlowList
          filter={{ text, format, sourceId, jobId: '', topLevel: format === '' && sourceId === '' }}
        />
      )}
    </div>
  );
}
