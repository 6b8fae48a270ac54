import type { ComponentType } from 'react';
import { createBrowserRouter, Navigate } from 'react-router';
import { Frame } from './Frame';
import { LoginPage } from './LoginPage';
import { NotFoundPage } from './NotFoundPage';
import { PageNotLoaded, RouteError } from './RouteError';

/** page loads a page's code when it is first opened. */
const page = (load: () => Promise<ComponentType>) => async () => {
  try {
    return { Component: await load() };
  } catch (cause) {
    throw new PageNotLoaded(cause);
  }
};

const pages = [
  { path: 'jobs', lazy: page(async () => (await import('@/features/jobs/JobsPage')).JobsPage) },
  { path: 'jobs/new', lazy: page(async () => (await import('@/features/upload/NewJobPage')).NewJobPage) },
  { path: 'jobs/:id', lazy: page(async () => (await import('@/features/jobs/JobPage')).JobPage) },
  { path: 'library', lazy: page(async () => (await import('@/features/library/LibraryPage')).LibraryPage) },
  { path: 'flows/:id', lazy: page(async () => (await import('@/features/flow/FlowPage')).FlowPage) },
  { path: '*', element: <NotFoundPage /> },
];

/** What a page throws is shown in its place: the frame around it stays. */
export const router = createBrowserRouter([
  { path: '/login', element: <LoginPage /> },
  {
    path: '/',
    element: <Frame />,
    errorElement: <RouteError />,
    hydrateFallbackElement: <div />,
    children: [
      { index: true, element: <Navigate to="/jobs" replace /> },
      { errorElement: <RouteError />, children: pages },
    ],
  },
]);
