import { Button } from '@mantine/core';
import { Link, useLocation } from 'react-router';
import { usePageName } from '@/ui/crumbs';
import { Empty } from '@/ui/states';

/** NotFoundPage answers addresses that lead nowhere. */
export function NotFoundPage() {
  const { pathname } = useLocation();
  usePageName('Not found');
  return (
    <Empty
      title="Nothing has this address"
      action={
        <Button component={Link} to="/jobs" variant="default">
          Go to Jobs
        </Button>
      }
    >
      <p>
        <code>{pathname}</code> is not a page of the portal. Jobs are at /jobs, Flows at /library.
      </p>
    </Empty>
  );
}
