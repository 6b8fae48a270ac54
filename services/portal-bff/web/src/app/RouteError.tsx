import { useEffect, useState } from 'react';
import { useLocation, useRouteError } from 'react-router';
import type { Fault } from '@/api/errors';
import { Failed } from '@/ui/states';

/** PageNotLoaded is thrown where the code of a page did not come. */
export class PageNotLoaded extends Error {
  constructor(cause: unknown) {
    super('the code of this page did not load', { cause });
  }
}

/** RouteError shows what a page threw, such as code that could not be loaded. */
export function RouteError() {
  const error = useRouteError();
  if (error instanceof PageNotLoaded) return <NotLoaded error={error} />;
  return <Failed what="This page broke" error={error} onRetry={() => window.location.reload()} />;
}

const RETRY_MS = 2000;
const RELOADED = 'grainmesh-reloaded';

const unreachable: Fault = {
  code: 'unreachable',
  message: 'The connection to the portal is lost.',
  fault: 'network',
  retryable: true,
};

/**
 * NotLoaded waits until the portal answers again, and then loads the whole page anew:
 * a new build has other names for its code. If that does not help it says so, once.
 */
function NotLoaded({ error }: { error: PageNotLoaded }) {
  const { pathname } = useLocation();
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout>;
    const attempt = async () => {
      const answers = await portalAnswers();
      if (over) return;
      if (!answers) timer = setTimeout(attempt, RETRY_MS);
      else if (reloadOnce(pathname)) window.location.reload();
      else setBroken(true);
    };
    void attempt();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [pathname]);
  if (broken) return <Failed what="This page broke" error={error} onRetry={() => window.location.reload()} />;
  return <Failed what="This page cannot be opened" error={unreachable} />;
}

async function portalAnswers(): Promise<boolean> {
  try {
    return (await fetch('/', { method: 'HEAD', cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

/** A page that failed again so soon after it was loaded anew would do so for ever. */
const TOO_SOON_MS = 10_000;

function reloadOnce(pathname: string): boolean {
  const [path, at] = (sessionStorage.getItem(RELOADED) ?? '').split(' ');
  if (path === pathname && Date.now() - Number(at) < TOO_SOON_MS) return false;
  sessionStorage.setItem(RELOADED, `${pathname} ${Date.now()}`);
  return true;
}
