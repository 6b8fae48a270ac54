import { useRouteError } from 'react-router';
import { Failed } from '@/ui/states';

/** RouteError shows what a page threw, such as code that could not be loaded. */
export function RouteError() {
  return <Failed what="This page broke" error={useRouteError()} onRetry={() => window.location.reload()} />;
}
