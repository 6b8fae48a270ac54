import { ActionIcon, Menu, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { spotlight } from '@mantine/spotlight';
import { Link } from 'react-router';
import { csrfHeader } from '@/api/client';
import type { MeResponse } from '@/api/gen/portal/v1/portal';
import { useLiveness } from '@/api/live';
import { useCrumbs } from '@/ui/crumbs';
import { timeOfDay } from '@/ui/format';
import { Icons } from '@/ui/icons';
import classes from './Frame.module.css';

const isMac = navigator.platform.startsWith('Mac');

/** TopBar says where the user is, who, and whether what is on show is live. */
export function TopBar({ me }: { me: MeResponse }) {
  return (
    <header className={classes.bar}>
      <Crumbs />
      <button type="button" className={classes.search} onClick={spotlight.open}>
        <Icons.Search size={15} />
        <span>Search or go to…</span>
        <kbd>{isMac ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <div className={classes.who}>
        <Health />
        <span className={classes.tenant}>
          <b>{me.tenant}</b>
          {me.region && ` · ${me.region}`}
        </span>
        <SchemeToggle />
        <UserMenu me={me} />
      </div>
    </header>
  );
}

function Crumbs() {
  const crumbs = useCrumbs();
  return (
    <nav aria-label="Breadcrumbs" style={{ flex: 1, minWidth: 0 }}>
      <ol className={classes.crumbs}>
        {crumbs.map((c, i) => (
          <li key={c.label}>
            {i > 0 && <Icons.Chevron size={13} className={classes.chevron} />}
            {c.to ? (
              <Link to={c.to} className={classes.crumb}>
                {c.label}
              </Link>
            ) : (
              <span className={classes.crumb} aria-current="page">
                {c.label}
              </span>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Health() {
  const { state, since } = useLiveness();
  const words = {
    connecting: ['Connecting', 'Waiting for the first sign of life.'],
    live: ['Live', `Changes show as they happen, since ${timeOfDay(since)}.`],
    stale: [
      `Stale since ${timeOfDay(since)}`,
      'The connection is lost. It is tried again, and what was missed is caught up with.',
    ],
  } as const;
  const [word, why] = words[state];
  return (
    <Tooltip label={why}>
      <span className={classes.health} data-state={state} role="status">
        <span className={classes.dot} aria-hidden="true" />
        {word}
      </span>
    </Tooltip>
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const current = useComputedColorScheme('dark');
  const other = current === 'dark' ? 'light' : 'dark';
  return (
    <Tooltip label={`Use ${other} colours`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={`Use ${other} colours`}
        onClick={() => setColorScheme(other)}
      >
        {current === 'dark' ? <Icons.Sun size={17} /> : <Icons.Moon size={17} />}
      </ActionIcon>
    </Tooltip>
  );
}

async function logOut() {
  await fetch('/logout', { method: 'POST', headers: csrfHeader, credentials: 'same-origin' });
  window.location.assign('/login');
}

function UserMenu({ me }: { me: MeResponse }) {
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <ActionIcon variant="default" radius="xl" aria-label={`User ${me.user}`}>
          <Icons.User size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.user}
          <br />
          may {me.scopes.join(', ')}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item onClick={logOut}>Log out</Menu.Item>
        <Menu.Label>Grainmesh {me.version}</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}
