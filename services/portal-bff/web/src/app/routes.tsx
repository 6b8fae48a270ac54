import { createBrowserRouter, Navigate } from 'react-router';
import { Frame } from './Frame';
import { LoginPage } from './LoginPage';
import { NotFoundPage } from './NotFoundPage';
import { RouteError } from './RouteError';

/** Each page's code comes when it is first opened. */
export const router = createBrowserRouter([
  { path: '/login', element: <LoginPage /> },
  {
    path: '/',
    element: <Frame />,
    errorElement: <RouteError />,
    hydrateFallbackElement: <div />,
    children: [
      { index: true, element: <Navigate to="/jobs" replace /> },
      {
        path: 'jobs',
        lazy: async () => ({ Component: (await import('@/features/jobs/JobsPage')).JobsPage }),
      },
      {
        path: 'jobs/new',
        lazy: async () => ({ Component: (await import('@/features/upload/NewJobPage')).NewJobPage }),
      },
      {
        path: 'jobs/:id',
        lazy: async () => ({ Component: (await import('@/features/jobs/JobPage')).JobPage }),
      },
      {
        path: 'library',
        lazy: async () => ({ Component: (await import('@/features/library/LibraryPage')).LibraryPage }),
      },
      {
        path: 'flows/:id',
        lazy: async () => ({ Component: (await import('@/features/flow/FlowPage')).FlowPage }),
      },
      { path: '*', element: <NotFoundPage /> },
    ],
  },
]);
