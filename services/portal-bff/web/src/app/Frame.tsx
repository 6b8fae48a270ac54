import { useQuery } from '@tanstack/react-query';
import { Navigate, NavLink, Outlet, useLocation } from 'react-router';
import { isUnauthenticated } from '@/api/errors';
import { LiveProvider } from '@/api/live';
import { meQuery } from '@/api/queries';
import { CrumbsProvider } from '@/ui/crumbs';
import { Icons } from '@/ui/icons';
import { Failed } from '@/ui/states';
import classes from './Frame.module.css';
import { Palette } from './Palette';
import { TopBar } from './TopBar';

/** Frame is what stays while pages change: rail, bar, palette, connection. */
export function Frame() {
  const me = useQuery({ ...meQuery, retry: (n, err) => n < 2 && !isUnauthenticated(err) });
  const location = useLocation();
  if (isUnauthenticated(me.error)) {
    const next = location.pathname + location.search;
    return <Navigate to={next === '/jobs' ? '/login' : `/login?next=${encodeURIComponent(next)}`} replace />;
  }
  if (me.isLoadingError)
    return <Failed what="The portal cannot be opened" error={me.error} onRetry={() => me.refetch()} />;
  if (!me.data) return null;
  return (
    <LiveProvider>
      <CrumbsProvider>
        <div className={classes.frame}>
          <a href="#content" className={classes.skip}>
            Skip to content
          </a>
          <Rail />
          <TopBar me={me.data} />
          <main id="content" className={classes.content} tabIndex={-1}>
            <Outlet />
          </main>
        </div>
        <Palette />
      </CrumbsProvider>
    </LiveProvider>
  );
}

const places = [
  { to: '/jobs', label: 'Jobs', Icon: Icons.Jobs },
  { to: '/library', label: 'Library', Icon: Icons.Library },
];

function Rail() {
  return (
    <nav className={classes.rail} aria-label="Main">
      <NavLink to="/jobs" className={classes.mark} aria-label="Grainmesh, home">
        <Mark />
      </NavLink>
      {places.map(({ to, label, Icon }) => (
        <NavLink key={to} to={to} className={classes.place}>
          <Icon size={20} />
          {label}
        </NavLink>
      ))}
    </nav>
  );
}

const grains: [number, number, number][] = [
  [0, 0, 1],
  [1, 0, 0.5],
  [2, 0, 0.22],
  [0, 1, 0.5],
  [1, 1, 1],
  [2, 1, 0.5],
  [0, 2, 0.22],
  [1, 2, 0.5],
  [2, 2, 1],
];

/** Mark is the sign of Grainmesh, a mesh of grains. */
export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 28 28" aria-hidden="true">
      {grains.map(([x, y, opacity]) => (
        <circle
          key={`${x}${y}`}
          cx={5 + x * 9}
          cy={5 + y * 9}
          r={3.1}
          fill="var(--gm-accent)"
          opacity={opacity}
        />
      ))}
    </svg>
  );
}
