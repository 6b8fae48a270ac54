import { TwirpFetchTransport } from '@protobuf-ts/twirp-transport';
import { AnalyserClient } from './gen/analyser/v1/analyser.client';
import { JobsClient } from './gen/job/v1/jobs.client';
import { FlowsClient } from './gen/mediastore/v1/flows.client';
import { PlaybackClient } from './gen/origin/v1/origin.client';
import { PortalClient } from './gen/portal/v1/portal.client';

/**
 * The session is a cookie that scripts cannot read. Every unsafe request carries
 * this header besides, which another site cannot make a browser send.
 */
export const csrfHeader = { 'X-Grainmesh-CSRF': '1' } as const;

const transport = new TwirpFetchTransport({
  baseUrl: '/twirp',
  useProtoMethodName: true,
  meta: { ...csrfHeader },
  fetchInit: { credentials: 'same-origin' },
});

/** One typed client for each API that the pages use. */
export const api = {
  jobs: new JobsClient(transport),
  flows: new FlowsClient(transport),
  playback: new PlaybackClient(transport),
  portal: new PortalClient(transport),
  analyser: new AnalyserClient(transport),
};
