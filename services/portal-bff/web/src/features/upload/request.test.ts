import { describe, expect, it } from 'vitest';
import { OriginKind } from '@/api/gen/job/v1/types';
import { check, cliLine, curlLine, emptyDraft, requestOf } from './request';

const draft = { ...emptyDraft, url: 'https://cdn.example.com/film.mp4' };

describe('check', () => {
  it('lets a URL with a host and a path through', () => {
    expect(check(draft)).toEqual({});
    expect(check({ ...draft, url: 's3://bucket/a/b.wav' })).toEqual({});
  });

  it('knows which MIME types can be ingested, as soon as they are known', () => {
    const known = ['video/mp4', 'application/mxf'];
    expect(check({ ...draft, mimeType: 'Video/MP4 ' }, known)).toEqual({});
    expect(check({ ...draft, mimeType: 'video/x-nothing' })).toEqual({});
    expect(check({ ...draft, mimeType: 'video/x-nothing' }, known).mimeType).toMatch(/cannot be ingested/);
  });

  it('names what is missing', () => {
    expect(check({ ...draft, url: 'film.mp4' }).url).toMatch(/Begin with/);
    expect(check({ ...draft, url: 'ftp://host/film.mp4' }).url).toMatch(/ftp is not read/);
    expect(check({ ...draft, url: 'https://host/' }).url).toMatch(/path/);
    expect(check({ ...draft, mimeType: 'mp4' }).mimeType).toMatch(/type\/subtype/);
    expect(check({ ...draft, tags: 'reel' }).tags).toMatch(/name=value/);
    expect(check({ ...draft, priority: 'high' }).priority).toMatch(/number/);
    expect(check({ ...draft, tracks: '1, x' }).tracks).toMatch(/numbers/);
    expect(check({ ...draft, timerange: '10-25' }).timerange).toMatch(/seconds:nanoseconds/);
    expect(check({ ...draft, origin: 'explicit', originTime: 'now' }).originTime).toMatch(/TAI/);
  });
});

describe('the same in other words', () => {
  it('quotes what a shell would take apart', () => {
    const d = { ...draft, label: "Anna's reel", tracks: '1 2', strict: true, timerange: '[1:0_2:0)' };
    expect(cliLine(d)).toBe(
      `.bin/grainmesh ingest --label 'Anna'\\''s reel' --track 1,2 --range '[1:0_2:0)' --strict https://cdn.example.com/film.mp4`,
    );
    expect(curlLine(draft, 'http://mesh')).toContain(
      `-d '{"spec":{"url":"https://cdn.example.com/film.mp4"}}'`,
    );
  });

  it('asks for new ids, tags and a priority', () => {
    const d = { ...draft, newIds: true, tags: 'reel=A1, reel=A2, note=x=y', priority: '5' };
    expect(requestOf(d, 'k')).toMatchObject({
      priority: 5,
      spec: { newIds: true, tags: { reel: { values: ['A1', 'A2'] }, note: { values: ['x=y'] } } },
    });
    expect(cliLine(d)).toBe(
      '.bin/grainmesh ingest --new-ids --tag reel=A1 --tag reel=A2 --tag note=x=y --priority 5 https://cdn.example.com/film.mp4',
    );
  });

  it('puts the origin in its place', () => {
    const d = { ...draft, origin: 'timecode' as const, originDate: '2026-03-01' };
    expect(requestOf(d, 'k').spec?.origin).toMatchObject({ kind: OriginKind.TIMECODE, date: '2026-03-01' });
    expect(cliLine(d)).toContain('--origin timecode:2026-03-01');
  });
});
