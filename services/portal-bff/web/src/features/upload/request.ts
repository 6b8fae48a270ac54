import type { CreateJobRequest } from '@/api/gen/job/v1/jobs';
import { CreateJobRequest as CreateJobRequestType } from '@/api/gen/job/v1/jobs';
import { OnFailure, OriginKind } from '@/api/gen/job/v1/types';
import { parseRange, parseTime } from '@/player/mediatime';
import { program, shellQuote } from '@/ui/format';

/** What a user has typed into the form, verbatim. */
export interface Draft {
  url: string;
  label: string;
  mimeType: string;
  tracks: string;
  timerange: string;
  origin: 'zero' | 'timecode' | 'creation_time' | 'explicit';
  originDate: string;
  originTime: string;
  onFailure: 'discard' | 'keep';
  strict: boolean;
  newIds: boolean;
  tags: string;
  priority: string;
}

/** emptyDraft is the form as it opens. */
export const emptyDraft: Draft = {
  url: '',
  label: '',
  mimeType: '',
  tracks: '',
  timerange: '',
  origin: 'zero',
  originDate: '',
  originTime: '',
  onFailure: 'discard',
  strict: false,
  newIds: false,
  tags: '',
  priority: '',
};

/** What is wrong with a draft, by field; empty where nothing is. */
export type Problems = Partial<Record<keyof Draft, string>>;

/**
 * check says what is wrong with a draft, in words that help to mend it. mimeTypes are
 * those that can be ingested; none, as long as they are not known.
 */
export function check(d: Draft, mimeTypes: string[] = []): Problems {
  const problems: Problems = {};
  const url = checkUrl(d.url);
  if (url) problems.url = url;
  const mime = checkMime(d.mimeType.trim().toLowerCase(), mimeTypes);
  if (mime) problems.mimeType = mime;
  if (parseTags(d.tags) === undefined)
    problems.tags = 'Write name=value with commas between, such as reel=A1, note=final.';
  if (!/^(-?\d{1,9})?$/.test(d.priority.trim())) problems.priority = 'Write a whole number, such as 5.';
  if (d.tracks !== '' && parseTracks(d.tracks) === undefined)
    problems.tracks = 'Write track numbers with commas between, such as 1, 2.';
  if (d.timerange !== '' && parseRange(d.timerange) === undefined)
    problems.timerange = 'Write it as [seconds:nanoseconds_seconds:nanoseconds), such as [10:0_25:0).';
  if (d.origin === 'timecode' && d.originDate !== '' && !/^\d{4}-\d{2}-\d{2}$/.test(d.originDate))
    problems.originDate = 'Write the date as YYYY-MM-DD.';
  if (d.origin === 'explicit' && parseTime(d.originTime) === undefined)
    problems.originTime = 'Write the TAI instant as seconds:nanoseconds.';
  return problems;
}

function checkMime(mime: string, known: string[]): string | undefined {
  if (mime === '') return undefined;
  // What follows a semicolon is a parameter of the type, not part of its name.
  const name = (mime.split(';')[0] as string).trim();
  if (!/^[\w.+-]+\/[\w.+-]+$/.test(name)) return 'Write it as type/subtype, such as video/mp4.';
  if (known.length > 0 && !known.some((k) => k.toLowerCase() === name))
    return `Files of ${name} cannot be ingested; choose one of the list.`;
  return undefined;
}

function checkUrl(text: string): string | undefined {
  const url = text.trim();
  if (url === '') return undefined;
  const m = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(\/.*)?$/i.exec(url);
  if (!m) return 'Begin with https://, http:// or s3://.';
  if (!['http', 'https', 's3'].includes((m[1] as string).toLowerCase()))
    return `${m[1]} is not read; use https, http or s3.`;
  if (m[2] === '') return 'The host is missing after the two slashes.';
  if (!m[3] || m[3] === '/') return 'The path of the file is missing after the host.';
  return undefined;
}

function parseTracks(text: string): number[] | undefined {
  const numbers = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(Number);
  return numbers.every((n) => Number.isInteger(n) && n > 0) ? numbers : undefined;
}

/** parseTags reads "name=value, name=value"; a name may have several values. */
function parseTags(text: string): [name: string, value: string][] | undefined {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter(Boolean)
    .map((pair): [string, string] => {
      const at = pair.indexOf('=');
      return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()];
    });
  return pairs.every(([name]) => name !== '') ? pairs : undefined;
}

function tagsOf(text: string): Record<string, { values: string[] }> {
  const tags: Record<string, { values: string[] }> = {};
  for (const [name, value] of parseTags(text) ?? []) {
    tags[name] = { values: [...(tags[name]?.values ?? []), value] };
  }
  return tags;
}

const origins = {
  zero: OriginKind.ZERO,
  timecode: OriginKind.TIMECODE,
  creation_time: OriginKind.CREATION_TIME,
  explicit: OriginKind.EXPLICIT,
};

/** requestOf is the API call that a draft stands for. */
export function requestOf(d: Draft, idempotencyKey: string): CreateJobRequest {
  const date = d.origin === 'timecode' ? d.originDate : '';
  const time = d.origin === 'explicit' ? d.originTime.trim() : '';
  return CreateJobRequestType.create({
    idempotencyKey,
    priority: Number(d.priority.trim()),
    spec: {
      url: d.url.trim(),
      mimeType: d.mimeType.trim(),
      label: d.label.trim(),
      tracks: parseTracks(d.tracks) ?? [],
      timerange: d.timerange.trim(),
      origin: d.origin === 'zero' ? undefined : { kind: origins[d.origin], date, time },
      onFailure: d.onFailure === 'keep' ? OnFailure.KEEP : OnFailure.UNSPECIFIED,
      strict: d.strict,
      newIds: d.newIds,
      tags: tagsOf(d.tags),
    },
  });
}

/** cliLine is the command that does the same as the form. */
export function cliLine(d: Draft, file?: string): string {
  const flag = (name: string, value: string) =>
    value.trim() === '' ? [] : [`--${name}`, shellQuote(value.trim())];
  return [
    `${program} ingest`,
    ...flag('label', d.label),
    ...flag('mime', d.mimeType),
    ...flag('track', (parseTracks(d.tracks) ?? []).join(',')),
    ...flag('range', d.timerange),
    ...flag('origin', originFlag(d)),
    ...flag('on-failure', d.onFailure === 'keep' ? 'keep' : ''),
    ...(d.strict ? ['--strict'] : []),
    ...(d.newIds ? ['--new-ids'] : []),
    ...(parseTags(d.tags) ?? []).flatMap(([name, value]) => flag('tag', `${name}=${value}`)),
    ...flag('priority', d.priority),
    shellQuote(file ?? (d.url.trim() || 'URL')),
  ].join(' ');
}

function originFlag(d: Draft): string {
  switch (d.origin) {
    case 'zero':
      return '';
    case 'timecode':
      return d.originDate === '' ? 'timecode' : `timecode:${d.originDate}`;
    case 'explicit':
      return d.originTime;
    default:
      return 'creation';
  }
}

/** curlLine is the API call, ready for a shell. */
export function curlLine(d: Draft, origin: string): string {
  const json = CreateJobRequestType.toJsonString(requestOf({ ...d, url: d.url.trim() || 'URL' }, ''), {
    useProtoFieldName: true,
  });
  return [
    `curl ${origin}/twirp/grainmesh.job.v1.Jobs/CreateJob`,
    `  -H "Authorization: Bearer $GRAINMESH_TOKEN"`,
    `  -H 'Content-Type: application/json'`,
    `  -d ${shellQuote(json)}`,
  ].join(' \\\n');
}
