import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MethodInfo, ServiceInfo } from '@protobuf-ts/runtime-rpc';
import type { Plugin } from 'vite';
import { Analyser } from '../../src/api/gen/analyser/v1/analyser';
import { JobChanged, JobProgressed } from '../../src/api/gen/job/v1/events';
import { Jobs } from '../../src/api/gen/job/v1/jobs';
import { JobState } from '../../src/api/gen/job/v1/types';
import { Flows } from '../../src/api/gen/mediastore/v1/flows';
import { Playback } from '../../src/api/gen/origin/v1/origin';
import { Portal } from '../../src/api/gen/portal/v1/portal';
import { handlers, MockFault } from './handlers';
import { serveMedia } from './media';
import { world } from './world';

const services: ServiceInfo[] = [Jobs, Flows, Playback, Portal, Analyser];
const TICK_MS = 400;

/**
 * mockBackend answers in the place of a mesh, so that the pages can be worked on
 * and looked at alone: `npm run mock`. It is never part of a build.
 */
export function mockBackend(): Plugin {
  return {
    name: 'grainmesh-mock',
    configureServer(server) {
      server.middlewares.use((req, res, next) => {
        const { pathname } = new URL(req.url ?? '/', 'http://mock');
        const route = routes.find(([prefix]) => pathname.startsWith(prefix));
        if (!route) return next();
        return route[1](req, res, pathname);
      });
    },
  };
}

type Route = (req: IncomingMessage, res: ServerResponse, path: string) => unknown;

const noWindow = {
  code: 'trim_unsupported',
  message: 'the mock cuts no windows',
  fault: 'customer',
  retryable: false,
};

const routes: [string, Route][] = [
  ['/twirp/', twirp],
  ['/events', events],
  ['/origin/', (_, res, path) => serveMedia(path, res)],
  ['/upload/', upload],
  ['/tams/', (_, res) => json(res, 409, noWindow)],
];

async function body(req: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function json(res: ServerResponse, status: number, value: unknown) {
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify(value));
}

async function twirp(req: IncomingMessage, res: ServerResponse, path: string) {
  const [, , serviceName, methodName] = path.split('/');
  const method = services
    .find((s) => s.typeName === serviceName)
    ?.methods.find((m) => m.name === methodName) as MethodInfo<object, object> | undefined;
  const handle = handlers[`${methodName}`];
  if (!method || !handle) return json(res, 404, { code: 'bad_route', msg: `no route for ${path}` });
  try {
    const answer = await handle(method.I.fromBinary(await body(req)) as never);
    res.setHeader('Content-Type', 'application/protobuf');
    res.end(method.O.toBinary(method.O.create(answer)));
  } catch (err) {
    if (!(err instanceof MockFault)) throw err;
    json(res, err.status, { code: err.twirp, msg: err.message, meta: err.meta });
  }
}

async function upload(req: IncomingMessage, res: ServerResponse) {
  await body(req);
  res.setHeader('ETag', '"mock"');
  res.end();
}

/** events moves the running jobs on and tells of it. */
function events(req: IncomingMessage, res: ServerResponse) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  res.write('event: hello\ndata: {}\n\n');
  let id = 0;
  const send = (event: string, data: string) => res.write(`id: ${++id}\nevent: ${event}\ndata: ${data}\n\n`);
  const timer = setInterval(() => {
    for (const p of world.tick()) {
      const job = world.job(p.jobId);
      if (job?.state === JobState.READING) send('progress', JobProgressed.toJsonString(p));
      else send('job', JobChanged.toJsonString({ job }));
    }
  }, TICK_MS);
  req.on('close', () => clearInterval(timer));
}
