import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from 'react-router/dom';
import { api } from '@/api/client';
import { faultOf, isUnauthenticated } from '@/api/errors';
import { router } from './routes';
import { theme } from './theme';

const MAX_RETRIES = 2;
const UNREACHABLE_MS = 3000;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, err) =>
        isUnauthenticated(err) ? failures === 0 && renew() : failures < MAX_RETRIES && faultOf(err).retryable,
      // What nobody answered is asked for again until somebody does.
      refetchInterval: ({ state: { error } }) =>
        error !== null && faultOf(error).fault === 'network' ? UNREACHABLE_MS : false,
      retryDelay: (attempt) => 400 * 2 ** attempt,
    },
  },
});

const colorScheme = localStorageColorSchemeManager({ key: 'grainmesh-color-scheme' });

/**
 * renew has the portal give this browser a new token, as it does as long as the
 * session lasts; the call that was refused is then made once more.
 */
function renew(): boolean {
  void api.portal.me({}).response.catch(() => undefined);
  return true;
}

/** App is the whole portal. */
export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="dark" colorSchemeManager={colorScheme}>
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" limit={4} />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
