import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from 'react-router/dom';
import { faultOf, isUnauthenticated } from '@/api/errors';
import { router } from './routes';
import { theme } from './theme';

const MAX_RETRIES = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, err) => failures < MAX_RETRIES && !isUnauthenticated(err) && faultOf(err).retryable,
      retryDelay: (attempt) => 400 * 2 ** attempt,
    },
  },
});

const colorScheme = localStorageColorSchemeManager({ key: 'grainmesh-color-scheme' });

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
