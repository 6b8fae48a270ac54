import {
  type InfiniteData,
  infiniteQueryOptions,
  keepPreviousData,
  type QueryClient,
  queryOptions,
} from '@tanstack/react-query';
import { api } from './client';
import type { ListJobsResponse } from './gen/job/v1/jobs';
import type { Job, JobState } from './gen/job/v1/types';
import type { Flow } from './gen/media/v1/media';
import type { GetFlowResponse, ListFlowsResponse } from './gen/mediastore/v1/flows';

/** Rows that one request brings. */
const PAGE_SIZE = 200;

/** Which jobs a list shows. */
export interface JobFilter {
  readonly states: JobState[];
  readonly text: string;
  readonly oldestFirst: boolean;
}

/** Which Flows a list shows. */
export interface FlowFilter {
  readonly text: string;
  readonly format: string;
  readonly sourceId: string;
  readonly jobId: string;
  readonly topLevel: boolean;
}

type Pages<T> = InfiniteData<T, string>;

/** jobsQuery lists jobs, page by page. */
export const jobsQuery = (filter: JobFilter) =>
  infiniteQueryOptions({
    queryKey: ['jobs', filter],
    queryFn: async ({ pageParam }) =>
      (await api.jobs.listJobs({ ...filter, pageSize: PAGE_SIZE, pageToken: pageParam })).response,
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: keepPreviousData,
  });

/** jobQuery gets one job. */
export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ['job', id],
    queryFn: async () => (await api.jobs.getJob({ id })).response.job as Job,
  });

/** chunksQuery lists the chunks of a job; 1,000 are as many as a page draws. */
export const chunksQuery = (jobId: string) =>
  queryOptions({
    queryKey: ['job-detail', jobId, 'chunks'],
    queryFn: async () => (await api.jobs.listChunks({ jobId, pageSize: 1000, pageToken: '' })).response,
    placeholderData: keepPreviousData,
  });

/** traceQuery gets the path of a job through all services. */
export const traceQuery = (id: string) =>
  queryOptions({
    queryKey: ['job-detail', id, 'trace'],
    queryFn: async () => (await api.jobs.traceJob({ id })).response,
    placeholderData: keepPreviousData,
  });

/** formatsQuery lists what can be ingested. */
export const formatsQuery = queryOptions({
  queryKey: ['formats'],
  queryFn: async () => (await api.jobs.listFormats({})).response.formats,
  staleTime: Number.POSITIVE_INFINITY,
});

/** flowsQuery lists Flows, page by page. */
export const flowsQuery = (filter: FlowFilter) =>
  infiniteQueryOptions({
    queryKey: ['flows', filter],
    queryFn: async ({ pageParam }) =>
      (await api.flows.listFlows({ ...filter, pageSize: PAGE_SIZE, pageToken: pageParam })).response,
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: keepPreviousData,
  });

/** sourcesQuery lists Sources, page by page. */
export const sourcesQuery = (filter: { text: string; format: string }) =>
  infiniteQueryOptions({
    queryKey: ['sources', filter],
    queryFn: async ({ pageParam }) =>
      (await api.flows.listSources({ ...filter, pageSize: PAGE_SIZE, pageToken: pageParam })).response,
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: keepPreviousData,
  });

/** flowQuery gets one Flow with its members. */
export const flowQuery = (id: string) =>
  queryOptions({
    queryKey: ['flow', id],
    queryFn: async () => (await api.flows.getFlow({ id })).response,
  });

/**
 * linksQuery gets where to play a Flow. A new link would start the player anew, so
 * it is asked for again only when the old one no longer serves.
 */
export const linksQuery = (flowId: string) =>
  queryOptions({
    queryKey: ['links', flowId],
    queryFn: async () => (await api.playback.getLinks({ flowId })).response,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });

/** grainsQuery lists the grains of a short range of a Flow. */
export const grainsQuery = (flowId: string, timerange: string) =>
  queryOptions({
    queryKey: ['grains', flowId, timerange],
    queryFn: async () =>
      (await api.flows.listGrains({ flowId, timerange, pageSize: 10_000, pageToken: '' })).response.grains,
    staleTime: 60_000,
  });

/** meQuery tells who is logged in. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async () => (await api.portal.me({})).response,
  staleTime: 5 * 60_000,
});

/** mergeJob brings a job that an event told of into every list and page. */
export function mergeJob(client: QueryClient, job: Job) {
  client.setQueryData<Job>(['job', job.id], (old) => (old && old.revision >= job.revision ? old : job));
  for (const [key, data] of client.getQueriesData<Pages<ListJobsResponse>>({ queryKey: ['jobs'] })) {
    if (data) client.setQueryData(key, withJob(data, job, key[1] as JobFilter));
  }
}

/** withJob puts a job in its place in a list: where it was, or first if new. */
export function withJob(data: Pages<ListJobsResponse>, job: Job, filter: JobFilter): Pages<ListJobsResponse> {
  let found = false;
  const pages = data.pages.map((page) => {
    const at = page.jobs.findIndex((j) => j.id === job.id);
    if (at < 0) return page;
    found = true;
    const known = page.jobs[at] as Job;
    if (known.revision >= job.revision) return page;
    return { ...page, jobs: page.jobs.with(at, job) };
  });
  const first = pages[0];
  if (found || !first || filter.oldestFirst || !matches(job, filter)) return { ...data, pages };
  return { ...data, pages: [{ ...first, jobs: [job, ...first.jobs] }, ...pages.slice(1)] };
}

function matches(job: Job, filter: JobFilter): boolean {
  if (filter.states.length > 0 && !filter.states.includes(job.state)) return false;
  const text = filter.text.toLowerCase();
  const haystack = `${job.spec?.label ?? ''} ${job.spec?.url ?? ''}`.toLowerCase();
  return haystack.includes(text);
}

/** mergeFlow brings a Flow that an event told of into its page and the lists. */
export function mergeFlow(client: QueryClient, flow: Flow) {
  client.setQueriesData<GetFlowResponse>({ queryKey: ['flow'] }, (old) => old && withFlow(old, flow));
  let known = false;
  for (const [key, data] of client.getQueriesData<Pages<ListFlowsResponse>>({ queryKey: ['flows'] })) {
    if (!data?.pages.some((p) => p.flows.some((f) => f.id === flow.id))) continue;
    known = true;
    const pages = data.pages.map((p) => ({ ...p, flows: p.flows.map((f) => (f.id === flow.id ? flow : f)) }));
    client.setQueryData(key, { ...data, pages });
  }
  if (!known) client.invalidateQueries({ queryKey: ['flows'] });
}

function withFlow(answer: GetFlowResponse, flow: Flow): GetFlowResponse {
  if (answer.flow?.id === flow.id) return { ...answer, flow };
  if (!answer.members.some((m) => m.id === flow.id)) return answer;
  return { ...answer, members: answer.members.map((m) => (m.id === flow.id ? flow : m)) };
}

/** forgetFlow takes a deleted Flow out of the lists, and has its page ask again. */
export function forgetFlow(client: QueryClient, id: string) {
  client.invalidateQueries({ queryKey: ['flow', id] });
  for (const [key, data] of client.getQueriesData<Pages<ListFlowsResponse>>({ queryKey: ['flows'] })) {
    if (!data) continue;
    const pages = data.pages.map((p) => ({ ...p, flows: p.flows.filter((f) => f.id !== id) }));
    client.setQueryData(key, { ...data, pages });
  }
}
